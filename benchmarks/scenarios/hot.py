"""Hot answers: what every go command of a company waits for most of the time.

A build server resolves the same modules all day long. How many requests a core answers says how many build servers one
gateway bears; the CPU time of one says the same without the load generator's part. Memory after all of it says what a
gateway needs on a working day.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.asking import Answer, ask, warm_up
from benchmarks.errors import Broken
from benchmarks.load import wrk
from benchmarks.project import ESCAPED, HOT, LARGE, MISSING, PATH
from benchmarks.results import Metric, Results
from benchmarks.stage import LATEST, LISTED, STORED, Stage, Started

CLIENTS = 64
"""Connections: six go commands that resolve at once have about so many."""
LARGE_CLIENTS = 8
"""Connections for a large zip; nobody downloads sixty of them at once."""
AFTER = "memory after all hot runs"


@dataclass(frozen=True, slots=True)
class Question:
    """One target, asked for again and again."""

    scenario: str
    target: str
    connections: int = CLIENTS
    status: int = 200
    large: bool = False
    """What counts is bytes, not requests."""


QUESTIONS = (
    Question("hot .info", f"/{PATH}/@v/{HOT}.info"),
    Question("hot .mod", STORED),
    Question("hot list", LISTED),
    Question("hot @latest", LATEST),
    Question("missing path, 404", f"/{MISSING}/@v/list", status=404),
    Question("zip of 200 KB", f"/{PATH}/@v/{HOT}.zip"),
    Question("zip of 36 MB", f"/{PATH}/@v/{LARGE}.zip", connections=LARGE_CLIENTS, large=True),
)
ESCAPED_TARGET = f"/{ESCAPED.replace('T', '%21t').replace('U', '%21u')}/@v/{HOT}.mod"
"""As go commands spell it."""


def run(stage: Stage, results: Results) -> None:
    """Every server has its turn at every question in every round, in an order that moves on from round to round."""
    with ExitStack() as stack:
        all_started = [stack.enter_context(stage.running(server)) for server in stage.servers]
        for target in (*(one.target for one in QUESTIONS), ESCAPED_TARGET):
            _see_alike(all_started, target)
        for number in range(stage.options.rounds):
            turn = number % len(all_started)
            for question in QUESTIONS:
                for started in all_started[turn:] + all_started[:turn]:
                    _measure(stage, started, question, results)
        for started in all_started:
            memory = started.process.memory()
            results.add(AFTER, started.server.name, Metric.RSS, memory.rss)
            results.add(AFTER, started.server.name, Metric.PSS, memory.pss)


def _see_alike(all_started: list[Started], target: str) -> None:
    """See that all servers answer the same, and have it at hand.

    Raises:
        Broken: one answers differently.
    """
    for started in all_started:
        warm_up(started.port, target)
    answers = [ask(started.port, target) for started in all_started]
    # Everybody says in his own words that there is nothing.
    said = {_content(answer) for answer in answers}
    if len(said) != 1:
        raise Broken(f"GET {target} is answered differently: {[(a.status, len(a.body)) for a in answers]}")


def _content(answer: Answer) -> tuple[int, bytes]:
    return answer.status, answer.body if answer.status == 200 else b""


def _measure(stage: Stage, started: Started, question: Question, results: Results) -> None:
    scenario, name = question.scenario, started.server.name
    warm_up(started.port, question.target)
    before = started.process.cpu_seconds()
    figures = wrk.run(
        stage.wrk,
        started.url + question.target,
        connections=question.connections,
        seconds=stage.options.seconds,
        status=question.status,
    )
    cpu = started.process.cpu_seconds() - before
    started.process.check()
    started.server.tidy()
    if question.large:
        results.add(scenario, name, Metric.MEGABYTES, figures.received / figures.seconds / 1e6)
        results.add(scenario, name, Metric.CPU_GIGABYTE, cpu * 1e3 / (figures.received / 1e9))
    else:
        results.add(scenario, name, Metric.RATE, figures.requests / figures.seconds)
        results.add(scenario, name, Metric.CPU_REQUEST, cpu * 1e6 / figures.requests)
    for metric, value in ((Metric.P50, figures.p50), (Metric.P95, figures.p95), (Metric.P99, figures.p99)):
        results.add(scenario, name, metric, value)
