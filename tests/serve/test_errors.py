"""Every error has one row in the table, and its text is what the go command can show."""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate import errors
from modgate.errors import (
    Absent,
    Corrupt,
    Forbidden,
    Looped,
    Malformed,
    ModgateError,
    OverQuota,
    Refused,
    SetupError,
    Trouble,
    Unauthenticated,
    Unavailable,
)
from modgate.serve import target
from modgate.serve.errors import MOST_BYTES, MOST_LINES, STATUS_OF_TROUBLE, TABLE, Failure, failure_of
from modgate.serve.target import BadTarget, Unserved


def tree(kind: type[ModgateError]) -> list[type[ModgateError]]:
    """`kind` and everything below it that stands in the source."""
    below = [one for child in kind.__subclasses__() for one in tree(child)]
    return [kind, *below] if kind.__module__ in (errors.__name__, target.__name__) else below


@pytest.mark.parametrize("kind", tree(ModgateError))
def test_every_error_has_a_row_of_its_own(kind: type[ModgateError]) -> None:
    assert kind in TABLE


def test_every_trouble_has_a_status() -> None:
    assert set(STATUS_OF_TROUBLE) == set(Trouble)


FACTS: dict[str, Any] = {
    "asked": "rsc.io/quote@v1.0.0 zip",
    "source": "https://up.example",
    "reason": "answered 503 Service Unavailable",
}


@pytest.mark.parametrize(
    ("error", "status", "prefix", "retry_after"),
    [
        (Absent(**FACTS), 404, "not found: rsc.io/quote@v1.0.0 zip: https://up.example: answered 503", None),
        (Absent(), 404, "not found: no source has it", None),
        (Malformed("version", "v01", "no version"), 404, "not found: malformed version 'v01': no version", None),
        (BadTarget("/%zz", "bad percent-encoding"), 400, "refused: malformed request target '/%zz'", None),
        (BadTarget("/aaa", "longer than 8192 bytes", 414), 414, "refused: ", None),
        (Unserved("/api", "this gateway serves nothing there"), 404, "not found: this gateway serves nothing", None),
        (Unauthenticated(**FACTS), 401, "refused: ", None),
        (Forbidden(**FACTS), 403, "refused: ", None),
        (Forbidden(**FACTS, status=451), 451, "refused: ", None),
        (Refused(**FACTS), 403, "refused: ", None),
        (OverQuota(**FACTS, retry_after=2.1), 429, "refused: ", 3),
        (Unavailable(**FACTS, trouble=Trouble.TIMEOUT), 504, "unavailable: ", 1),
        (Unavailable(**FACTS, trouble=Trouble.CONNECTION), 502, "unavailable: ", 1),
        (Unavailable(**FACTS, trouble=Trouble.ANSWER, retry_after=30), 502, "unavailable: ", 30),
        (Unavailable(**FACTS, trouble=Trouble.BUSY, retry_after=1e9), 429, "unavailable: ", 3600),
        (Unavailable(**FACTS, trouble=Trouble.OURS, retry_after=-1), 503, "unavailable: ", 1),
        (Unavailable(**FACTS, trouble=Trouble.OPEN, retry_after=float("nan")), 503, "unavailable: ", 1),
        (Corrupt(**FACTS), 502, "corrupt: ", None),
        (Looped(), 508, "refused: ", None),
        (SetupError("data", "is full", "make room"), 500, "internal error: request id r-1", None),
        (RuntimeError("secret detail"), 500, "internal error: request id r-1", None),
        (KeyboardInterrupt(), 500, "internal error: request id r-1", None),
    ],
)
def test_an_error_becomes_its_response(error: BaseException, status: int, prefix: str, retry_after: int | None) -> None:
    failure = failure_of(error, "r-1")
    assert (failure.status, failure.retry_after) == (status, retry_after)
    assert failure.text.startswith(prefix)


def test_an_error_that_nobody_thought_of_is_treated_like_its_parent() -> None:
    class Stale(Unavailable):
        """Made up later."""

    assert failure_of(Stale(trouble=Trouble.TIMEOUT), "r-1").status == 504


def test_nothing_of_an_unexpected_error_is_shown() -> None:
    assert "secret" not in failure_of(RuntimeError("secret"), "r-1").text


@pytest.mark.parametrize("kind", [Absent, Forbidden])
@pytest.mark.parametrize(
    "words", ["not found: module rsc.io/x: git ls-remote: exit status 128\n", "a\n\tb: c\n\nd", "x"]
)
def test_an_upstreams_own_words_are_handed_on_unchanged(kind: Any, words: str) -> None:
    assert failure_of(kind(**FACTS, words=words), "r-1").text == words


@pytest.mark.parametrize("words", ["x" * 700, "a\n" * 9, "bell\x07", "€" * 300])
def test_words_that_nobody_could_show_are_cut_to_size(words: str) -> None:
    check_shown(failure_of(Absent(words=words), "r-1"))


def check_shown(failure: Failure) -> None:
    data = failure.text.encode()
    assert len(data) <= MOST_BYTES
    assert len(failure.text.splitlines()) <= MOST_LINES
    assert failure.text.endswith("\n")
    assert "\n\n" not in failure.text.strip("\n")
    assert all(char.isprintable() or char == "\n" for char in failure.text)


HARMFUL = st.text(st.one_of(st.characters(), st.sampled_from(string.printable)), max_size=800)


@given(HARMFUL, HARMFUL, HARMFUL, st.floats())
def test_texts_are_bounded_and_printable_whatever_the_fields_hold(
    asked: str, source: str, reason: str, wait: float
) -> None:
    facts: dict[str, Any] = {"asked": asked, "source": source, "reason": reason}
    for error in (
        Absent(**facts),
        Malformed(asked, source, reason),
        BadTarget(asked, reason),
        Unserved(asked, reason),
        Unauthenticated(**facts),
        Forbidden(**facts),
        OverQuota(**facts, retry_after=wait),
        Unavailable(**facts, retry_after=wait),
        Corrupt(**facts),
        Looped(**facts),
    ):
        failure = failure_of(error, "k3-17")
        check_shown(failure)
        assert failure.text.startswith(("not found: ", "unavailable: ", "refused: ", "corrupt: "))
        assert failure.retry_after is None or 1 <= failure.retry_after <= 3600


def test_long_fields_leave_room_for_the_advice() -> None:
    error = Corrupt(asked="a" * 1000, source="b\n" * 500, reason="c" * 1000)
    assert "request id k3-17" in failure_of(error, "k3-17").text
