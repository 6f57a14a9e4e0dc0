"""Three ages decide what happens to a stored answer."""

from __future__ import annotations

import pytest

from modgate.cache.freshness import Ages, Verdict, judge
from modgate.source.base import Freshness

AGES = Ages(fresh=60, stale=600, keep=6000)
PRIVATE = Ages(fresh=0, stale=0, keep=6000)
NORMAL, REFRESH, CACHED_ONLY = Freshness.NORMAL, Freshness.REFRESH, Freshness.CACHED_ONLY


@pytest.mark.parametrize(
    ("age", "ages", "freshness", "verdict"),
    [
        (0, AGES, NORMAL, Verdict.FRESH),
        (59.9, AGES, NORMAL, Verdict.FRESH),
        (60, AGES, NORMAL, Verdict.STALE),
        (599, AGES, NORMAL, Verdict.STALE),
        (600, AGES, NORMAL, Verdict.OLD),
        (6000, AGES, NORMAL, Verdict.OLD),
        (6001, AGES, NORMAL, Verdict.GONE),
        (0, PRIVATE, NORMAL, Verdict.OLD),  # a new private tag is visible at once
        (0.5, AGES, REFRESH, Verdict.FRESH),  # at most one refresh a second
        (1, AGES, REFRESH, Verdict.OLD),
        (7000, AGES, REFRESH, Verdict.GONE),
        (7000, AGES, CACHED_ONLY, Verdict.FRESH),
        (-30, AGES, NORMAL, Verdict.FRESH),  # a clock that was a little ahead
        (-3000, AGES, NORMAL, Verdict.OLD),  # one that was far ahead
        (-9e8, AGES, NORMAL, Verdict.GONE),
    ],
)
def test_an_age_gives_a_verdict(age: float, ages: Ages, freshness: Freshness, verdict: Verdict) -> None:
    assert judge(age, ages, freshness) is verdict


def test_an_expired_answer_is_asked_for_again_and_still_helps() -> None:
    assert judge(1, AGES, NORMAL, expired=True) is Verdict.OLD
    assert judge(1, AGES, CACHED_ONLY, expired=True) is Verdict.FRESH
