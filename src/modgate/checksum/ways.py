"""The ways to a checksum database: upstream proxies that support it, or the database itself (protocol.md §5.5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from modgate.errors import Absent, GatewayError, Trouble, Unavailable
from modgate.observe.metrics import Metrics
from modgate.source.chain import gravity
from modgate.source.retry import retried

T = TypeVar("T")

SUPPORT_SECONDS = 600.0
"""How long it is believed that an upstream does, or does not, support a database."""


class Fetcher(Protocol):
    """An upstream that files can be fetched from (source/goproxy.py)."""

    @property
    def name(self) -> str: ...

    async def fetch(self, name: str, most: int, label: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Proxy:
    """A member of the upstream chain."""

    upstream: Fetcher
    after: str
    """The separator behind it: "," or "|"."""
    is_down: Callable[[], bool] = lambda: False
    """Whether it is known to be down for modules: then it is not asked for checksums either."""


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


def _worse(one: GatewayError | None, other: GatewayError) -> GatewayError:
    return other if one is None or gravity(other) > gravity(one) else one


class Ways:
    """Asks the first way that can say something, as the go command itself would choose it."""

    def __init__(
        self,
        database: str,
        proxies: Sequence[Proxy],
        direct: Fetcher,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`proxies` is empty where the settings name the database's own URL: that bypasses all proxies."""
        self._database = database
        self._proxies = tuple(proxies)
        self._direct = direct
        self._metrics = metrics
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
        worst: GatewayError | None = None
        lied = False
        for proxy in self._proxies:
            judging = _Judging(use)
            try:
                if not await self._supports(proxy):
                    continue
                return await self._ask(proxy.upstream, f"sumdb/{self._database}/{name}", most, judging)
            except GatewayError as error:
                # A database has one truth: where a proxy does not know a record, another way may (its copy may be
                # older).
                worst = _worse(worst, error)
                lied = lied or (beyond_lies and judging.refused)
                if proxy.after != "|" and not (beyond_lies and judging.refused):
                    raise worst from None
        if worst is not None and not lied:
            raise worst
        try:
            return await self._ask(self._direct, name, most, use)
        except GatewayError as error:
            raise _worse(worst, error) from None

    async def _ask(self, upstream: Fetcher, name: str, most: int, use: Callable[[bytes, str], T]) -> T:
        label = f"{self._database} {name.removeprefix(f'sumdb/{self._database}/')}"
        try:
            data = await retried(lambda: upstream.fetch(name, most, label), self._metrics, upstream.name)
        except GatewayError as error:
            error.asked = error.asked or label
            raise
        return use(data, upstream.name)

    async def _supports(self, proxy: Proxy) -> bool:
        """Whether a proxy says that it supports the database: any 200 does; 404 and 410 do not; other trouble is
        raised."""
        upstream = proxy.upstream
        if proxy.is_down():
            reason = "was not asked: it failed repeatedly and is being probed"
            raise Unavailable(asked=self._database, source=upstream.name, reason=reason, trouble=Trouble.OPEN)
        known, until = self._support.get(upstream.name, (False, 0.0))
        if self._clock() >= until:
            known = await self._asked_once(upstream)
        return known

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
        self._support[upstream.name] = known, self._clock() + SUPPORT_SECONDS
        asking.set_result(known)
        return known

    async def _asked_for_support(self, upstream: Fetcher) -> bool:
        call: Callable[[], Awaitable[bytes]] = lambda: upstream.fetch(  # noqa: E731 a name for its type
            f"sumdb/{self._database}/supported", 65536, f"{self._database} supported"
        )
        try:
            await retried(call, self._metrics, upstream.name)
        except Absent:
            return False
        return True
