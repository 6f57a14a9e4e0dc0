"""One repository's mirror: a bare repository that holds what was needed of it so far.

Belongs here: what is fetched, when, and how little of it. Not here: running git (program.py), reading what is there
(objects.py), how many mirrors there are (mirrors.py).

Three depths, each only when it is needed: single commits with their trees and without files (`--depth=1
--filter=blob:none`), single files, and the history of all branches and tags, commits only (`--filter=tree:0`). A server
that knows no filters sends whole files along, and nothing else changes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from modgate.errors import Absent, GatewayError
from modgate.source.git.layout import DEEP, WHOLE, identity, is_there, lay_out, packs, remove
from modgate.source.git.meaning import repeated
from modgate.source.git.objects import LARGE, Commit, Damaged, Item, Objects
from modgate.source.git.program import Git, GitFailed
from modgate.source.git.refs import HEADS, TAGS, Named, Refs
from modgate.source.git.remote import Hosts, Remote, Unclear
from modgate.storage.locks import Locks

PINS = "refs/modgate/tags/"
"""Where a tag stood when its version was first served: .info, .mod and .zip of a version are of one commit."""
COMMITS = "refs/modgate/commits/"
"""Keeps what was fetched alone from looking superfluous."""
INDEX_EVERY = 32
"""Packs after which an index over all of them is written: some milliseconds, for 20 µs a pack and look-up."""
ALL = (f"+{HEADS}*:{HEADS}*", f"+{TAGS}*:{TAGS}*")
"""All branches and tags."""
PROVEN = 4096
"""Pseudo-versions of one repository that are remembered as right."""
LARGEST_FILE = 16 << 20
"""Bytes of a go.mod or LICENSE, as in the go command (protocol.md §3)."""
_ALONE = ("-c", "fetch.negotiationAlgorithm=noop")
"""Fetches without telling what we have, as git itself fetches what a partial clone lacks.

A server leaves out what the commits that we tell of reach, which we may lack; a file that a tag stands for, for one.
"""
Way = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
"""How to fetch: git's own settings, options, and what."""
Retagged = Callable[[str, str, str, str], None]
"""Is told of a tag that has moved: the repository, the tag, the commit that was served, and the new one."""


class Mirror:
    """The mirror of the repository at `url`, at most one for each in a process."""

    def __init__(self, url: str, path: Path, git: Git, hosts: Hosts, locks: Locks, retagged: Retagged) -> None:
        """`url` holds no credentials; `path` is where it lies, or will lie."""
        self.url = url
        self.path = path
        self.objects = Objects(git, path)
        self._git = git
        self._remote = Remote(url, path, git, hosts)
        self._locks = locks
        self._asking = asyncio.Lock()
        self._fetching = asyncio.Lock()
        self._refs: Refs | None = None
        self._began = float("-inf")
        self._failure: GatewayError | None = None
        self._failed = float("-inf")
        self._deep: Refs | None = None
        self._known: set[str] = set()
        self._retagged = retagged
        self.generation = 0
        """How often it was thrown away, or another process has made it anew."""
        self._seen: tuple[int, int] | None = None
        self._proven: set[tuple[str, str]] = set()
        self._told: set[tuple[str, str]] = set()

    async def refs(self, since: float) -> Refs:
        """What the repository has, asked for at `since` (seconds of the loop's clock) or later, once for all.

        Raises:
            GatewayError: what git's failure means.
        """
        async with self._asking:
            if self._failure is not None and self._failed >= since:
                # A host that hangs costs those who wait together one look, and not one after another.
                raise repeated(self._failure) from self._failure
            if self._refs is not None and self._began >= since:
                return self._refs
            began = asyncio.get_running_loop().time()
            try:
                told = await self._remote.look()
            except GatewayError as error:
                self._failure, self._failed = error, began
                raise
            refs = await asyncio.to_thread(Refs.parse, told) if len(told) > LARGE else Refs.parse(told)
            self._refs, self._began, self._failure = refs, began, None
            await self._compare(self._refs)
            return self._refs

    async def pinned(self, tag: str) -> str:
        """The commit that a tag stood for when it was first served, if that was here; else ""."""
        return await self.objects.ref(PINS + tag) if self.path.exists() else ""

    async def pin(self, tag: str, commit: str) -> None:
        """Remember where `tag` stands now. A name that git does not take as a ref is not remembered."""
        with suppress(GitFailed):
            # The zeros say: only if there is none yet.
            await self._git.run(self.path, "update-ref", "--", PINS + tag, commit, "0" * len(commit))

    async def _compare(self, refs: Refs) -> None:
        """Tell of tags that stand for another commit than the one that was served."""
        if not is_there(self.path):
            return
        try:
            pins = await self.objects.pins(PINS)
        except Damaged:
            return  # whoever reads next will see to it
        for tag, served in pins.items():
            now = refs.hashes.get(TAGS + tag, served)
            if now != served and (tag, now) not in self._told:
                self._told.add((tag, now))
                self._retagged(self.url, tag, served, now)

    def is_proven(self, path: str, version: str) -> bool:
        """Whether a pseudo-version has been found to be right, and its commit is still here."""
        return (path, version) in self._proven

    def prove(self, path: str, version: str) -> None:
        """Remember that a pseudo-version is right: tags that come later cannot make it wrong."""
        if len(self._proven) >= PROVEN:
            self._proven.clear()
        self._proven.add((path, version))

    async def commit(self, named: Named) -> Commit:
        """The commit with its trees, fetched if need be.

        Raises:
            Absent: no commit (a tag may stand for anything).
            GatewayError, Damaged.
        """
        generation = self.generation
        found = await self._here(named.commit)
        if found is None:
            async with self._changing():
                generation = self.generation
                found = await self._completed(named.commit)
                if found is None:
                    await self._fetch_commit(named)
                    await self._indexed()
                    found = await self._completed(named.commit)
        if found is None:
            raise Absent(source=self.url, reason=f"{named.ref or named.commit} is no commit")
        if generation == self.generation:  # else it was seen in a mirror that is gone
            self._known.add(found.name)
        return found

    async def expanded(self, digits: str) -> str:
        """All digits of a commit that the mirror has already, or ""."""
        return await self.objects.expanded(digits) if self.path.exists() else ""

    async def history(self, refs: Refs) -> None:
        """Fetch the history of everything in `refs`, if that has not happened yet.

        Raises:
            GatewayError: what git's failure means.
        """
        self.recognize()
        if self._deep == refs:
            return
        async with self._changing():
            if self._deep == refs:
                return
            shallow = ("--unshallow",) if (self.path / "shallow").exists() else ()
            options = ("--prune", *shallow, *self._filter("tree:0"))
            try:
                await self._remote.fetch(*options, "--end-of-options", "origin", *ALL)
            except Unclear as error:
                # A tag may stand for a directory or a file: servers leave it out then, and git misses it.
                missing = [] if self.is_whole else await self._missing(list(refs.hashes.values()))
                if not missing:
                    raise error.meant from error
                await self._fetch_objects(missing)
                await self._fetch([((), options, ALL)])
            (self.path / DEEP).touch()
            self._deep = refs

    def check_history(self) -> None:
        """Pass a mirror that still has the history that was fetched, after reading it.

        Raises:
            Damaged: it was thrown away meanwhile; what was read may be of a mirror without history.
        """
        self.recognize()
        if self._deep is None:
            raise Damaged("its history was thrown away while it was read")

    async def files(self, commit: Commit, paths: Iterable[str]) -> dict[str, bytes]:
        """Those of the files at `paths` that the commit has, each at most 16 MiB, fetched if need be.

        Raises:
            Absent: one of them is larger.
            GatewayError, Damaged.
        """
        items = [item for item in await self.objects.items(commit.tree, list(paths)) if _is_file(item)]
        if not items:
            return {}
        await self.fill([item.blob for item in items])
        sizes = await self.objects.sizes(item.blob for item in items)
        for item in items:
            if sizes.get(item.blob, 0) > LARGEST_FILE:
                reason = f"{item.path} has {sizes[item.blob]} bytes; {LARGEST_FILE} are allowed"
                raise Absent(source=self.url, reason=reason)
        contents = await self.objects.blobs([item.blob for item in items])
        found = {item.path: data for item, data in zip(items, contents, strict=True) if data is not None}
        if len(found) < len({item.path for item in items}):
            raise Damaged("a file is missing that was just fetched")
        return found

    async def fill(self, names: list[str]) -> None:
        """Fetch those of these objects that are not here, all at once; a tree comes with all trees below it.

        Raises:
            GatewayError, Damaged.
        """
        if await self._missing(names):
            async with self._changing():
                missing = await self._missing(names)
                if missing:
                    await self._fetch_objects(missing)

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[None]:
        """The right to fetch into the mirror, which is there then; one process at a time has it."""
        async with self._fetching, self._locks.hold(self.path.name):
            if not is_there(self.path):
                await self._make()
            self.recognize()
            yield

    def recognize(self) -> None:
        """Forget what is known of a mirror that is not here any more: another process may have made it anew."""
        seen = identity(self.path)
        if seen is not None and seen != self._seen:
            self._deep, self._known, self._seen = None, set(), seen
            self.generation += 1

    async def discard(self, generation: int, *, whole: bool = False) -> None:
        """Throw the mirror of this `generation` away, unless somebody has; the next fetch makes it anew.

        Whoever is reading it meets damage, and tries again.
        """
        async with self._fetching, self._locks.hold(self.path.name):
            self.recognize()
            if self.generation != generation:
                return
            await asyncio.to_thread(remove, self.path)
            self._deep, self._known, self._proven = None, set(), set()
            self.generation += 1
            if whole:
                await self._make(whole=True)

    @property
    def is_whole(self) -> bool:
        return (self.path / WHOLE).exists()

    async def _make(self, *, whole: bool = False) -> None:
        refs = await self.refs(float("-inf"))
        self._deep = None
        await asyncio.to_thread(lay_out, self.path, self.url, sha256=refs.digits == 64, whole=whole)
        self._known, self._seen = set(), identity(self.path)

    async def _here(self, name: str) -> Commit | None:
        """The commit if it is here with its trees."""
        if not is_there(self.path):
            return None
        found = await self.objects.commit(name)
        # Fetched as history, it has no trees. Once seen, they need not be looked for again.
        if found is None or name in self._known or not await self._missing([found.tree]):
            return found
        return None

    async def _completed(self, name: str) -> Commit | None:
        """The commit if it is here, with its trees, which are fetched if need be; we hold the right to do so."""
        found = await self.objects.commit(name)
        missing = await self._missing([found.tree]) if found is not None else []
        if missing:
            await self._fetch_objects(missing)
        return found

    async def _missing(self, names: list[str]) -> list[str]:
        here = await self.objects.has(dict.fromkeys(names))
        return [name for name in dict.fromkeys(names) if name not in here]

    async def _fetch_commit(self, named: Named) -> None:
        """By its digits, so that it is what the refs said; where a server does not allow that, by its ref."""
        # With its history here, asking for depth 1 would cut that off; and telling what we have would leave out trees
        # that a fetch without trees never brought.
        deep = (self.path / DEEP).exists()
        options = self._filter("tree:0") if deep else ("--depth=1", *self._filter("blob:none"))
        local = f"{COMMITS}{named.commit}"
        ways: list[Way] = [((), options, (f"+{named.commit}:{local}",))]
        if named.ref:
            # Old servers allow no digits, and the simplest ones know no depth either.
            ways += [(_ALONE, options, (f"+{named.ref}:{local}",)), ((), (), ALL)]
        await self._fetch(ways)

    async def _fetch(self, ways: list[Way]) -> None:
        """In the first of the ways that git does not stumble over.

        Raises:
            GatewayError: what git's failure means.
        """
        for number, (settings, options, target) in enumerate(ways, start=1):
            try:
                return await self._remote.fetch(*options, "--end-of-options", "origin", *target, settings=settings)
            except Unclear as error:
                if number == len(ways):
                    raise error.meant from error
        return None

    async def _fetch_objects(self, names: list[str]) -> None:
        if self.is_whole:
            raise Damaged("an object is missing")
        lines = "".join(f"{name}\n" for name in names).encode()
        try:
            await self._remote.fetch("--filter=blob:none", "--stdin", "origin", settings=_ALONE, stdin=lines)
        except Unclear as error:
            raise Unfiltered(str(error)) from error

    def _filter(self, what: str) -> tuple[str, ...]:
        return () if self.is_whole else (f"--filter={what}",)

    async def _indexed(self) -> None:
        """Each fetch leaves a pack of its own; with one index over many of them, looking things up stays fast."""
        if packs(self.path) % INDEX_EVERY == 0:
            with suppress(GitFailed):  # without it, reading is only slower
                await self._git.run(self.path, "multi-pack-index", "write")


class Unfiltered(Damaged):
    """The server sends commits without files and then not the files: the mirror has to do without filters."""


def _is_file(item: Item) -> bool:
    return item.mode not in ("040000", "160000")
