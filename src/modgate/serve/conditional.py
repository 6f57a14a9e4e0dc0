"""Conditional requests and ranges as decisions over values (RFC 9110 §§13, 14).

Belongs here: whether a request is answered whole, in part, with 304, 412 or 416. Not here: the headers of the answer
(response.py), the sending (send.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

_TAG = re.compile(rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"')
_RANGE = re.compile(rb"bytes[ \t]*=[ \t]*(\d{0,19})-(\d{0,19})[ \t]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Validators:
    """What an answer can be compared by."""

    etag: bytes = b""
    """Strong, with its quotes; b"" where there is none."""
    modified: float = 0.0
    """Seconds since the epoch; 0.0 where it is not known."""


@dataclass(frozen=True, slots=True)
class Whole:
    """200."""


@dataclass(frozen=True, slots=True)
class Part:
    """206: the bytes from `start` up to, not including, `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class NotModified:
    """304."""


@dataclass(frozen=True, slots=True)
class Changed:
    """412: a precondition of the client does not hold."""


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """416: no byte of the answer lies in the range."""


Decision = Whole | Part | NotModified | Changed | Unsatisfiable


def decide(headers: Mapping[bytes, bytes], validators: Validators, size: int | None) -> Decision:
    """How a GET or HEAD whose full answer would be 200 is answered, in the order of RFC 9110 §13.2.2.

    `headers` has lower-case names; `size` is None where no range can be served: the length is not known yet, or the
    method is HEAD, for which ranges are not defined.
    """
    if not _preconditions_hold(headers, validators):
        return Changed()
    if _is_unchanged(headers, validators):
        return NotModified()
    wanted = headers.get(b"range")
    if wanted is None or size is None or not _range_applies(headers, validators):
        return Whole()
    return parse_range(wanted, size)


def parse_range(value: bytes, size: int) -> Decision:
    """A single range of bytes; anything else (several ranges, another unit) is answered whole (RFC 9110 §14.2)."""
    match = _RANGE.fullmatch(value)
    if match is None or not (match[1] or match[2]):
        return Whole()
    if not match[1]:
        start, stop = max(size - int(match[2]), 0), size
    else:
        start, stop = int(match[1]), min(int(match[2]) + 1, size) if match[2] else size
        if match[2] and int(match[2]) < start:
            return Whole()
    return Part(start, stop) if start < stop else Unsatisfiable()


def http_date(seconds: float) -> bytes:
    """Seconds since the epoch as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`."""
    return formatdate(seconds, usegmt=True).encode()


def _preconditions_hold(headers: Mapping[bytes, bytes], validators: Validators) -> bool:
    wanted = headers.get(b"if-match")
    if wanted is not None:
        return wanted.strip() == b"*" or (validators.etag != b"" and validators.etag in _TAG.findall(wanted))
    since = _date(headers.get(b"if-unmodified-since"))
    return since is None or not validators.modified or int(validators.modified) <= since


def _is_unchanged(headers: Mapping[bytes, bytes], validators: Validators) -> bool:
    known = headers.get(b"if-none-match")
    if known is not None:
        if known.strip() == b"*":
            return True
        # Weak comparison: a tag and its weak form mean the same content here.
        return validators.etag in [tag.removeprefix(b"W/") for tag in _TAG.findall(known)]
    since = _date(headers.get(b"if-modified-since"))
    return since is not None and validators.modified > 0 and int(validators.modified) <= since


def _range_applies(headers: Mapping[bytes, bytes], validators: Validators) -> bool:
    condition = headers.get(b"if-range")
    if condition is None:
        return True
    condition = condition.strip()
    if condition.endswith(b'"'):
        return condition == validators.etag != b""
    return validators.modified > 0 and condition == http_date(int(validators.modified))


def _date(value: bytes | None) -> float | None:
    """A date in any of HTTP's three spellings; None for none, or for one that is to be ignored."""
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value.decode("ascii")).timestamp()
    except (ValueError, OverflowError, TypeError):
        return None
