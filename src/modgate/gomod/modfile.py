"""What cannot be a go.mod file.

Belongs here: telling a go.mod from an error page or a binary. Not here: its meaning. The module line is never judged,
and may be missing: forks and old toolchains have others and are served all the same (protocol.md §6.3).
"""

from __future__ import annotations

import re

from modgate.errors import Malformed

_SHOWN_CHARS = 100
"""How much of a bad file goes into an error."""

_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_COMMENT = re.compile(rb"//[^\n]*")
_BLANKS_AND_COMMENTS = re.compile(r"(?:[ \t\r\n]+|//[^\n]*)*+")
_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


def check_mod(data: bytes) -> None:
    """Pass what can be a go.mod file: text that begins, after comments, with a word, or has only comments.

    Raises:
        Malformed: nothing at all (an answer that was cut), not UTF-8, control characters, or the beginning of something
            else (HTML, JSON, a status code).
    """
    if not data.strip():
        # Go refuses one in a repository (no module declaration), so no upstream has one to give.
        raise _malformed(data, "it is empty")
    # In comments they are legal, but for NUL: one of Go's own script tests has a bell in a rationale.
    if b"\x00" in data or _CONTROL.search(_COMMENT.sub(b"", data)):
        raise _malformed(data, "it has control characters, so it is no text")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _malformed(data, "it is not UTF-8") from None
    # Every statement begins with a word (module, go, require …), and Go skips the words that it does not know.
    start = text.removeprefix(_BYTE_ORDER_MARK)
    match = _BLANKS_AND_COMMENTS.match(start)
    first = start[match.end() if match else 0 :][:1]
    if first and not (first.isascii() and first.isalpha()):
        raise _malformed(data, f"no go.mod statement begins with {first!r}")


def _malformed(data: bytes, why: str) -> Malformed:
    return Malformed(".mod", data[:_SHOWN_CHARS].decode(errors="replace"), why)
