"""`python -m benchmarks`: build the stage, run the scenarios, print the tables.

The exit status is 0 whatever was measured, 1 if something broke, 2 if a program is missing.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import page, plots, table
from benchmarks.errors import Broken, Missing
from benchmarks.results import Results
from benchmarks.scenarios import (
    beside,
    checking,
    download,
    first_byte,
    graph,
    growth,
    herd,
    hot,
    memory,
    outage,
    rate,
    repository,
    start,
    steps,
    variants,
)
from benchmarks.servers.modgate import has_workers
from benchmarks.servers.peer import templates
from benchmarks.stage import Options, Stage, built

SCENARIOS: Mapping[str, Callable[[Stage, Results], None]] = {
    "start": start.run,
    "hot": hot.run,
    "rate": rate.run,
    "beside": beside.run,
    "variants": variants.run,
    "graph": graph.run,
    "download": download.run,
    "herd": herd.run,
    "first-byte": first_byte.run,
    "repository": repository.run,
    "outage": outage.run,
    "checking": checking.run,
    "memory": memory.run,
    "growth": growth.run,
    "steps": steps.run,
}


def main(arguments: Sequence[str]) -> int:
    """Run what was asked for; the exit status."""
    # The servers are in groups of their own: whoever ends this program means them too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    given = _parser().parse_args(arguments)
    began, results = time.monotonic(), Results()
    try:
        options = _options(given)
        with built(options) as stage:
            broken = [name for name in given.only or SCENARIOS if not _runs(name, stage, results)]
        text = _text(given, results, time.monotonic() - began)
        if given.write is not None:
            page.write(given.write, text, plots.draw(results, given.write.with_suffix("")))
    except Missing as error:
        print(error, file=sys.stderr)
        return 2
    except Broken as error:
        print(f"benchmarks: broken: {error}", file=sys.stderr)
        return 1
    print(text)
    return 1 if broken else 0


def _runs(name: str, stage: Stage, results: Results) -> bool:
    """Run one scenario. If it breaks, say so and go on: what the others measured is still true."""
    began = time.monotonic()
    print(f"benchmarks: {name} …", end=" ", file=sys.stderr, flush=True)
    try:
        SCENARIOS[name](stage, results)
    except Broken as error:
        print(f"broken: {error}", file=sys.stderr, flush=True)
        return False
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast modgate is.")
    parser.add_argument(
        "--only", action="append", choices=tuple(SCENARIOS), help="a scenario; repeatable; default: all"
    )
    parser.add_argument("--full", action="store_true", help="more rounds, and what takes long")
    parser.add_argument("--rounds", type=int, help="times that each number is measured (3; in full 7)")
    parser.add_argument("--seconds", type=int, help="seconds of load each time, whole ones (1; in full 3)")
    parser.add_argument("--latency", type=float, default=20.0, help="milliseconds that the upstream takes (20)")
    parser.add_argument("--workers", type=int, default=1, help="processes of each server (1)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put tables and plots into this Markdown page")
    return parser


def _options(given: argparse.Namespace) -> Options:
    if given.workers > 1 and not has_workers():
        raise Missing("benchmarks: this modgate has no --workers")
    return Options(
        rounds=given.rounds or (7 if given.full else 3),
        seconds=given.seconds or (3 if given.full else 1),
        latency=given.latency / 1000,
        workers=given.workers,
        full=given.full,
        peers=templates(os.environ.get("BENCH_PEERS", "")),
    )


def _text(given: argparse.Namespace, results: Results, seconds: float) -> str:
    now, options = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), _options(given)
    run = f"{options.rounds} rounds of {options.seconds} s, upstream {options.latency * 1000:g} ms away"
    workers = f", {options.workers} workers" if options.workers > 1 else ""
    parts = [f"{now}, {_machine()}; {run}{workers}; {seconds:.0f} s in all"]
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
