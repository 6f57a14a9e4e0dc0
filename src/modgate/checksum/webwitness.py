"""A place on the web that remembers the highest head of our own log: `checksum.logstore.Witness`.

Any store that keeps what is PUT at a URL and hands it out on GET: WebDAV, an object store's bucket, a few lines of
anything. With an ETag the PUT is conditional (RFC 9110 §13.1), so that of two who write at once one is told; since some
stores ignore conditions, and some lose what they took, every write is read back before it counts.

Belongs here: HTTP with that store. Not here: which heads may be told (log.py), how often a store that fails is asked
(watched.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

from modgate.errors import Malformed, Trouble, Unavailable
from modgate.net.client import Client
from modgate.net.limits import Deadlines
from modgate.net.response import Response
from modgate.net.url import target_of
from modgate.tlog.tree import parse_signed_head

T = TypeVar("T")

MOST = 65536
"""Bytes: a head signed by two keys has 400."""
SECONDS = 10.0
"""For one look or write, whose up to five requests share it: whoever waits for a record waits for this."""
DEADLINES = Deadlines(connect=3.0, first_byte=5.0, idle=5.0)
CHANGED = frozenset({409, 412})
"""Precondition Failed, and what some stores say instead when two write at once."""
UNSUPPORTED = 501
"""What some object stores say to a condition that they do not know."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store has."""

    note: bytes | None
    tag: str = ""
    """Its strong ETag; "" where it has none. A weak one never matches (RFC 9110 §13.1.1)."""

    @property
    def condition(self) -> Mapping[str, str]:
        """That nothing has changed since, in headers of a PUT."""
        if self.note is None:
            return {"If-None-Match": "*"}
        return {"If-Match": self.tag} if self.tag else {}


class WebWitness:
    """One head at one URL."""

    def __init__(self, url: str, client: Client, alone: Callable[[], AbstractAsyncContextManager[object]]) -> None:
        """`url` may hold a user and a password, and a query that grants rights; neither is ever shown. Whoever is
        `alone` is the only process of this data directory that writes: not every store knows conditions.
        """
        self._target = target_of(url)
        self._name = self._target.origin[1]
        self._client = client
        self._alone = alone

    async def read(self) -> bytes | None:
        return (await self._within(self._seen)).note

    async def write(self, old: bytes | None, new: bytes) -> bool:
        return await self._within(lambda: self._replace(old, new))

    async def _within(self, work: Callable[[], Awaitable[T]]) -> T:
        try:
            async with asyncio.timeout(SECONDS):
                return await work()
        except TimeoutError as error:
            raise self._failed(f"no answer within {SECONDS:g} s") from error

    async def _replace(self, old: bytes | None, new: bytes) -> bool:
        async with self._alone():
            before = await self._seen()
            if before.note != old:
                return False
            status = await self._put(new, before.condition)
            if status == UNSUPPORTED and before.condition:
                status = await self._put(new, {})
            # If we die here, the store may have a head that nobody was told of: the next start publishes it.
            after = await self._seen()
            if after.note == new:
                return True
            if after.note != before.note:
                return False
            took = f"answered {status} to a PUT and kept what it had"
            raise self._failed(took + (", although nobody else has written" if status in CHANGED else ""))

    async def _seen(self) -> _Seen:
        async with AsyncExitStack() as stack:
            response = await self._asked(stack, "GET", headers={"Cache-Control": "no-cache"})
            if response.status == 404:
                return _Seen(None)
            if response.status != 200:
                raise self._failed(f"answered {response.status}")
            note, tag = await self._read(response), response.headers.get("etag", "")
        try:
            parse_signed_head(note)
        except Malformed as error:
            # Not a verdict about our log: a login page is no older head.
            raise self._failed(f"sent what is no signed head: {error.why}") from error
        return _Seen(note, "" if tag.startswith("W/") else tag)

    async def _put(self, note: bytes, condition: Mapping[str, str]) -> int:
        """The status of its answer; whether it was kept is seen later."""
        async with AsyncExitStack() as stack:
            headers = {"Content-Type": "text/plain; charset=utf-8", **condition}
            status = (await self._asked(stack, "PUT", note, headers)).status
        if status in CHANGED or 200 <= status < 300 or (status == UNSUPPORTED and condition):
            return status
        raise self._failed(f"answered {status} to a PUT")

    async def _asked(
        self, stack: AsyncExitStack, method: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        try:
            return await self._client.get(
                stack, self._target, DEADLINES, upstream="witness", method=method, headers=headers, body=body
            )
        except Unavailable as error:
            raise self._failed(error.reason) from error

    async def _read(self, response: Response) -> bytes:
        try:
            return await response.read(MOST)
        except Unavailable as error:
            raise self._failed(error.reason) from error

    def _failed(self, why: str) -> Unavailable:
        reason = f"the witness at {self._name} cannot be used ({why})"
        return Unavailable(reason=reason, trouble=Trouble.OURS, retry_after=5.0)
