"""Which modules a list names, whoever wrote it: go.sum, `go mod download -json`, or lines of path@version.

Belongs here: reading. Not here: what is done about them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.paths import check_path
from modgate.gomod.versions import is_canonical

GO_MOD = "/go.mod"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A module, and the sums that the list says it has."""

    path: ModulePath
    version: str
    sums: dict[str, str] = field(default_factory=dict)
    """Of "zip" and "mod", each `h1:…`; what the list does not say is missing."""

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"


def modules_in(text: str) -> list[Wanted]:
    """The modules of a list, each once, in their order.

    Raises:
        Malformed: a line, or a JSON object, names no module.
    """
    found: dict[str, Wanted] = {}
    text = text.removeprefix("\ufeff").lstrip()  # what some editors put before everything
    for one in _objects(text) if text.startswith("{") else _lines(text):
        known = found.setdefault(str(one), one)
        known.sums.update(one.sums)
    return list(found.values())


def _lines(text: str) -> Iterator[Wanted]:
    for line in text.splitlines():
        fields = line.split()
        if not fields or fields[0].startswith(("#", "//")):
            continue
        if len(fields) == 3:
            version = fields[1].removesuffix(GO_MOD)
            kind = "mod" if fields[1].endswith(GO_MOD) else "zip"
            # Sums of other kinds are for times to come, as for the go command.
            yield _wanted(line, fields[0], version, {kind: fields[2]} if fields[2].startswith("h1:") else {})
        elif len(fields) == 1:
            path, _, version = fields[0].rpartition("@")
            yield _wanted(line, path, version, {})
        else:
            raise Malformed("list of modules", line, "its lines are path@version, or those of go.sum")


def _objects(text: str) -> Iterator[Wanted]:
    decoder, rest = json.JSONDecoder(), text
    while rest:
        try:
            said, end = decoder.raw_decode(rest)
        except ValueError as error:
            raise Malformed("list of modules", rest[:40], "it is no JSON") from error
        path, version = (said.get("Path"), said.get("Version")) if isinstance(said, dict) else (None, None)
        if not isinstance(path, str) or not isinstance(version, str):
            raise Malformed("list of modules", rest[:40], "its objects have Path and Version")
        sums = {"zip": said.get("Sum"), "mod": said.get("GoModSum")}
        yield _wanted(
            rest[:40], path, version, {kind: one for kind, one in sums.items() if isinstance(one, str) and one}
        )
        rest = rest[end:].lstrip()


def _wanted(line: str, path: str, version: str, sums: dict[str, str]) -> Wanted:
    if not is_canonical(version):
        raise Malformed("list of modules", line, f"{version!r} is no complete version")
    return Wanted(check_path(path), version, sums)
