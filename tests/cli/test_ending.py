"""Whatever happens in a command, it ends with one line and an exit code."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from modgate.cli.ending import ended
from modgate.errors import SetupError, Unavailable


def raising(error: BaseException) -> Callable[[], int]:
    def run() -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (SetupError("data", "is full", "make room"), 2, "modgate: data: is full; make room\n"),
        (Unavailable(reason="our own log cannot be used"), 1, "modgate: our own log cannot be used\n"),
        (KeyboardInterrupt(), 130, ""),
        (
            ValueError("two\nlines https://u:s3cr3t@a.example"),
            1,
            "modgate: unexpected ValueError: two lines https://a.example; run with MODGATE_DEBUG=1 for the traceback\n",
        ),
    ],
)
def test_an_error_is_one_line(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MODGATE_DEBUG", raising=False)
    assert ended(raising(error)) == code
    assert capsys.readouterr().err == line


def test_the_traceback_is_for_those_who_ask_for_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODGATE_DEBUG", "1")
    assert ended(raising(ValueError("x"))) == 1
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):")


def test_a_command_that_ends_well_has_its_own_code() -> None:
    assert ended(lambda: 0) == 0
    assert ended(lambda: 7) == 7
