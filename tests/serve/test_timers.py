"""A connection's time is judged from what one sweep sees."""

from __future__ import annotations

import pytest

from modgate.serve.timers import Progress, Verdict, verdict


@pytest.mark.parametrize(
    ("silence", "began", "busy", "due"),
    [
        (0.0, 0.0, False, Verdict.NOTHING),
        (75.0, 0.0, False, Verdict.NOTHING),
        (75.1, 0.0, False, Verdict.IDLE),
        (1000.0, 0.0, True, Verdict.NOTHING),  # an upstream may take its time
        (1000.0, 5.0, False, Verdict.NOTHING),  # a request has begun
        (0.0, 10.0, False, Verdict.NOTHING),
        (0.0, 10.1, False, Verdict.TOO_SLOW),
        (0.0, 10.1, True, Verdict.TOO_SLOW),  # its body does not end
    ],
)
def test_a_connection_is_judged(silence: float, began: float, busy: bool, due: Verdict) -> None:
    assert verdict(silence=silence, began=began, busy=busy, idle_seconds=75.0, request_seconds=10.0) is due


def test_a_client_that_takes_nothing_is_stalled_after_its_patience() -> None:
    progress = Progress(moved_at=0.0)
    stalled = [progress.is_stalled(now, 1000, 400, 60.0) for now in (0.0, 1.0, 59.0, 60.0, 61.0)]
    assert stalled == [False, False, False, False, True]


def test_whoever_is_looked_at_for_the_first_time_has_all_of_its_patience() -> None:
    progress = Progress()
    assert not progress.is_stalled(1000.0, 500, 500, 60.0), "the same file for the second time, none of it on its way"
    assert not progress.is_stalled(1060.0, 500, 500, 60.0)
    assert progress.is_stalled(1060.1, 500, 500, 60.0)


def test_every_byte_that_leaves_gives_new_patience() -> None:
    progress = Progress()
    assert not progress.is_stalled(0.0, 1000, 400, 60.0)
    assert not progress.is_stalled(59.0, 1000, 399, 60.0)
    assert not progress.is_stalled(118.0, 1000, 399, 60.0)
    assert progress.is_stalled(119.1, 1000, 399, 60.0)


def test_a_buffer_that_is_refilled_to_the_same_size_is_progress() -> None:
    progress = Progress()
    for turn in range(200):
        assert not progress.is_stalled(turn * 50.0, 1000 + turn * 256, 400, 60.0)


def test_an_empty_buffer_is_no_stall() -> None:
    progress = Progress()
    assert not any(progress.is_stalled(now, 1000, 0, 60.0) for now in (0.0, 100.0, 1000.0))
