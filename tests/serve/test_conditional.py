"""Conditions and ranges are answered as RFC 9110 §§13 and 14 want it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.serve.conditional import (
    Changed,
    Decision,
    NotModified,
    Part,
    Unsatisfiable,
    Validators,
    Whole,
    decide,
    http_date,
    parse_range,
)

FETCHED = 1_700_000_000.7
VALIDATORS = Validators(b'"abc"', FETCHED)
THEN = http_date(FETCHED)
EARLIER = http_date(FETCHED - 10)
LATER = http_date(FETCHED + 10)


@pytest.mark.parametrize(
    ("headers", "decision"),
    [
        ({}, Whole()),
        ({b"if-none-match": b'"abc"'}, NotModified()),
        ({b"if-none-match": b'W/"abc"'}, NotModified()),
        ({b"if-none-match": b'"x", "abc"'}, NotModified()),
        ({b"if-none-match": b"*"}, NotModified()),
        ({b"if-none-match": b'"x"'}, Whole()),
        ({b"if-none-match": b"abc"}, Whole()),
        ({b"if-modified-since": THEN}, NotModified()),
        ({b"if-modified-since": LATER}, NotModified()),
        ({b"if-modified-since": EARLIER}, Whole()),
        ({b"if-modified-since": b"yesterday"}, Whole()),
        ({b"if-modified-since": b"Tue, 99 Nov 2023 99:13:20 GMT"}, Whole()),
        ({b"if-modified-since": b"\xff"}, Whole()),
        # If-None-Match decides alone (§13.1.3).
        ({b"if-none-match": b'"x"', b"if-modified-since": LATER}, Whole()),
        ({b"if-match": b'"abc"'}, Whole()),
        ({b"if-match": b"*"}, Whole()),
        ({b"if-match": b'"x"'}, Changed()),
        ({b"if-match": b'W/"abc"'}, Changed()),
        ({b"if-unmodified-since": THEN}, Whole()),
        ({b"if-unmodified-since": EARLIER}, Changed()),
        ({b"if-match": b'"x"', b"if-none-match": b'"abc"'}, Changed()),
        ({b"range": b"bytes=0-9"}, Part(0, 10)),
        ({b"range": b"bytes=0-9", b"if-none-match": b'"abc"'}, NotModified()),
        ({b"range": b"bytes=0-9", b"if-range": b'"abc"'}, Part(0, 10)),
        ({b"range": b"bytes=0-9", b"if-range": b'"x"'}, Whole()),
        ({b"range": b"bytes=0-9", b"if-range": b'W/"abc"'}, Whole()),
        ({b"range": b"bytes=0-9", b"if-range": THEN}, Part(0, 10)),
        ({b"range": b"bytes=0-9", b"if-range": LATER}, Whole()),
        ({b"range": b"bytes=200-", b"if-range": b'"x"'}, Whole()),
    ],
)
def test_a_request_with_conditions_is_decided(headers: dict[bytes, bytes], decision: Decision) -> None:
    assert decide(headers, VALIDATORS, 100) == decision


@pytest.mark.parametrize(
    "headers",
    [
        {b"if-none-match": b'""'},
        {b"if-none-match": b""},
        {b"if-modified-since": LATER},
        {b"range": b"bytes=0-9", b"if-range": b'"abc"'},
        {b"range": b"bytes=0-9", b"if-range": THEN},
        {b"if-unmodified-since": EARLIER},
    ],
)
def test_an_answer_without_validators_is_sent_whole(headers: dict[bytes, bytes]) -> None:
    assert decide(headers, Validators(), 100) == Whole()


def test_a_body_of_unknown_length_is_sent_whole() -> None:
    assert decide({b"range": b"bytes=0-9"}, VALIDATORS, None) == Whole()


@pytest.mark.parametrize(
    ("value", "decision"),
    [
        (b"bytes=0-0", Part(0, 1)),
        (b"bytes=0-", Part(0, 100)),
        (b"bytes=99-", Part(99, 100)),
        (b"bytes=90-1000", Part(90, 100)),
        (b"bytes=-10", Part(90, 100)),
        (b"bytes=-1000", Part(0, 100)),
        (b"Bytes = 0-9", Part(0, 10)),
        (b"bytes=100-", Unsatisfiable()),
        (b"bytes=1000-2000", Unsatisfiable()),
        (b"bytes=-0", Unsatisfiable()),
        (b"bytes=9-0", Whole()),
        (b"bytes=-", Whole()),
        (b"bytes=", Whole()),
        (b"bytes=0-1,5-6", Whole()),
        (b"bytes=a-b", Whole()),
        (b"bytes=0x1-5", Whole()),
        (b"lines=0-9", Whole()),
        (b"bytes=" + b"9" * 30 + b"-", Whole()),
        (b"", Whole()),
    ],
)
def test_a_range_of_a_hundred_bytes(value: bytes, decision: Decision) -> None:
    assert parse_range(value, 100) == decision


def test_nothing_has_no_part() -> None:
    assert parse_range(b"bytes=0-", 0) == Unsatisfiable()
    assert parse_range(b"bytes=-5", 0) == Unsatisfiable()


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 200))
def test_a_part_lies_within_its_body(first: int, last: int, size: int) -> None:
    decision = parse_range(b"bytes=%d-%d" % (first, last), size)
    if isinstance(decision, Part):
        assert (decision.start, decision.stop) == (first, min(last + 1, size))
        assert 0 <= decision.start < decision.stop <= size
    else:
        assert first > last or first >= size


@given(st.binary(max_size=60), st.integers(0, 1000))
def test_any_range_header_is_decided(value: bytes, size: int) -> None:
    parse_range(value, size)
    headers = {b"range": value, b"if-range": value, b"if-none-match": value, b"if-match": value}
    # The same value twice is the same decision: nothing of it is kept between two requests.
    assert decide(headers, VALIDATORS, size) == decide(headers, VALIDATORS, size)
