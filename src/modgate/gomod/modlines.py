"""The few statements of a go.mod file that decide something here: module, go and retract.

Belongs here: reading them as leniently as the go command reads the go.mod of a dependency. Not here: telling a go.mod
from something else (modfile.py), requirements and replacements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod import ModulePath, semver
from modgate.gomod.versions import canonical_version

_TOKEN = re.compile(
    r"""[ \t\r]*(?:
        (?P<comment>//[^\n]*)
      | (?P<end>\n)
      | (?P<mark>[()\[\]{},])
      | (?P<quoted>"(?:[^"\\\n]|\\.)*"|`[^`\n]*`)
      | (?P<word>(?!["`])(?:(?!//|/\*)[^\s()\[\]{},\x00-\x1f\x7f])+)
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_GO_VERSION = re.compile(r"([1-9][0-9]*)\.(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))?([a-z]+[0-9]+)?")
# A dependency's go line may have something behind its two numbers; Go then reads these only.
_LAX_GO_VERSION = re.compile(r"v?([1-9][0-9]*\.(?:0|[1-9][0-9]*))[^0-9].*", re.DOTALL)


class Interval(NamedTuple):
    """Versions from `low` to `high`, both included."""

    low: str
    high: str

    def __contains__(self, version: object) -> bool:
        return isinstance(version, str) and (
            semver.compare(self.low, version) <= 0 and semver.compare(version, self.high) <= 0
        )


def module_path(data: bytes) -> str:
    """Return what the first module line names, found without parsing the rest; "" where there is none."""
    for raw in data.split(b"\n"):
        line = raw.partition(b"//")[0].strip()
        if not line.startswith(b"module"):
            continue
        rest = line[len(b"module") :]
        path = rest.strip()
        if len(path) == len(rest) or not path:
            continue
        text = path.decode(errors="replace")
        return _unquoted(text) if text[0] in '"`' else text
    return ""


def go_version(data: bytes) -> tuple[int, int]:
    """Return the numbers of the go line, `(1, 24)`; (0, 0) where there is none or the file cannot be parsed."""
    found = (0, 0)
    try:
        for verb, args in statements(data):
            if verb == "go":
                if found != (0, 0) or len(args) != 1:
                    return (0, 0)
                found = _numbers(args[0])
                if found == (0, 0):
                    return found
    except Malformed:
        return (0, 0)
    return found


def retractions(data: bytes) -> tuple[Interval, ...]:
    """Return the intervals of all retract statements; what cannot be understood retracts nothing."""
    try:
        found = [_interval(args) for verb, args in statements(data) if verb == "retract"]
    except Malformed:
        return ()
    return tuple(interval for interval in found if interval is not None)


def synthesized(path: ModulePath) -> bytes:
    """Return the go.mod of a module that has none (protocol.md §3). A module path never needs quotes."""
    return f"module {path}\n".encode()


def statements(data: bytes) -> Iterator[tuple[str, list[str]]]:
    """Yield each statement as its verb and its arguments; those inside of a block get the verb of the block.

    Raises:
        Malformed: no go.mod syntax.
    """
    block = ""
    for line in _lines(data.decode(errors="replace")):
        if block:
            if line == [")"]:
                block = ""
            else:
                yield block, line
        elif line[-1] == "(":
            # A block that has more than one word before its bracket is none that Go knows.
            block = line[0] if len(line) == 2 else " ".join(line)
        elif line[0] == ")":
            raise Malformed("go.mod", ")", "a bracket is closed that was never opened")
        else:
            yield line[0], line[1:]
    if block:
        raise Malformed("go.mod", block, "a block is not closed")


def _lines(text: str) -> Iterator[list[str]]:
    at, line = 0, list[str]()
    text = text.rstrip(" \t\r\n")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise Malformed("go.mod", text[at : at + 40], "no token of a go.mod file")
        at = match.end()
        if match["end"] or match["comment"]:
            if line:
                yield line
            line = []
        elif match["quoted"]:
            line.append(_unquoted(match["quoted"]))
        else:
            line.append(match["mark"] or match["word"])
    if line:
        yield line


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != text[-1]:
        return ""
    return text[1:-1] if text[0] == "`" else _ESCAPE.sub(r"\1", text[1:-1])


def _numbers(text: str) -> tuple[int, int]:
    match = _GO_VERSION.fullmatch(text)
    if match is None:
        lax = _LAX_GO_VERSION.fullmatch(text)
        match = _GO_VERSION.fullmatch(lax[1]) if lax else None
    # Longer numbers are no version of Go; int() refuses very long ones.
    if match is None or max(len(match[1]), len(match[2])) > 9:
        return (0, 0)
    return int(match[1]), int(match[2])


def _interval(args: list[str]) -> Interval | None:
    match args:
        case ["[", low, ",", high, "]", *_]:
            pass
        case [low, *_] if low not in ("[", "("):
            high = low
        case _:
            return None
    low, high = canonical_version(low), canonical_version(high)
    return Interval(low, high) if low and high else None
