"""Questions that are asked for a while, of every server in turn.

Belongs here: how one such measurement is made, and in which order. Not here: which questions (scenarios/).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.asking import Answer, ask, warm_up
from benchmarks.errors import Broken
from benchmarks.load import wrk
from benchmarks.load.wrk import Mixed
from benchmarks.results import Metric, Results
from benchmarks.servers.peer import Peer
from benchmarks.stage import Stage, Started

CLIENTS = 64
"""Connections: six go commands that resolve at once have about so many."""


@dataclass(frozen=True, slots=True)
class Question:
    """Targets that are asked for again and again."""

    scenario: str
    target: str
    connections: int = CLIENTS
    status: int = 200
    large: bool = False
    """What counts is bytes, not requests."""
    headers: tuple[str, ...] = ()
    mixed: Mixed | None = None
    """Other targets than `target`, by their weights."""

    @property
    def targets(self) -> Sequence[str]:
        """All of them."""
        return [self.target, *(self.mixed.targets if self.mixed else ())]


def take_turns(stage: Stage, all_started: Sequence[Started], questions: Sequence[Question], results: Results) -> None:
    """Every server has its turn at every question in every round, in an order that moves on from round to round.

    Raises:
        Broken: they do not answer the same.
    """
    for target in dict.fromkeys(target for question in questions for target in question.targets):
        see_alike(all_started, target)
    for number in range(stage.options.rounds):
        turn = number % len(all_started)
        for question in questions:
            for started in [*all_started[turn:], *all_started[:turn]]:
                measure(stage, started, question, results)


def see_alike(all_started: Sequence[Started], target: str) -> None:
    """See that all servers answer the same, and have it at hand.

    Raises:
        Broken: one answers differently.
    """
    answers = []
    for started in all_started:
        warm_up(started.port, target, secure=started.server.secure)
        answers.append((started.server, ask(started.port, target, secure=started.server.secure)))
    # Everybody says in his own words that there is nothing; peers have their own words for other things too.
    said = {answer.status if isinstance(server, Peer) else _content(answer) for server, answer in answers}
    if len({one for one in said if one != 200}) > 1:
        raise Broken(f"GET {target} is answered differently: {[(s.name, a.status, len(a.body)) for s, a in answers]}")


def _content(answer: Answer) -> bytes | int:
    return answer.body if answer.status == 200 else answer.status


def measure(stage: Stage, started: Started, question: Question, results: Results) -> None:
    """One server's turn at one question."""
    scenario, name = question.scenario, started.server.name
    warm_up(started.port, question.target, secure=started.server.secure)
    before = started.process.cpu_seconds()
    figures = wrk.run(
        stage.wrk,
        started.url + question.target,
        connections=question.connections,
        seconds=stage.options.seconds,
        status=question.status,
        headers=question.headers,
        mixed=question.mixed,
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
