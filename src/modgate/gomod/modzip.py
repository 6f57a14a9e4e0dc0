"""What a module zip may hold, by its list of entries (protocol.md §3).

Belongs here: the rules of Go's CheckZip, and its limits. Not here: the zip format (zipread.py), contents and hashes
(zipstream.py, ziphash.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.paths import file_element_fault
from modgate.gomod.versions import check, is_canonical

STORED = 0
DEFLATED = 8
"""The two methods that Go's zip reader knows (APPNOTE.TXT §4.4.5)."""

HAS_DESCRIPTOR = 0x8
"""Flag: checksum and sizes stand behind the content (APPNOTE.TXT §4.4.4)."""
_ENCRYPTED = 0x1 | 0x40 | 0x2000
"""Flags: encryption of the traditional, the strong and the central-directory kind."""


@dataclass(frozen=True, slots=True)
class ZipLimits:
    """How large a module zip may be."""

    zip_bytes: int = 500 * 1024 * 1024
    """The file itself; more is refused by the go command."""
    uncompressed_bytes: int = 500 * 1024 * 1024
    """All contents together; more is refused by the go command."""
    mod_bytes: int = 16 * 1024 * 1024
    """The go.mod and the LICENSE at the root, each; more is refused by the go command."""
    entries: int = 250_000
    """And the directories that their names imply. Go sets no limit. The largest public modules have some 50,000 files;
    this many cost about 150 MB while they are checked, and a zip of the allowed size could name five million."""
    directory_bytes: int = 64 * 1024 * 1024
    """The central directory, which is read at once: 250 bytes for each of the entries above."""


GO_LIMITS = ZipLimits()

LONGEST_NAME = 0xFFFF
"""Bytes: two bytes in a zip tell how long a name is."""


class Entry(NamedTuple):
    """One entry as the central directory tells it. A tuple, because there may be 250,000 of them."""

    name: str
    size: int
    """Of the content, in bytes."""
    compressed_size: int
    """Of what stands in the zip, in bytes."""
    method: int
    crc: int
    offset: int
    """Of the local header, from the start of the file."""
    flags: int

    @property
    def is_directory(self) -> bool:
        return self.name.endswith("/")


def check_entries(
    path: ModulePath, version: str, entries: Iterable[Entry], zip_size: int, limits: ZipLimits = GO_LIMITS
) -> None:
    """Pass the entries of a zip of `zip_size` bytes that can be the module `path` at `version`.

    Raises:
        Malformed: the first rule that is broken, with the entry's name.
    """
    if not is_canonical(version):
        raise Malformed("version", version, "not canonical")
    check(path, version)
    if zip_size > limits.zip_bytes:
        raise _malformed(f"{path}@{version}", f"{zip_size} bytes are more than the allowed {limits.zip_bytes}")
    prefix = f"{path}@{version}/"
    names = _Names(limits.entries)
    left = limits.uncompressed_bytes
    for entry in entries:
        # No character has more than four bytes: most names need not be encoded.
        if len(entry.name) > LONGEST_NAME // 4 and _bytes_of(entry.name) > LONGEST_NAME:
            raise _malformed(f"{entry.name[:100]}…", f"the name is longer than the {LONGEST_NAME} bytes of a zip")
        _check_kind(entry)
        if not entry.name.startswith(prefix):
            raise _malformed(entry.name, f"the name does not begin with {prefix}")
        name = entry.name[len(prefix) :]
        if name:
            names.add(name.removesuffix("/"), is_directory=entry.is_directory)
        if not entry.is_directory:
            left -= entry.size
            _check_file(name, entry, limits)
        if left < 0:
            raise _malformed(entry.name, f"the contents are more than the allowed {limits.uncompressed_bytes} bytes")


def _check_kind(entry: Entry) -> None:
    if entry.flags & _ENCRYPTED:
        raise _malformed(entry.name, "encrypted")
    if entry.method not in (STORED, DEFLATED):
        raise _malformed(entry.name, f"compression method {entry.method} is neither Store nor Deflate")
    if entry.is_directory:
        # Some writers give a directory a compressed size of two bytes; Go never looks at them.
        if entry.size:
            raise _malformed(entry.name, "a directory with content")
    elif entry.method == STORED and entry.size != entry.compressed_size:
        raise _malformed(entry.name, "stored, and yet its two sizes differ")


def _check_file(name: str, entry: Entry, limits: ZipLimits) -> None:
    _, slash, base = name.rpartition("/")
    if base.lower() == "go.mod":
        if slash:
            raise _malformed(entry.name, "a go.mod file outside of the module's root")
        if base != "go.mod":
            raise _malformed(entry.name, "go.mod has to be written in lower case")
    if name in ("go.mod", "LICENSE") and entry.size > limits.mod_bytes:
        raise _malformed(entry.name, f"{entry.size} bytes are more than the allowed {limits.mod_bytes}")


class _Node:
    """One file or directory: how it is written, and what is in it by folded name; None in a file."""

    __slots__ = ("children", "name")

    def __init__(self, name: str, children: dict[str, _Node] | None) -> None:
        self.name = name
        self.children = children


class _Names:
    """The tree that the names so far make up.

    A flat table of all directories that they imply could be a thousand times larger than the names themselves: the name
    `a/a/a/…` of 64 KiB implies 32,000 of them.
    """

    def __init__(self, max_directories: int) -> None:
        self._root: dict[str, _Node] = {}
        # Directories as they are written: most files lie where the one before did.
        self._known: dict[str, dict[str, _Node]] = {}
        self._directories_left = max_directories

    def add(self, name: str, *, is_directory: bool) -> None:
        """Take in a name relative to the module's root.

        Raises:
            Malformed: Go allows no such name, or one of another kind or only in another case is there already.
        """
        if is_directory:
            self._directory(name)
            return
        above, slash, element = name.rpartition("/")
        parent = self._directory(above) if slash else self._root
        known = self._find(parent, element, name)
        if known is not None:
            raise _malformed(name, "twice in the zip" if known.children is None else "both a file and a directory")
        parent[_folded(element)] = _Node(element, None)

    def _directory(self, name: str) -> dict[str, _Node]:
        """Return what is in the directory `name`, which is there from now on."""
        children = self._known.get(name)
        if children is not None:
            return children
        children = self._root
        for element in name.split("/"):
            node = self._find(children, element, name) or self._new_directory(children, element, name)
            if node.children is None:
                raise _malformed(name, "both a file and a directory")
            children = node.children
        self._known[name] = children
        return children

    def _new_directory(self, parent: dict[str, _Node], element: str, name: str) -> _Node:
        self._directories_left -= 1
        if self._directories_left < 0:
            raise _malformed(name, "it implies more directories than allowed")
        node = parent[_folded(element)] = _Node(element, {})
        return node

    @staticmethod
    def _find(children: dict[str, _Node], element: str, name: str) -> _Node | None:
        node = children.get(_folded(element))
        if node is not None and node.name != element:
            raise _malformed(name, f"its element {element} differs only in case from {node.name}")
        why = "" if node else file_element_fault(element)
        if why:
            raise _malformed(name, why)
        return node


def _folded(name: str) -> str:
    """Return what all names become that Unicode's simple case folding makes equal (protocol.md §3).

    Checked over all code points against Go's tables: no false merges, and the 58 pairs that are missed are letters
    newer than Unicode 14 and six rare ones.
    """
    return name.lower() if name.isascii() else "".join(map(_folded_char, name))


def _folded_char(char: str) -> str:
    folded = char.casefold()
    if len(folded) == 1:
        return folded
    lower = char.lower()
    return lower if len(lower) == 1 else char


def _bytes_of(name: str) -> int:
    return len(name.encode(errors="surrogatepass"))


def _malformed(name: str, why: str) -> Malformed:
    return Malformed("module zip", name, why)
