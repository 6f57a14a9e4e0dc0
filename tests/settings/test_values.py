"""Durations and sizes are read as people write them, and shown so that they can be read again."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.settings.values import DAY, GIB, HOUR, format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("500ms", 0.5),
        ("60s", 60.0),
        ("60 s", 60.0),
        ("10m", 600.0),
        ("3h", 3 * HOUR),
        ("1.5h", 5400.0),
        ("30d", 30 * DAY),
    ],
)
def test_a_duration_is_seconds_or_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "-1s", "1h30m", "60 sec", "1e9", "nan", "inf", "\uff11s", "1w", "1M", "9" * 10]
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(Malformed, match="malformed duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1000", 1000), ("1000B", 1000), ("16KiB", 16384), ("500 MiB", 524288000), ("10GiB", 10 * GIB)],
)
def test_a_size_is_bytes_or_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "1.5GiB", "500MB", "500M", "500mib", "1e6", "9" * 16])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(Malformed, match="malformed size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.5, "0.5s"), (1.0, "1s"), (90.0, "90s"), (600.0, "10m"), (3 * HOUR, "3h"), (DAY, "1d")],
)
def test_a_duration_is_shown_in_its_largest_whole_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=400 * 86400 * 1000))
def test_a_duration_shown_is_the_duration_read(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1e-9)


@given(st.integers(min_value=0, max_value=1024 * GIB))
def test_a_size_shown_is_the_size_read(size: int) -> None:
    assert parse_size(format_size(size)) == size


@given(st.text(max_size=20))
def test_no_text_raises_anything_but_malformed(text: str) -> None:
    for parse in (parse_duration, parse_size):
        with contextlib.suppress(Malformed):
            assert parse(text) >= 0
