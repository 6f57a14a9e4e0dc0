"""What a go.mod file requires, and by which rules of Go.

Belongs here: reading it for a guess, leniently, and in a tenth of the time that a scanner takes. Not here: what a build
selects (minimal version selection), replacements and exclusions: those of a dependency mean nothing.
"""

from __future__ import annotations

import re

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.paths import check_path
from modgate.gomod.versions import check, is_canonical

_GO = re.compile(rb"^[ \t]*go[ \t]+([0-9]{1,4})\.([0-9]{1,4})", re.MULTILINE)
# One that does not end goes to the end of the file: to look for the end of each anew takes seconds for 64 KiB of them.
_BLOCK = re.compile(r"^[ \t]*require[ \t]*\(([^)]*)", re.MULTILINE)
_SINGLE = re.compile(r"^[ \t]*require[ \t]+([^\s(].*)$", re.MULTILINE)
_PAIR = re.compile(r"^[ \t]*[\"`]?([^\s\"`/][^\s\"`]*)[\"`]?[ \t]+[\"`]?(v[^\s\"`]+)", re.MULTILINE)


def requirements(data: bytes) -> list[tuple[ModulePath, str]]:
    """The modules that `data` requires, each with its version, in the file's order; what is malformed is left out."""
    text = data.decode(errors="replace")
    statements = [*_BLOCK.findall(text), *_SINGLE.findall(text)]
    found = dict.fromkeys(pair for statement in statements for pair in _PAIR.findall(statement))
    return [good for path, version in found if (good := _checked(path, version)) is not None]


def go_line(data: bytes) -> tuple[int, int]:
    """The numbers of the first go line, `(1, 24)`; (0, 0) where there is none."""
    match = _GO.search(data)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _checked(path: str, version: str) -> tuple[ModulePath, str] | None:
    try:
        module = check_path(path)
        check(module, version)
    except Malformed:
        return None
    return (module, version) if is_canonical(version) else None
