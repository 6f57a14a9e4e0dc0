"""One namespace of the data directory: its files, rows, locks and generations behind one door.

Every failure to write becomes `Unavailable` here: a full disk gives 5xx for new things, and what is stored goes on
being served.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from modgate.errors import Trouble, Unavailable
from modgate.observe.events import Events
from modgate.storage.commit import Commits, Move
from modgate.storage.generations import Generations
from modgate.storage.locks import Locks, key_of
from modgate.storage.records import AnswerRow, ArtifactRow, Records, Row, Unpinned
from modgate.storage.tree import Tree
from modgate.storage.writeback import WriteBack

PROBE = 65536
"""Bytes: less than that fits into the last block of a full disk."""
ROOM = 1 << 18
"""Bytes that have to be left besides a small file's own: its row, directories, and those of others on their way."""
PROBE_SECONDS = 2.0
"""Between two tries: readiness tells of a full disk, and of its end, within this time."""


class Health:
    """Whether the store could be written the last time it was tried."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.problem = ""

    def failed(self, error: OSError) -> Unavailable:
        """The error for the client; no path of the server is in it."""
        problem = (error.strerror or str(error)).lower()
        if not self.problem:
            self._events.emit("store_failing", reason=problem)
        self.problem = problem
        reason = f"cannot store anything new ({problem}); what is stored is still served"
        return Unavailable(reason=reason, trouble=Trouble.OURS, retry_after=5.0)

    async def watch(self, spool: Path, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Try to write every few seconds, for ever; in a thread, because a disk may hang."""
        while True:
            error = await asyncio.to_thread(_probe, spool)
            if error is None:
                self.worked()
            else:
                self.failed(error)
            await sleep(PROBE_SECONDS)

    def worked(self) -> None:
        if self.problem:
            self._events.emit("store_working")
            self.problem = ""


def _probe(spool: Path) -> OSError | None:
    """Write and remove a file; what went wrong."""
    path = spool / f"{secrets.token_hex(6)}.probe"
    try:
        spool.mkdir(exist_ok=True)  # nothing in it is worth keeping, and operators may have taken that for all of it
        with path.open("wb") as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file.fileno())  # some file systems find out only then that they are full
    except OSError as error:
        return error
    finally:
        with suppress(OSError):  # gone already: a process that starts now may have swept it
            path.unlink()
    return None


class Namespace:
    """What is stored for one set of routes; nothing of it is visible under another name."""

    def __init__(
        self,
        name: str,
        *,
        records: Records,
        commits: Commits,
        tree: Tree,
        locks: Locks,
        generations: Generations,
        spool: Path,
        session: str,
        writeback: WriteBack,
        health: Health,
    ) -> None:
        self.name = name
        self.writeback = writeback
        self.tree = tree
        self.generations = generations
        self.health = health
        self.spool = spool
        self._records = records
        self._commits = commits
        self._locks = locks
        # The key tells the namespaces of one process apart.
        own = f"{spool}/{session}.{key_of(name, '')[:8]}"
        self._arriving: dict[str, tuple[ArtifactRow, bytes]] = {}
        self._temporary = (f"{own}.{number}" for number in itertools.count())

    def key(self, name: str) -> str:
        return key_of(self.name, name)

    def fresh(self) -> str:
        """The path of a file in the spool that is not there yet; a start sweeps what the dead left."""
        return next(self._temporary)

    def stamp(self, path: str) -> tuple[int, int]:
        """To be read before a look-up (storage/generations.py)."""
        return self.generations.stamp(self.name, path)

    def changed(self, path: str) -> None:
        """Answers about `path` that any process keeps in memory are out of date."""
        self.generations.bump(self.generations.slot(self.name, path))

    def pin(self, name: str) -> ArtifactRow | None:
        try:
            return self._records.artifact(self.name, name)
        except OSError as error:
            raise self.health.failed(error) from error

    def answer(self, name: str) -> AnswerRow | None:
        try:
            return self._records.answer(self.name, name)
        except OSError as error:
            raise self.health.failed(error) from error

    @asynccontextmanager
    async def hold(self, name: str, *, meanwhile: Callable[[], None] = lambda: None) -> AsyncIterator[bool]:
        """Be the only process that fetches `name`; yields True if another one had it when we came.

        Raises:
            Unavailable: the store cannot be written.
        """
        async with AsyncExitStack() as stack:
            try:
                waited = await stack.enter_async_context(self._locks.hold(self.key(name), meanwhile=meanwhile))
            except OSError as error:
                raise self.health.failed(error) from error
            yield waited

    async def put_answer(self, row: AnswerRow) -> None:
        """Make an answer durable.

        Raises:
            Unavailable: the store cannot be written.
        """
        await self._commit(row, None)

    def require_room(self, size: int) -> None:
        """Pass if a small file of `size` bytes will fit, so that a full disk is known before a client gets an answer.

        Asked of the file system in 2 µs; to write the file here would wait for its journal. The commit writes it.

        Raises:
            Unavailable: there is no room.
        """
        try:
            status = os.statvfs(f"{self.spool}/.")
        except OSError as error:
            raise self.health.failed(error) from error
        free = status.f_bfree if os.geteuid() == 0 else status.f_bavail
        if status.f_flag & os.ST_RDONLY:
            raise self.health.failed(OSError(errno.EROFS, os.strerror(errno.EROFS)))
        if free * status.f_frsize < size + ROOM:
            raise self.health.failed(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    async def put_small(self, row: ArtifactRow, data: bytes) -> None:
        """Commit a small file with its bytes, in the order of storage/commit.py.

        Raises:
            Unavailable: the store cannot be written; nothing is left of it.
        """
        self._arriving[row.name] = arriving = row, data
        try:
            await self._put(row, Move(self.fresh(), self.tree.path(self.name, row.name), data))
        finally:
            if self._arriving.get(row.name) is arriving:
                del self._arriving[row.name]

    def arriving(self, name: str) -> tuple[ArtifactRow, bytes] | None:
        """A small file that this process has given out or used already, while it is being made durable; else None."""
        return self._arriving.get(name)

    def has(self, name: str) -> bool:
        """Whether a file of this name is here, or is just being made durable; says nothing about its bytes."""
        return name in self._arriving or self.tree.identity(self.name, name) is not None

    def quarantine(self, name: str, inode: int) -> None:
        """Move a damaged file out of the way.

        Raises:
            Unavailable: it cannot be moved; nobody is served it.
        """
        try:
            self.tree.quarantine(self.name, name, inode)
        except OSError as error:
            raise self.health.failed(error) from error

    async def put_file(self, row: ArtifactRow, temporary: str) -> None:
        """Commit a file whose bytes are durable in the spool already, in the order of storage/commit.py.

        Raises:
            Unavailable: the store cannot be written; the temporary file is removed.
        """
        await self._put(row, Move(temporary, self.tree.path(self.name, row.name)))

    async def _put(self, row: ArtifactRow, move: Move) -> None:
        try:
            await self._commit(row, move)
        except Unavailable:
            with suppress(OSError):
                os.unlink(move.source)
            raise

    async def put_pin(self, row: ArtifactRow) -> None:
        """Pin a file that is in the tree already.

        Raises:
            Unavailable: the store cannot be written.
        """
        await self._commit(row, None)

    async def unpin(self, row: ArtifactRow) -> None:
        """Forget what pins a file, because it was proven wrong.

        Raises:
            Unavailable: the store cannot be written.
        """
        await self._commit(Unpinned(self.name, row.name, row.h1), None)

    def artifacts_with(self, evidence: str) -> list[ArtifactRow]:
        """All whose evidence begins so; to be asked in a thread.

        Raises:
            OSError: the store cannot be read.
        """
        return self._records.artifacts_with(self.name, evidence)

    async def _commit(self, row: Row, move: Move | None) -> None:
        try:
            await self._commits.commit(row, move)
        except OSError as error:
            raise self.health.failed(error) from error
        self.health.worked()
