"""The h1 hash of a module zip and of a go.mod file (protocol.md §4).

Belongs here: Go's Hash1 over names and content hashes. Not here: reading a zip (ziphash.py).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable

from modgate.errors import Malformed


def h1(files: Iterable[tuple[str, str]]) -> str:
    """Return the `h1:…` of files, each given as its name and the sha256 of its content in small hex digits.

    Names are those in the zip, `path@version/file`; their order does not matter.

    Raises:
        Malformed: a line break in a name.
    """
    lines: list[str] = []
    for name, digest in sorted(files):
        if "\n" in name:
            raise Malformed("file name", name, "a name with a line break cannot be hashed")
        lines.append(f"{digest}  {name}\n")
    summary = hashlib.sha256("".join(lines).encode())
    return "h1:" + base64.b64encode(summary.digest()).decode()


def h1_of_mod(data: bytes) -> str:
    """Return the `h1:…` of a go.mod file, as it stands in go.sum behind `/go.mod`."""
    return h1([("go.mod", hashlib.sha256(data).hexdigest())])
