"""Which files of a repository's tree become a module zip (protocol.md §3, "Building a zip from a tree").

Belongs here: the rules of Go's zip.Create by names, kinds and the go line. Not here: reading the tree (source/git),
writing the zip (zipwrite.py), what a finished zip may hold (modzip.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.modzip import STORED, Entry, ZipLimits, check_entries
from modgate.gomod.paths import check_file_path

GO_1_24 = (1, 24)
"""From this go line on vendor/modules.txt is left out, and `pkg/vendor/x.go` is not."""


class Found(NamedTuple):
    """One file of a tree, named relative to the module's root. A tuple, because there may be 250,000 of them."""

    name: str
    size: int
    """In bytes, as far as it is known: attributes may change it on the way out."""
    regular: bool
    """False for symbolic links and for the commits of git submodules."""


def is_vendored(name: str, go: tuple[int, int]) -> bool:
    """Say whether a file belongs to a vendored package, as the Go of the go line `go` sees it."""
    if go >= GO_1_24 and name == "vendor/modules.txt":
        return True
    if name.startswith("vendor/"):
        return "/" in name[len("vendor/") :]
    at = name.find("/vendor/")
    if at < 0:
        return False
    # Before 1.24 Go looked from the eighth byte of the whole name on; the h1 of old modules depends on it.
    return "/" in name[(at if go >= GO_1_24 else 0) + len("/vendor/") :]


def selected(files: Iterable[Found], go: tuple[int, int]) -> list[Found]:
    """Return the files that belong to the module, in their order; those that are not regular only take a name.

    Raises:
        Malformed: a name that no module zip may hold; then the module can never be served.
    """
    files = list(files)
    nested = {name[: -len("go.mod")] for name, _, regular in files if regular and _is_go_mod(name)}
    nested.discard("")
    chosen: list[Found] = []
    for file in files:
        if is_vendored(file.name, go) or _is_inside(file.name, nested) or file.name == ".hg_archival.txt":
            continue
        check_file_path(file.name)
        if file.name.lower() == "go.mod" and file.name != "go.mod":
            raise Malformed("module zip", file.name, "go.mod has to be written in lower case")
        chosen.append(file)
    return chosen


def check_selected(path: ModulePath, version: str, files: Iterable[Found], limits: ZipLimits) -> None:
    """Pass files that can become the zip of `path` at `version`: no two names collide, and nothing is too large.

    Raises:
        Malformed: the first rule that is broken, with the file's name.
    """
    prefix = f"{path}@{version}/"
    # A symbolic link is left out in the end, and may have the name of a go.mod file.
    named = (file for file in files if file.regular or not _is_go_mod(file.name))
    entries = (Entry(prefix + name, size, size, STORED, 0, 0, 0) for name, size, _ in named)
    check_entries(path, version, entries, 0, limits)


def _is_go_mod(name: str) -> bool:
    return name[-6:].lower() == "go.mod" and (len(name) == 6 or name[-7] == "/")


def _is_inside(name: str, nested: set[str]) -> bool:
    at = name.rfind("/")
    while nested and at >= 0:
        if name[: at + 1] in nested:
            return True
        at = name.rfind("/", 0, at)
    return False
