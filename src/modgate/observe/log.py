"""The application log: what modgate tells its operator in sentences and fields.

Belongs here: how it looks (a person's terminal, or JSON lines for a collector). Not here: the access log, and events
that are counted too (events.py).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TextIO, cast

from modgate.observe.complaints import StandardError
from modgate.observe.lean import without

# structlog imports rich for tracebacks that we never ask it for: 3.5 MB in each process.
with without("rich"):
    import structlog

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

Style = Literal["auto", "console", "json"]
Level = Literal["debug", "info", "warning", "error"]

LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def application_log(
    stream: TextIO | None = None, *, style: Style = "auto", level: Level = "info"
) -> FilteringBoundLogger:
    """A logger that writes to `stream` (default: the standard error); it is handed to whoever logs."""
    stream = cast(TextIO, StandardError()) if stream is None else stream
    human = style == "console" or (style == "auto" and stream.isatty())
    log: FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(stream),
        processors=_for_people(colours=stream.isatty()) if human else _for_machines(),
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        cache_logger_on_first_use=True,
    )
    return log


def _for_people(*, colours: bool) -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=structlog.dev.plain_traceback),
    ]


def _for_machines() -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(),
    ]


class Adopted(logging.Handler):
    """Hands what libraries log through the standard library (asyncio's complaints, say) to the application log."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(level=logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info is not None and record.exc_info[0] is not None:
            fields["exc_info"] = record.exc_info
        try:
            self._log.log(record.levelno, record.getMessage(), **fields)
        except Exception:  # noqa: BLE001 - a broken log line is reported in the way that logging itself does
            self.handleError(record)
