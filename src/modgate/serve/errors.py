"""The one table from error types to responses: status, Retry-After and the text that the go command shows its user.

Belongs here: the table, the wording, and its bounds (protocol.md §1.1: at most 8 lines and about 648 bytes of printable
text are shown, up to the first blank line). Not here: headers (response.py), who decides what (below serve/).

A temporary failure must never look like absence: a client with `,direct` would go around the gateway. Only `Absent` and
malformed names are 404.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from modgate.errors import (
    Absent,
    Corrupt,
    Forbidden,
    Fork,
    GatewayError,
    Looped,
    Malformed,
    Mismatch,
    ModgateError,
    OverQuota,
    Refused,
    SetupError,
    Trouble,
    Unauthenticated,
    Unavailable,
    Unproven,
)
from modgate.serve.target import BadTarget, Unserved

MOST_LINES = 8
MOST_BYTES = 600
LONGEST_WAIT = 3600.0
"""Seconds: no Retry-After asks for more, whatever an upstream said."""

STATUS_OF_TROUBLE: Final[Mapping[Trouble, int]] = {
    Trouble.TIMEOUT: 504,
    Trouble.CONNECTION: 502,
    Trouble.ANSWER: 502,
    Trouble.BUSY: 429,
    Trouble.OURS: 503,
    Trouble.OPEN: 503,
}


SHOWN_PART = 150
"""Characters of each field in a text: three of them leave room for the advice, whatever they hold."""
ASK_OPERATORS = "Ask the operators of this gateway why."


@dataclass(frozen=True, slots=True)
class Failure:
    """What a client gets instead of an answer. Never stored by anybody: it goes out with `no-store`."""

    status: int
    text: str
    """Printable, at most MOST_LINES lines and MOST_BYTES bytes of UTF-8, with a final newline."""
    retry_after: int | None = None
    """Seconds."""
    challenge: bool = False
    """A WWW-Authenticate header goes with it."""


def failure_of(error: BaseException, request_id: str) -> Failure:
    """Look the error's type, or its nearest ancestor, up in the table."""
    for kind in type(error).__mro__:
        row = TABLE.get(kind)
        if row is not None:
            return row(error, request_id)
    return _internal(error, request_id)


def bounded(text: str) -> str:
    """What the go command can show of `text`: printable, no blank line, MOST_LINES lines, MOST_BYTES bytes, one end."""
    lines = (_printable(line).strip() for line in text.splitlines())
    kept = "\n".join([line for line in lines if line][:MOST_LINES])
    data = kept.encode(errors="replace")[: MOST_BYTES - 1]
    return data.decode(errors="ignore") + "\n"


def _said(error: GatewayError, prefix: str, silent: str, advice: str = "") -> str:
    """`prefix: what was asked: of whom: what came back`, and on a second line what to do."""
    parts = [_one_line(error.asked), _one_line(error.source), _one_line(error.reason) or silent]
    return bounded(": ".join([prefix, *filter(None, parts)]) + f"\n{advice}")


def _one_line(text: str) -> str:
    return " ".join(_printable(text[:SHOWN_PART]).split())


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _absent(error: Any, _: str) -> Failure:
    if error.words:
        return Failure(404, _own_words(error.words))
    return Failure(404, _said(error, "not found", "no source has it"))


def _own_words(words: str) -> str:
    """An upstream's own, as they are where they fit: three of Go's script tests compare them."""
    fit = (
        len(words.encode(errors="replace")) <= MOST_BYTES
        and len(words.splitlines()) <= MOST_LINES
        and all(c.isprintable() or c in "\n\t" for c in words)
    )
    return words if fit else bounded(words)


def _malformed(error: Any, _: str) -> Failure:
    return Failure(404, bounded(f"not found: malformed {_fault(error)}"))


def _bad_target(error: Any, _: str) -> Failure:
    return Failure(error.status, bounded(f"refused: malformed {_fault(error)}"))


def _fault(error: Malformed) -> str:
    return f"{_one_line(error.what)} {_quoted(error.text)}: {_one_line(error.why)}"


def _unserved(error: Any, _: str) -> Failure:
    return Failure(404, bounded(f"not found: {_one_line(error.why)} (asked: {_quoted(error.text)})"))


def _quoted(text: str) -> str:
    return ascii(text[:SHOWN_PART])


def _unauthenticated(error: Any, _: str) -> Failure:
    advice = "Give the go command credentials (GOAUTH, netrc)."
    return Failure(401, _said(error, "refused", "the client did not say who it is", advice), challenge=True)


def _forbidden(error: Any, _: str) -> Failure:
    if error.words:
        return Failure(error.status, _own_words(error.words))
    return Failure(error.status, _said(error, "refused", "may not be handed out", ASK_OPERATORS))


def _refused(error: Any, _: str) -> Failure:
    return Failure(403, _said(error, "refused", "may not be handed out", ASK_OPERATORS))


def _over_quota(error: Any, _: str) -> Failure:
    wait = _whole_seconds(error.retry_after)
    return Failure(429, _said(error, "refused", "too many requests", f"Try again in {wait} s."), wait)


def _unavailable(error: Any, _: str) -> Failure:
    wait = _whole_seconds(error.retry_after)
    advice = f"This says nothing about whether it exists; try again in {wait} s."
    return Failure(STATUS_OF_TROUBLE[error.trouble], _said(error, "unavailable", "could not be asked", advice), wait)


def _corrupt(error: Any, request_id: str) -> Failure:
    advice = f"Do not work around this: tell the operators of this gateway (request id {request_id})."
    return Failure(502, _said(error, "corrupt", "the content is not what it claims to be", advice))


def _mismatch(error: Any, request_id: str) -> Failure:
    likely = "Likely: something on the way, or the version's author, changed it after it was published."
    advice = f"{likely}\nDo not work around this: tell the operators of this gateway (request id {request_id})."
    return Failure(502, _said(error, "corrupt", "is not what the checksum database has recorded", advice))


def _looped(error: Any, _: str) -> Failure:
    silent = "the request has already passed through this gateway"
    advice = "Two gateways name each other as upstream: correct one of them."
    return Failure(508, _said(error, "refused", silent, advice))


def _internal(_: Any, request_id: str) -> Failure:
    return Failure(500, f"internal error: request id {request_id}; the log of the gateway has the details\n")


def _whole_seconds(seconds: float) -> int:
    """Rounded up, so that nobody comes back too early; odd values from outside become a second or LONGEST_WAIT."""
    return 1 if math.isnan(seconds) else math.ceil(min(max(seconds, 1.0), LONGEST_WAIT))


Row = Callable[[Any, str], Failure]

TABLE: Final[Mapping[type, Row]] = {
    ModgateError: _internal,
    SetupError: _internal,
    Unproven: _internal,
    Malformed: _malformed,
    BadTarget: _bad_target,
    Unserved: _unserved,
    GatewayError: _internal,
    Absent: _absent,
    Refused: _refused,
    Unauthenticated: _unauthenticated,
    Forbidden: _forbidden,
    OverQuota: _over_quota,
    Unavailable: _unavailable,
    Corrupt: _corrupt,
    Mismatch: _mismatch,
    Fork: _corrupt,
    Looped: _looped,
}
"""Every error of errors.py, and those of serve/. A test walks the tree and fails where one has no row of its own."""
