"""What the upstream of a run hands out: a module that is asked for all the time, and a project to resolve.

Belongs here: which modules there are, and their files below a folder laid out as the GOPROXY protocol's URLs. Not here:
who serves them (upstream.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.world.modules import Module, escaped

PATH = "example.com/team/service"
HOT = "v1.20.0"
LARGE = "v2.0.0+incompatible"
ESCAPED = "example.com/Team/Upper"
"""A path that go commands write with `%21`."""
MISSING = "example.com/team"
"""No module: the go command asks for every prefix of an import path."""

SMALL_ZIP, LARGE_ZIP, GRAPH_ZIP = 200_000, 36_000_000, 100_000
"""Bytes: a typical zip, one of the large ones of cloud vendors, and those of the graph, which nobody should fetch."""

MODULES = 100
"""In the project's build list."""
OLD, NEW = "v1.0.0", "v1.1.0"
FANOUT = (1, 2, 5, 11)
"""Each module of the graph requires those that stand so many places behind it."""


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of an upstream, and a go.mod whose graph needs it."""

    root: Path
    go_mod: str
    unstored: tuple[str, ...]
    """Names of .mod files of the graph, each good for one first miss."""


def publish(root: Path) -> Project:
    """Make all files below `root`."""
    for module in _hot():
        _write(root, module)
    versions = [f"v1.{minor}.0" for minor in range(21)]
    (root / PATH / "@v/list").write_text("".join(f"{version}\n" for version in versions))
    graph = list(_graph())
    for module in graph:
        _write(root, module)
    requires = "".join(f"\t{one.path} {one.version}\n" for one in graph if one.version == NEW)
    go_mod = f"module example.com/project\n\ngo 1.21\n\nrequire (\n{requires})\n"
    return Project(root, go_mod, tuple(f"{one.name}.mod" for one in graph if one.version == NEW))


def _hot() -> Iterator[Module]:
    needs = {f"example.com/library/part{number}": f"v1.{number}.0" for number in range(8)}
    # Without go.mod, as its version says.
    yield Module(PATH, LARGE, go_mod=f"module {PATH}\n", payload=LARGE_ZIP, in_zip=False)
    yield Module(PATH, HOT, requires=needs, payload=SMALL_ZIP)
    yield Module(ESCAPED, HOT)


def _graph() -> Iterator[Module]:
    """Two versions of each module; half of the requirements name the old one, as they do in real graphs."""
    for number in range(MODULES):
        for version in (OLD, NEW):
            needs = {
                _name(number + step): NEW if (number + step) % 2 else OLD for step in FANOUT if number + step < MODULES
            }
            # Before Go 1.17 there is no pruning: the graph is followed to its end.
            lines = [
                f"module {_name(number)}",
                "",
                "go 1.16",
                "",
                *(f"require {path} {v}" for path, v in needs.items()),
            ]
            yield Module(_name(number), version, go_mod="\n".join(lines) + "\n", payload=GRAPH_ZIP)


def _name(number: int) -> str:
    return f"example.com/graph{number % 10}/module{number:03}"


def _write(root: Path, module: Module) -> None:
    base = root / module.name
    base.parent.mkdir(parents=True, exist_ok=True)
    for extension, data in (("info", module.info_bytes), ("mod", module.mod_bytes), ("zip", module.zip_bytes)):
        base.with_name(f"{base.name}.{extension}").write_bytes(data)
    (root / escaped(module.path) / "@latest").write_bytes(module.info_bytes)
