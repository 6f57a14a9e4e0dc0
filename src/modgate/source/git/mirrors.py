"""All mirrors of one data directory: found by URL, kept below a size, and never removed while they are used.

Belongs here: which mirrors there are. Not here: what is in one (mirror.py).
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from modgate.source.git.layout import GRAVE, USED, remove
from modgate.source.git.mirror import Mirror, Retagged
from modgate.source.git.program import Git
from modgate.source.git.remote import Hosts
from modgate.storage.locks import Locks

SWEEP_EVERY = 60.0
"""Seconds between looks at the size; a mirror that is fetched in between may exceed it by one repository."""
LOW_WATER = 0.9
"""Of the size: sweeping goes down to this, so that the next clone does not begin another one."""
KEPT = 1024
"""Repositories whose refs are remembered, idle ones included."""
POLL = 0.02
"""Seconds between looks at a mirror that another process is removing, which takes as long as a rename."""


class Mirrors:
    """The mirrors below one directory, which several processes may share."""

    def __init__(self, root: Path, git: Git, hosts: Hosts, size: int, retagged: Retagged) -> None:
        """`root` exists; all mirrors together have at most about `size` bytes."""
        self._root = root
        self._git = git
        self._hosts = hosts
        self._size = size
        self._retagged = retagged
        self._locks = Locks(root)
        self._mirrors: dict[str, Mirror] = {}
        self._users: Counter[str] = Counter()

    @asynccontextmanager
    async def using(self, url: str) -> AsyncIterator[Mirror]:
        """The mirror of the repository at `url`; it is not removed while this is held."""
        key = _key(url)
        path = self._root / f"{key}.git"
        self._forget()
        made = Mirror(url, path, self._git, self._hosts, self._locks, self._retagged)
        mirror = self._mirrors.setdefault(key, made)
        self._users[key] += 1
        descriptor = -1
        try:
            descriptor = await self._hold(key, fcntl.LOCK_SH)
            with suppress(OSError):
                os.utime(mirror.path / USED)
            mirror.recognize()
            yield mirror
        finally:
            if descriptor >= 0:
                os.close(descriptor)
            self._users[key] -= 1
            if not self._users[key]:
                del self._users[key]

    async def discard(self, url: str, generation: int, *, whole: bool = False) -> None:
        """Throw a damaged mirror away, unless somebody has done so since its `generation`; `whole`: its successor does
        without filters."""
        mirror = self._mirrors.get(_key(url))
        if mirror is not None:
            await mirror.discard(generation, whole=whole)

    async def sweep(self) -> int:
        """Remove the mirrors that were not used for the longest time, if there is too much; returns how many."""
        mirrors = await asyncio.to_thread(_measured, self._root)
        total = sum(size for _, size, _ in mirrors)
        if total <= self._size:
            return 0
        removed = 0
        for _, size, path in sorted(mirrors):
            if total <= self._size * LOW_WATER:
                break
            if await self._evict(path):
                total -= size
                removed += 1
        return removed

    async def watch(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Sweep now and then, for ever; the gateway's task scope owns and cancels it."""
        while True:
            await sleep(SWEEP_EVERY)
            with suppress(OSError):  # a directory that cannot be used; the store's health tells of it
                await self.sweep()

    def _forget(self) -> None:
        """Let go of repositories that nobody asks for now: strangers may ask for any number of them."""
        if len(self._mirrors) > KEPT:
            for key in [key for key in self._mirrors if key not in self._users][: KEPT // 2]:
                del self._mirrors[key]

    async def _evict(self, path: Path) -> bool:
        key = path.name.removesuffix(".git")
        descriptor = self._try_hold(key, fcntl.LOCK_EX)
        if descriptor is None:
            return False  # in use, so it is not old either
        try:
            if self._users[key]:
                return False  # somebody is about to use it
            self._mirrors.pop(key, None)
            await asyncio.to_thread(remove, path)
        finally:
            os.close(descriptor)
        return True

    async def _hold(self, key: str, how: int) -> int:
        while True:
            descriptor = self._try_hold(key, how)
            if descriptor is not None:
                return descriptor
            await asyncio.sleep(POLL)

    def _try_hold(self, key: str, how: int) -> int | None:
        """A lock on a file that is never removed, so several mirrors share one: at most 4096 files, whatever is asked
        for, and a mirror is now and then kept for its neighbour's sake."""
        descriptor = os.open(self._root / f"{key[:3]}.use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


def _key(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def _measured(root: Path) -> list[tuple[float, int, Path]]:
    """Last use, size in bytes and place of each mirror. What was half removed when we died is removed."""
    found: list[tuple[float, int, Path]] = []
    for path in root.iterdir():
        if GRAVE in path.name:
            shutil.rmtree(path, ignore_errors=True)
        elif path.suffix == ".git":
            with suppress(OSError):
                used = (path / USED).stat().st_mtime
                size = sum(os.lstat(f"{folder}/{name}").st_size for folder, _, names in os.walk(path) for name in names)
                found.append((used, size, path))
    return found
