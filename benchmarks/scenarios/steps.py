"""How many steps one hot request takes: what a change of the hot path costs, told apart from what the machine does.

Times differ from minute to minute, steps do not: two runs of the same program count the same. A test holds bytecodes
and calls of C functions to their budget (tests/benchmarks/test_hit.py).
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.errors import Broken
from benchmarks.results import Metric, Results
from benchmarks.stage import ROOT, Stage
from benchmarks.targets import HIT, MODGATE

FEW, MANY = 500, 2500
"""Requests of two runs, whose difference leaves the start of the program out."""
VALGRIND = ("--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def run(_: Stage, results: Results) -> None:
    """Bytecodes always, instructions where valgrind is installed."""
    # Only now: it takes the server's side into this process, which nothing else here needs.
    from benchmarks.hit import steps

    counted = asyncio.run(steps())
    results.add(HIT, MODGATE, Metric.BYTECODES, counted.total)
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        print("benchmarks: valgrind is missing: no instructions are counted", file=sys.stderr)
        return
    with ThreadPoolExecutor() as pool:
        few, many = pool.map(lambda count: _instructions(valgrind, count), (FEW, MANY))
    results.add(HIT, MODGATE, Metric.INSTRUCTIONS, (many - few) / (MANY - FEW))


def _instructions(valgrind: str, count: int) -> int:
    command = [valgrind, *VALGRIND, sys.executable, "-m", "benchmarks.hit", str(count)]
    # Of the hash seed depends how often dictionaries collide.
    done = subprocess.run(
        command, cwd=ROOT, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, timeout=120, check=False
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if done.returncode != 0 or found is None:
        raise Broken(f"valgrind: status {done.returncode}: {done.stderr[-500:]}")
    return int(found[1].replace(",", ""))
