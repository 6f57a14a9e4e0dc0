"""What is fetched for one client alone, with that client's own credentials: neither stored nor shared.

Belongs here: handing an answer on so that nobody else gets it, and that nothing of it stays. A zip is checked before
its first byte goes out, so it comes whole or not at all. Not here: what is remembered (cached.py), which routes want
this (gateway/views.py), how the credentials travel (source/goproxy.py).
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace

from modgate.cache.checking import Checker
from modgate.cache.evidence import UNCHECKED, Complete, Verifier
from modgate.cache.part import Budget, write_all
from modgate.cache.stored import FileReader
from modgate.errors import Absent, Corrupt, Trouble, Unavailable
from modgate.gomod.dirhash import h1_of_mod
from modgate.gomod.versions import is_canonical
from modgate.source.base import Answer, Arriving, Ask, Freshness, Kind, Reader, Ready, Source, Terms


class Passing:
    """A source that keeps nothing of another one."""

    def __init__(
        self,
        source: Source,
        fresh: Callable[[], str],
        checker: Checker,
        budget: Budget,
        most: int,
        verifier: Verifier = UNCHECKED,
    ) -> None:
        """`fresh` gives the path of a file in the spool that is not there yet; `most` is the largest zip in bytes."""
        self._source = source
        self._fresh = fresh
        self._checker = checker
        self._budget = budget
        self._most = most
        self._verifier = verifier

    @property
    def name(self) -> str:
        return self._source.name

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        if terms.freshness is Freshness.CACHED_ONLY:
            raise Absent(asked=str(ask), reason="is fetched for each client anew, and nothing of it is kept")
        await self._verifier.prepare(ask)
        answer = await self._source.get(ask, replace(terms, resume=None))
        changes = ask.kind in (Kind.LIST, Kind.LATEST) or (ask.kind is Kind.INFO and not is_canonical(ask.version))
        answer = replace(answer, private=True, stamp=None, fresh_until=0.0 if changes else answer.fresh_until)
        if ask.kind is Kind.ZIP and terms.body:
            assert isinstance(answer.body, Arriving)
            return replace(answer, body=await self._whole(ask, answer.body, answer.source))
        if ask.kind is Kind.MOD and isinstance(answer.body, Ready):
            data = answer.body.data
            digest = hashlib.sha256(data).hexdigest()
            await self._verifier.verify(Complete(ask, len(data), digest, h1_of_mod(data), answer.source))
        return answer

    async def _whole(self, ask: Ask, body: Arriving, source: str) -> Passed:
        """All of a zip, checked.

        Raises:
            Corrupt: it is no module zip, or larger than allowed, or another one than the checksum database knows.
            Unavailable: it broke off, or cannot be written or verified.
        """
        with ExitStack() as held:
            held.callback(_forget, path := self._fresh())
            try:
                file = held.enter_context(open(path, "xb", buffering=0)).fileno()
                job = await self._checker.begin(ask, path)
                held.callback(job.drop)
                size = taken = 0
                held.callback(lambda: self._budget.give(taken))
                async for chunk in body.chunks:
                    size += len(chunk)
                    if size > self._most:
                        raise Corrupt(asked=str(ask), reason=f"is larger than {self._most} bytes (limits.zip)")
                    self._budget.take(len(chunk))
                    write_all(file, memoryview(chunk), taken)
                    taken = size
                    job.grow(size)
                sums = await job.finish(size)
                await self._verifier.verify(Complete(ask, size, sums.sha256, sums.h1, source))
                return Passed(os.open(path, os.O_RDONLY), size)
            except OSError as error:
                reason = f"cannot be written ({(error.strerror or str(error)).lower()})"
                raise Unavailable(asked=str(ask), reason=reason, trouble=Trouble.OURS) from error
            finally:
                await body.chunks.aclose()


def _forget(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


class Passed:
    """A file without a name, which is gone with the last one who reads it. Satisfies source.base.Stored."""

    def __init__(self, descriptor: int, size: int) -> None:
        """It owns `descriptor`."""
        self._descriptor = descriptor
        self._size = size
        weakref.finalize(self, os.close, descriptor)

    @property
    def size(self) -> int:
        return self._size

    def fileno(self) -> int:
        """A new descriptor, which the caller closes."""
        return os.dup(self._descriptor)

    def is_in(self, descriptor: int) -> bool:
        """Nobody else can reach it."""
        return True

    async def open(self, start: int = 0, stop: int | None = None) -> Reader:
        return FileReader(self.fileno(), start, self._size if stop is None else min(stop, self._size))
