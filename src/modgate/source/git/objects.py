"""Reading a mirror: commits, files and trees that are there. Nothing here ever asks the network.

Belongs here: what git prints, parsed. Not here: fetching what is missing (mirror.py).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from modgate.source.git.program import Git, GitFailed, Stream
from modgate.source.git.refs import TAGS

_HEADER = re.compile(rb"([0-9a-f]+) ([a-z]+) ([0-9]+)")
_TREE = re.compile(rb"^tree ([0-9a-f]+)$", re.MULTILINE)
_COMMITTER = re.compile(rb"^committer .*?(-?[0-9]+) [+-][0-9]+$", re.MULTILINE)
LARGE = 1 << 19
"""Bytes of output from which it is read in a thread: 10 ms for some 5,000 files."""
_LAST_SECOND = 253402300799
"""9999-12-31T23:59:59Z: no later time can be written in RFC 3339."""


class Damaged(Exception):
    """A mirror does not hold what it has to: it is thrown away and made anew."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit."""

    name: str
    """All of its hex digits."""
    time: datetime
    """Of the committer, in UTC, to the second."""
    tree: str


class Item(NamedTuple):
    """One file of a tree. A tuple, because there may be 250,000 of them."""

    path: str
    mode: str
    """As git writes it: 100644, 100755, 120000 (a symbolic link), 160000 (a submodule's commit)."""
    blob: str


class Objects:
    """What lies in one bare repository."""

    def __init__(self, git: Git, repository: Path) -> None:
        self._git = git
        self._repository = repository

    async def commit(self, name: str) -> Commit | None:
        """The commit `name` (all of its digits); None if it is not here, or is no commit.

        Raises:
            Damaged, Unavailable.
        """
        found = await self._batch([name])
        kind, data = found[0] or ("", b"")
        tree, committer = _TREE.search(data), _COMMITTER.search(data)
        if kind != "commit" or tree is None:
            return None
        second = min(max(int(committer[1]), 0), _LAST_SECOND) if committer else 0
        return Commit(name, datetime.fromtimestamp(second, UTC), tree[1].decode())

    async def expanded(self, digits: str) -> str:
        """All digits of the commit that begins with `digits`; "" if none is here, or several are."""
        found = await self._resolved(f"{digits}^{{commit}}")
        # A branch may have a name that looks like digits.
        return found if found.startswith(digits) else ""

    async def ref(self, name: str) -> str:
        """The commit that a ref of the mirror itself stands for, or ""."""
        return await self._resolved(f"{name}^{{commit}}")

    async def has(self, names: Iterable[str]) -> set[str]:
        """Those of the objects that are here."""
        wanted = list(names)
        lines = "".join(f"{name}\n" for name in wanted).encode()
        told = await self._local("cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer", stdin=lines)
        return {line.split()[0] for line in told.decode().splitlines() if not line.endswith(" missing")}

    async def sizes(self, names: Iterable[str]) -> dict[str, int]:
        """The sizes in bytes of objects that are here."""
        lines = "".join(f"{name}\n" for name in names).encode()
        told = await self._local("cat-file", "--batch-check=%(objectname) %(objectsize)", "--buffer", stdin=lines)
        fields = (line.split() for line in told.decode().splitlines())
        return {name: int(size) for name, size in fields if size != "missing"}

    async def blobs(self, names: Sequence[str]) -> list[bytes | None]:
        """The contents of blobs, None for what is not here."""
        found = await self._batch(names)
        return [data if kind == "blob" else None for kind, data in (one or ("", b"") for one in found)]

    async def items(self, tree: str, paths: Sequence[str] = ()) -> list[Item]:
        """The files of a tree: those at `paths`, or all of them.

        Raises:
            Damaged: a part of the tree is not here.
        """
        deep = () if paths else ("-r",)
        told = await self._local("ls-tree", "-z", "--full-tree", *deep, "--end-of-options", tree, *paths)
        return await asyncio.to_thread(_items, told) if len(told) > LARGE else _items(told)

    async def tags_before(self, commit: str) -> dict[str, str]:
        """The mirror's tags that are ancestors of `commit`, or on it, each with its commit."""
        form = "%(refname) %(objectname) %(*objectname)"
        told = await self._local("for-each-ref", f"--format={form}", f"--merged={commit}", TAGS)
        fields = (line.split(" ") for line in told.decode(errors="surrogateescape").splitlines())
        return {ref[len(TAGS) :]: peeled or name for ref, name, peeled in fields}

    async def pins(self, prefix: str) -> dict[str, str]:
        """The mirror's own refs below `prefix`, each with its commit."""
        told = await self._local("for-each-ref", "--format=%(refname) %(objectname)", prefix)
        fields = (line.split(" ") for line in told.decode(errors="surrogateescape").splitlines())
        return {ref[len(prefix) :]: commit for ref, commit in fields}

    async def is_before(self, older: str, commit: str) -> bool:
        """Whether `older` is an ancestor of `commit`, or is the same, as far as the mirror knows history."""
        try:
            await self._git.run(self._repository, "merge-base", "--is-ancestor", "--end-of-options", older, commit)
        except GitFailed as error:
            # 128: one of the two is not here, unless nothing is.
            if error.status in (1, 128) and "not a git repository" not in error.text:
                return False
            raise Damaged(error.text) from error
        return True

    @asynccontextmanager
    async def archive(self, tree: str, pathspecs: Sequence[str]) -> AsyncIterator[Stream]:
        """The files of a tree as tar, converted as its attributes say.

        Raises:
            GitFailed, Unavailable: at the end.
        """
        command = ("archive", "--format=tar", "--end-of-options", tree, *pathspecs)
        async with self._git.stream(self._repository, *command) as stream:
            yield stream

    async def _resolved(self, expression: str) -> str:
        try:
            told = await self._git.run(
                self._repository, "rev-parse", "--verify", "--quiet", "--end-of-options", expression
            )
        except GitFailed as error:
            # 128 is said of an ambiguous name, and of a repository that is none: the next command will say which.
            if error.status in (1, 128):
                return ""
            raise Damaged(error.text) from error
        lines = told.decode().split()
        return lines[-1] if lines else ""

    async def _batch(self, names: Sequence[str]) -> list[tuple[str, bytes] | None]:
        told = await self._local("cat-file", "--batch", "--buffer", stdin="".join(f"{n}\n" for n in names).encode())
        found: list[tuple[str, bytes] | None] = []
        at = 0
        for _ in names:
            end = told.index(b"\n", at)
            match = _HEADER.fullmatch(told, at, end)
            at = end + 1
            if match is None:
                found.append(None)  # "<name> missing", or ambiguous
                continue
            size = int(match[3])
            found.append((match[2].decode(), told[at : at + size]))
            at += size + 1
        return found

    async def _local(self, *arguments: str, stdin: bytes = b"") -> bytes:
        try:
            return await self._git.run(self._repository, *arguments, stdin=stdin)
        except GitFailed as error:
            raise Damaged(error.text) from error


def _items(told: bytes) -> list[Item]:
    """Read the output of `git ls-tree -z`."""
    items: list[Item] = []
    for line in told.split(b"\0"):
        if line:
            facts, _, path = line.partition(b"\t")
            mode, _, blob = facts.decode().split()
            items.append(Item(path.decode(errors="surrogateescape"), mode, blob))
    return items
