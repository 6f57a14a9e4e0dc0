"""The ways to a checksum database: upstream proxies that support it, or the database itself (protocol.md §5.5).

Belongs here: which way is asked, and when the next one. Not here: second tries and breakers (source/files.py), the
race of two ways (source/hedge.py).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from modgate.errors import Absent, GatewayError, Trouble, Unavailable
from modgate.source.chain import worst
from modgate.source.hedge import Attempt, Failed, first_good

T = TypeVar("T")

SUPPORT_SECONDS = 600.0
"""How long it is believed that an upstream supports a database."""
UNSUPPORTED_SECONDS = 60.0
"""And that it does not: a load balancer in front of an upstream that starts may say 404 to everything, and without a
way nothing new can be verified."""


class Fetcher(Protocol):
    """An upstream that files can be fetched from (source/files.py)."""

    @property
    def name(self) -> str: ...

    async def fetch(self, name: str, most: int, label: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Proxy:
    """A member of the upstream chain."""

    upstream: Fetcher
    after: str
    """The separator behind it: "," or "|"."""


class _Unsupported(Absent):
    """A proxy has nothing to do with the database: it is no way, and no word about what was asked for."""


class _Judging(Generic[T]):
    """`use`, and whether it refused what came."""

    def __init__(self, use: Callable[[bytes, str], T]) -> None:
        self._use = use
        self.refused = False

    def __call__(self, data: bytes, way: str) -> T:
        try:
            return self._use(data, way)
        except GatewayError:
            self.refused = True
            raise


class Ways:
    """Asks the first way that can say something, as the go command itself would choose it."""

    def __init__(
        self,
        database: str,
        proxies: Sequence[Proxy],
        direct: Fetcher,
        *,
        hedge: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`proxies` is empty where the settings name the database's own URL: that bypasses all proxies.

        `hedge` is as for source.chain.Chain.
        """
        self._database = database
        self._proxies = tuple(proxies)
        self._direct = direct
        self._hedge = hedge
        self._clock = clock
        self._support: dict[str, tuple[bool, float]] = {}
        self._asking: dict[str, asyncio.Future[bool]] = {}

    async def fetch(self, name: str, most: int, use: Callable[[bytes, str], T], *, beyond_lies: bool = False) -> T:
        """What `use` makes of the file `name` of the database: it judges the bytes, and a bad way leads to the next
        one where the chain says `|`. With `beyond_lies` it does so everywhere, and last of all to the database itself:
        a way that is proven to lie is no way.

        Raises:
            Absent: the database does not have it.
            Unavailable, Corrupt, Forbidden: no way told.
        """
        judged = [_Judging(use) for _ in self._proxies]
        attempts = [
            self._attempt(proxy, name, most, judging, beyond_lies=beyond_lies)
            for proxy, judging in zip(self._proxies, judged, strict=True)
        ]
        outcome = await first_good(attempts, self._hedge, _nothing)
        if not isinstance(outcome, Failed):
            return outcome
        errors = [error for error in outcome.errors if not isinstance(error, _Unsupported)]
        lied = beyond_lies and any(judging.refused for judging in judged)
        if errors and (outcome.stopped or not lied):
            raise worst(errors)
        try:
            return await self._ask(self._direct, name, most, use)
        except GatewayError as error:
            raise worst([*errors, error]) from None

    def _attempt(self, proxy: Proxy, name: str, most: int, judging: _Judging[T], *, beyond_lies: bool) -> Attempt[T]:
        async def ask() -> T:
            if not await self._supports(proxy.upstream):
                raise _Unsupported(asked=self._database, source=proxy.upstream.name, reason="does not support it")
            return await self._ask(proxy.upstream, f"sumdb/{self._database}/{name}", most, judging)

        def goes_on(error: GatewayError) -> bool:
            # A database has one truth: where a proxy does not know a record, another way may (its copy may be older).
            is_lie = beyond_lies and judging.refused
            return isinstance(error, _Unsupported) or proxy.after == "|" or is_lie

        return Attempt(ask, goes_on, hedged=proxy.after == "|")

    async def _ask(self, upstream: Fetcher, name: str, most: int, use: Callable[[bytes, str], T]) -> T:
        label = f"{self._database} {name.removeprefix(f'sumdb/{self._database}/')}"
        try:
            data = await upstream.fetch(name, most, label)
        except GatewayError as error:
            error.asked = error.asked or label
            raise
        return use(data, upstream.name)

    async def _supports(self, upstream: Fetcher) -> bool:
        """Whether a proxy says that it supports the database: any 200 does; 404 and 410 do not; other trouble is
        raised."""
        known, until = self._support.get(upstream.name, (False, 0.0))
        return known if self._clock() < until else await self._asked_once(upstream)

    async def _asked_once(self, upstream: Fetcher) -> bool:
        """Ask, or wait for whoever is asking already: a cold build begins with many lookups at once."""
        asking = self._asking.get(upstream.name)
        if asking is not None:
            return await asyncio.shield(asking)
        asking = self._asking[upstream.name] = asyncio.get_running_loop().create_future()
        try:
            known = await self._asked_for_support(upstream)
        except BaseException as error:
            stopped = Unavailable(asked=self._database, reason="was stopped with the gateway", trouble=Trouble.OURS)
            asking.set_exception(error if isinstance(error, GatewayError) else stopped)
            asking.exception()  # Perhaps nobody waits.
            raise
        finally:
            del self._asking[upstream.name]
        self._support[upstream.name] = known, self._clock() + (SUPPORT_SECONDS if known else UNSUPPORTED_SECONDS)
        asking.set_result(known)
        return known

    async def _asked_for_support(self, upstream: Fetcher) -> bool:
        name = f"sumdb/{self._database}/supported"
        try:
            await upstream.fetch(name, 65536, f"{self._database} supported")
        except Absent:
            return False
        return True


async def _nothing(_: object) -> None:
    """What came from a way is used already, and holds nothing open."""
