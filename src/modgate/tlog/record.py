"""Records: their texts, and how they stand in lookups and data tiles (protocol.md §5.1, §5.3)."""

from __future__ import annotations

import re

from modgate.errors import Malformed

MOST = 1 << 63
"""Numbers in a log are below it, as in Go."""
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
"""What may not stand in a record: control characters but line ends."""


def format_record(number: int, text: str) -> bytes:
    """How a record stands in the answer to a lookup, before the signed tree note.

    Raises:
        Malformed: no record has such a text.
    """
    return f"{number}\n{checked_text(text)}\n".encode()


def parse_record(data: bytes) -> tuple[int, str, bytes]:
    """Take what begins with a record apart: its number, its text, and what comes after the empty line.

    Raises:
        Malformed: it does not begin with a record.
    """
    first, newline, rest = data.partition(b"\n")
    text, separator, after = rest.partition(b"\n\n")
    if not newline or not separator:
        raise Malformed("lookup", ascii(first[:40].decode("latin-1"))[1:-1], "it has no record before an empty line")
    return parse_number(_decoded(first)), checked_text(_decoded(text) + "\n"), after


def parse_data_tile(data: bytes) -> list[str]:
    """The texts of the records in a data tile, each of which is followed by an empty line.

    Raises:
        Malformed: it is none.
    """
    if not data.endswith(b"\n\n"):
        raise Malformed("data tile", "", "it does not end with a record and an empty line")
    return [checked_text(_decoded(text) + "\n") for text in data[:-2].split(b"\n\n")]


def checked_text(text: str) -> str:
    """The text of a record: lines without control characters, none of them empty.

    Raises:
        Malformed: it is something else.
    """
    control = _CONTROL.search(text) is not None
    try:
        text.encode()
    except UnicodeEncodeError:
        control = True
    # An empty line would end it early. (Go lets one pass at the very beginning; no log has such a record.)
    if control or not text.endswith("\n") or text.startswith("\n") or "\n\n" in text:
        raise Malformed("record", text[:40], "it is not lines of text, none of them empty")
    return text


def parse_number(text: str) -> int:
    """A size or a record's number.

    Raises:
        Malformed: it is not decimal, has leading zeros, or needs more than 63 bits.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > 20 or str(int(text)) != text or int(text) >= MOST:
        raise Malformed("number", text[:40], "it is not decimal without leading zeros, of 63 bits at most")
    return int(text)


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("record", "", "it is not UTF-8") from error
