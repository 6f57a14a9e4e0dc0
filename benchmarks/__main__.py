"""`python -m benchmarks`: build the stage, run the scenarios, print the tables.

The exit status is 0 whatever was measured, 1 if something broke, 2 if a program is missing.
"""

from __future__ import annotations

import argparse
import platform
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import table
from benchmarks.errors import Broken, Missing
from benchmarks.results import Results
from benchmarks.scenarios import graph, hot, start
from benchmarks.stage import Options, Stage, built

SCENARIOS: Mapping[str, Callable[[Stage, Results], None]] = {"start": start.run, "graph": graph.run, "hot": hot.run}


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; the exit status."""
    # The servers are in groups of their own: whoever ends this program means them too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    given = _parser().parse_args(arguments)
    options = Options(rounds=given.rounds, seconds=given.seconds, latency=given.latency / 1000)
    began, results = time.monotonic(), Results()
    try:
        with built(options) as stage:
            for name in given.only or SCENARIOS:
                print(f"benchmarks: {name} …", file=sys.stderr, flush=True)
                SCENARIOS[name](stage, results)
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    except Broken as error:
        print(f"benchmarks: broken: {error}", file=sys.stderr)
        return 1
    print(_text(options, results, time.monotonic() - began))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast modgate is.")
    parser.add_argument(
        "--only", action="append", choices=tuple(SCENARIOS), help="a scenario; repeatable; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5, help="times that each number is measured (5)")
    parser.add_argument("--seconds", type=int, default=1, help="seconds of load each time, whole ones (1)")
    parser.add_argument("--latency", type=float, default=20.0, help="milliseconds that the upstream takes (20)")
    return parser


def _text(options: Options, results: Results, seconds: float) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    run = f"{options.rounds} rounds of {options.seconds} s, upstream {options.latency * 1000:g} ms away"
    parts = [f"{now}, {_machine()}; {run}; {seconds:.0f} s in all"]
    parts += [table.throughput(results), table.single(results), table.summary(results)]
    return "\n\n".join(filter(None, parts))


def _machine() -> str:
    """The kind of machine, without its name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{len(models)} cores of {model}, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
