"""Hot answers: what every go command of a company waits for most of the time.

A build server resolves the same modules all day long. How many requests a core answers says how many build servers one
gateway bears; the CPU time of one says the same without the load generator's part. A missing path is answered from
memory too: the go command asks for every prefix of an import path. Memory after all of it says what a gateway needs on
a working day.
"""

from __future__ import annotations

from benchmarks.project import ESCAPED, HOT, LARGE, MISSING, PATH
from benchmarks.results import Metric, Results
from benchmarks.stage import LATEST, LISTED, STORED, Stage
from benchmarks.targets import INFO, LARGE_ZIP, SMALL_ZIP
from benchmarks.targets import MISSING as ABSENT
from benchmarks.turns import Question, see_alike, take_turns
from tests.world.modules import escaped

LARGE_CLIENTS = 8
"""Connections for a large zip; nobody downloads sixty of them at once."""
AFTER = "memory after all hot runs"

INFO_TARGET = f"/{PATH}/@v/{HOT}.info"
LARGE_ZIP_TARGET = f"/{PATH}/@v/{LARGE}.zip"
QUESTIONS = (
    Question(INFO, INFO_TARGET),
    Question("hot .mod", STORED),
    Question("hot list", LISTED),
    Question("hot @latest", LATEST),
    Question(ABSENT, f"/{MISSING}/@v/list", status=404),
    Question(SMALL_ZIP, f"/{PATH}/@v/{HOT}.zip"),
    Question(LARGE_ZIP, LARGE_ZIP_TARGET, connections=LARGE_CLIENTS, large=True),
)
ESCAPED_TARGET = f"/{escaped(ESCAPED).replace('!', '%21')}/@v/{HOT}.mod"
"""As go commands spell it."""


def run(stage: Stage, results: Results) -> None:
    """Everybody, all questions."""
    with stage.all_running(stage.servers) as all_started:
        see_alike(all_started, ESCAPED_TARGET)
        take_turns(stage, all_started, QUESTIONS, results)
        for started in all_started:
            results.add(AFTER, started.server.name, Metric.PSS, started.process.memory())
