"""The application log reads well on a terminal and parses well elsewhere."""

from __future__ import annotations

import io
import json
import logging
import sys

from modgate.observe.log import Adopted, application_log


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_machines_get_one_json_object_per_line() -> None:
    stream = io.StringIO()
    application_log(stream).warning("upstream is down", upstream="https://mirror.example", failures=3)
    line = json.loads(stream.getvalue())
    assert line["event"] == "upstream is down"
    assert line["level"] == "warning"
    assert line["failures"] == 3
    assert line["time"].endswith("Z")


def test_people_get_a_sentence() -> None:
    stream = Terminal()
    application_log(stream).info("listening", address="127.0.0.1:8080")
    assert "listening" in stream.getvalue()
    assert "{" not in stream.getvalue()


def test_the_style_can_be_chosen() -> None:
    stream = Terminal()
    application_log(stream, style="json").info("listening")
    assert json.loads(stream.getvalue())["event"] == "listening"


def test_what_is_below_the_level_is_not_written() -> None:
    stream = io.StringIO()
    log = application_log(stream, level="warning")
    log.info("too small a thing")
    log.error("a thing")
    assert json.loads(stream.getvalue())["event"] == "a thing"


def test_a_traceback_is_part_of_the_entry() -> None:
    stream = io.StringIO()
    try:
        raise ValueError("odd")
    except ValueError as error:
        application_log(stream).error("request failed", exc_info=error)
    assert "ValueError: odd" in json.loads(stream.getvalue())["exception"]


def test_complaints_of_libraries_are_adopted() -> None:
    stream = io.StringIO()
    adopted = Adopted(application_log(stream))
    record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "Task was %s", ("destroyed",), None)
    adopted.handle(record)
    assert json.loads(stream.getvalue())["event"] == "Task was destroyed"
    assert json.loads(stream.getvalue())["logger"] == "asyncio"


def test_an_adopted_complaint_keeps_its_traceback() -> None:
    stream = io.StringIO()
    adopted = Adopted(application_log(stream))
    try:
        raise RuntimeError("lost")
    except RuntimeError:
        record = logging.LogRecord("asyncio", logging.ERROR, __file__, 1, "never retrieved", (), sys.exc_info())
    adopted.handle(record)
    assert "RuntimeError: lost" in json.loads(stream.getvalue())["exception"]
