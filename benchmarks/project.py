"""What the upstream of a run hands out: modules that are asked for all the time, large ones, and two projects.

Belongs here: which modules there are, and their files below a folder laid out as the GOPROXY protocol's URLs. Not here:
how zips get so large (weight.py), who serves them (upstream.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.weight import many_files, noise, noise_of, versions_of
from tests.world.database import WIDTH, Database
from tests.world.modules import Module, escaped

PATH = "example.com/team/service"
HOT = "v1.20.0"
LARGE = "v2.0.0+incompatible"
ESCAPED = "example.com/Team/Upper"
"""A path that go commands write with `%21`."""
MISSING = "example.com/team"
"""No module: the go command asks for every prefix of an import path."""

SMALL_ZIP, LARGE_ZIP, HERD_ZIP, HUGE_ZIP = 200_000, 36_000_000, 25_000_000, 100_000_000
"""Bytes: a typical zip, one of the large ones of cloud vendors, and two that many want at the same time."""
HERD, HUGE = "example.com/sdk/herd", "example.com/sdk/huge"
ONCE = "v1.0.0"
"""The only version of both."""

MODULES = 200
"""In the build list of the graph."""
OLD, NEW = "v1.0.0", "v1.1.0"
FANOUT = (1, 2, 5, 11)
"""Each module of the graph requires those that stand so many places behind it."""
GRAPH_ZIP = 10_000
"""Bytes of zips that nobody should fetch."""

WANTED = {60: (8, 40_000), 18: (25, 200_000), 5: (80, 1_500_000)}
"""The project that is downloaded: so many modules with so many files, of so many bytes together. 83 modules have 249
files, and 13 MB: many small ones and a few that weigh, as projects have them."""

CHECKED = "example.com/sdk/checked"
CHECKED_VERSIONS = tuple(f"v1.0.{patch}" for patch in range(10))
CHECKED_BEFORE = "v0.9.0"
"""One more, for a gateway that has been checking zips before: what it needs for its first one is loaded once."""
CHECKED_FILES, CHECKED_BYTES = 6000, 30_000_000
"""Ten versions of a cloud vendor's module: each takes most of a second of CPU time to be checked."""

VERIFIED = "example.com/sdk/verified"
"""Ten versions whose zips have HUGE_ZIP bytes; the checksum database knows them."""


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of an upstream, and the go.mod files of projects that need it."""

    root: Path
    graph: str
    """For a module graph of MODULES modules."""
    download: str
    """For a download of 249 files."""
    checksum: str
    """The key of the checksum database, as GOSUMDB; the upstream serves it too. It knows what is downloaded, the graph,
    and VERIFIED."""
    unstored: tuple[str, ...]
    """Names of .mod files of the graph, each good for one first miss."""


def publish(root: Path, weight: float = 1.0) -> Project:
    """Make all files below `root`; `weight` is the share of their bytes that large zips have, for who is in a hurry."""
    hot = list(_hot(weight))
    for module in hot:
        _write(root, module)
    versions = [f"v1.{minor}.0" for minor in range(21)]
    (root / PATH / "@v/list").write_text("".join(f"{version}\n" for version in versions))
    for path, size in ((HERD, HERD_ZIP), (HUGE, HUGE_ZIP)):
        _write(root, Module(path, ONCE), noise(f"{path}@{ONCE}", int(size * weight)))
    files, size = int(CHECKED_FILES * weight), int(CHECKED_BYTES * weight)
    for path, version, data in versions_of(CHECKED, (CHECKED_BEFORE, *CHECKED_VERSIONS), files, size):
        _write(root, Module(path, version), data)
    verified = list[Module]()
    for module, data in noise_of(VERIFIED, (CHECKED_BEFORE, *CHECKED_VERSIONS), int(HUGE_ZIP * weight)):
        _write(root, module, data)
        verified.append(module)
    graph, wanted = list(_graph()), list(_wanted())
    for module in (*graph, *wanted):
        _write(root, module)
    return Project(
        root,
        _go_mod([one for one in graph if one.version == NEW]),
        _go_mod(wanted),
        # That a gateway is awake is told by a module that all of them can verify.
        _vouch(root, [*wanted, *graph, *verified, *(one for one in hot if (one.path, one.version) == (PATH, HOT))]),
        tuple(f"{one.name}.mod" for one in graph if one.version == NEW),
    )


def _hot(weight: float) -> Iterator[Module]:
    needs = {f"example.com/library/part{number}": f"v1.{number}.0" for number in range(8)}
    # Without go.mod, as its version says.
    yield Module(PATH, LARGE, go_mod=f"module {PATH}\n", payload=int(LARGE_ZIP * weight), in_zip=False)
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


def _wanted() -> Iterator[Module]:
    for count, (files, size) in WANTED.items():
        for number in range(count):
            path = f"example.com/wanted{files}/module{number:02}"
            yield Module(path, NEW, files=many_files(path, files, size))


def _go_mod(modules: Sequence[Module]) -> str:
    requires = "".join(f"\t{one.path} {one.version}\n" for one in modules)
    return f"module example.com/project\n\ngo 1.21\n\nrequire (\n{requires})\n"


def _vouch(root: Path, modules: Sequence[Module]) -> str:
    """Write a checksum database as files, complete for its one tree head; its key."""
    database = Database("sum.example.com")
    database.records(*modules)
    lookups = [f"lookup/{escaped(one.path)}@{escaped(one.version)}" for one in modules]
    for name in ("supported", "latest", *_tiles(len(modules)), *lookups):
        file = root / "sumdb" / database.name / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(database.answer(name).body)
    return database.key


def _tiles(size: int) -> Iterator[str]:
    """Those of the tree with so many records, of which there are less than 256,000."""
    level = 0
    while size:
        yield from (f"tile/8/{level}/{number:03}" for number in range(size // WIDTH))
        if size % WIDTH:
            yield f"tile/8/{level}/{size // WIDTH:03}.p/{size % WIDTH}"
        level, size = level + 1, size // WIDTH


def _write(root: Path, module: Module, zipped: bytes | None = None) -> None:
    base = root / module.name
    base.parent.mkdir(parents=True, exist_ok=True)
    files = {"info": module.info_bytes, "mod": module.mod_bytes, "zip": zipped or module.zip_bytes}
    for extension, data in files.items():
        base.with_name(f"{base.name}.{extension}").write_bytes(data)
    (root / escaped(module.path) / "@latest").write_bytes(module.info_bytes)
