"""A hot request keeps to its budget of steps, which no neighbour on the machine can change."""

from __future__ import annotations

import sys

import pytest

from benchmarks.hit import steps
from benchmarks.results import Metric
from benchmarks.targets import BYTECODES, HIT, MODGATE, MORE, targets_of


async def test_two_counts_are_the_same() -> None:
    assert await steps(50) == await steps(50)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the budget is in bytecodes of Python 3.11")
async def test_a_hot_request_takes_no_more_steps_than_its_budget() -> None:
    taken = await steps()
    assert taken.total <= BYTECODES * MORE, (
        f"{taken.total:.0f} bytecodes and C calls; the budget is {BYTECODES}: find out what became dearer, and only if "
        "it has to be, write the new budget down in benchmarks/targets.py and docs/performance.md"
    )
    assert taken.total >= BYTECODES / MORE, f"{taken.total:.0f} are much less than the budget: write the new one down"


def test_the_budget_is_a_row_of_the_benchmark() -> None:
    (target,) = targets_of(HIT, MODGATE, Metric.BYTECODES)
    assert target.at_most == round(BYTECODES * MORE)
