"""The HTTP client for upstreams: one pool, bounded and with deadlines; it never decides what an answer means.

Belongs here: redirects, deadlines, slots, and what goes with a request. Not here: connections (sessions.py), what the
settings say about hosts (rules.py), what an error means (broken.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from modgate.errors import Trouble, Unavailable
from modgate.net.addresses import Addresses
from modgate.net.broken import broken, by_proxy, is_unknown_authority, silent, untrusted
from modgate.net.credentials import Form, Right
from modgate.net.limits import Bounds, Deadlines
from modgate.net.proxies import DIRECT, Proxy, Reached
from modgate.net.response import Response
from modgate.net.rules import HostRules
from modgate.net.sessions import ProxyDown, ProxyRefused, Sent, Sessions
from modgate.net.trust import Contexts, Trust, issuer_of
from modgate.net.turns import Turns
from modgate.net.url import Target, redirected
from modgate.net.via import onward
from modgate.observe import families
from modgate.observe.metrics import Metrics

if TYPE_CHECKING:
    import aiohttp

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEPING = frozenset({307, 308})
"""Those after which the same method and body are meant (RFC 9110 §15.4)."""
LOOK_SECONDS = 5.0
"""For a second look at a host whose certificate is not trusted."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, as far as it stays the same over its redirects."""

    target: Target
    deadlines: Deadlines
    upstream: str
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None
    right: Right | None
    """What the settings have for the first place. A redirect that leads elsewhere loses it for good."""
    is_own: bool = True
    """Whether no redirect has led to another origin: then our certificate is not shown."""


class Client:
    """Requests to upstreams. `close` it."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        user_agent: str,
        via: str,
        bounds: Bounds,
        addresses: Addresses | None = None,
        rules: HostRules | None = None,
        form: Form = Form.PLAIN,
        imported: Callable[[], None] = lambda: None,
    ) -> None:
        """`via` is this gateway's entry for the Via header, by which a loop is seen.

        With `addresses`, each request and each hop of a redirect goes only to what they allow, and else raises what
        they raise; without, wherever it is sent. `rules` are what the settings say about hosts; `form` is how their
        credentials are written. `imported` is called when the libraries that the first request needs have been loaded.
        """
        headers = {"User-Agent": user_agent, "Accept-Encoding": "identity", "Accept": "*/*"}
        self._metrics = metrics
        self._via = via
        self._bounds = bounds
        self._addresses = addresses
        self._rules = rules or HostRules()
        self._form = form
        self._sessions = Sessions(headers, bounds.header_bytes, addresses, imported)
        self._contexts = Contexts()
        self._reached = Reached()
        self._slots: dict[tuple[str, str, int | None], Turns] = {}

    async def get(
        self,
        stack: AsyncExitStack,
        target: Target,
        deadlines: Deadlines,
        *,
        upstream: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request and follow its redirects, with a body only those that keep it; `stack` owns the response,
        and closing it frees the connection.

        Credentials in `target` win over those that the settings have for it.

        Raises:
            Unavailable: no answer: no connection, a deadline, broken HTTP, a redirect that must not be followed; or a
                secret or file of the settings cannot be read.
        """
        right = None if target.authorization else self._rules.right(target.url)
        asked = _Asked(target, deadlines, upstream, method, headers or {}, body, right)
        for _ in range(self._bounds.redirects + 1):
            # Each hop gives its slot back before the next one takes one, or redirects within one host could lock it up.
            async with AsyncExitStack() as hop:
                response = await self._answered(hop, asked)
                followed = REDIRECTS if body is None else KEEPING
                if response.status not in followed or "location" not in response.headers:
                    stack.push_async_exit(hop.pop_all())
                    return response
            asked = self._redirected(asked, response.headers["location"])
        raise Unavailable(source=upstream, reason=f"redirects more than {self._bounds.redirects} times")

    def _redirected(self, asked: _Asked, location: str) -> _Asked:
        following = redirected(asked.target, location)
        if following is None:
            reason = f"redirects {asked.target.place} to a place that must not be followed"
            raise Unavailable(source=asked.upstream, reason=reason)
        is_own = asked.is_own and following.origin == asked.target.origin
        # Credentials stay where they are for: an upstream must not make us show those of another place, or prefix.
        keeps = is_own and asked.right is not None and self._rules.right(following.url) == asked.right
        return replace(asked, target=following, right=asked.right if keeps else None, is_own=is_own)

    async def _answered(self, hop: AsyncExitStack, asked: _Asked) -> Response:
        """The answer of one hop; asked once more where new credentials may mend a 401."""
        own = await asked.right.authorization(self._form) if asked.right is not None else ""
        response = await self._hop(hop, asked, asked.target.authorization or own)
        if response.status != 401 or asked.right is None:
            return response
        asked.right.renew()
        renewed = await asked.right.authorization(self._form)
        if renewed == own:
            return response
        await hop.aclose()
        return await self._hop(hop, asked, renewed)

    async def _hop(self, hop: AsyncExitStack, asked: _Asked, authorization: str) -> Response:
        await self._take_slot(hop, asked)
        headers = {**asked.headers, "Via": onward(self._via)}
        if authorization:
            headers["Authorization"] = authorization
        sent = Sent(asked.method, asked.target.url, headers, asked.body, asked.deadlines.connect)
        began = asyncio.get_running_loop().time()
        raw, proxy = await self._by_any(asked, sent)
        hop.callback(_let_go, raw)
        upstream = asked.upstream
        self._count(upstream, str(raw.status))
        self._metrics.histogram(families.UPSTREAM_SECONDS, upstream).observe(asyncio.get_running_loop().time() - began)
        names = {name.lower(): value for name, value in raw.headers.items()}
        fetched = self._metrics.counter(families.FETCHED_BYTES, upstream)
        return Response(raw.status, names, asked.target.place, upstream, proxy.shown, raw, asked.deadlines, fetched)

    async def _by_any(self, asked: _Asked, sent: Sent) -> tuple[aiohttp.ClientResponse, Proxy]:
        """Send it by the first way that can be gone."""
        ways = self._reached.in_order(self._rules.proxies(sent.url))
        for number, proxy in enumerate(ways, start=1):
            await self._check_address(asked.target, proxy)
            try:
                return await self._by(asked, sent, proxy), proxy
            except ProxyDown as error:
                self._reached.failed(proxy)
                if number == len(ways):
                    self._count(asked.upstream, "connection")
                    raise by_proxy(asked.upstream, error, proxy) from error
        raise AssertionError("there is a way to every host")

    async def _check_address(self, target: Target, proxy: Proxy) -> None:
        if self._addresses is None:
            return
        # aiohttp asks no resolver about a host that is an address, and wraps what it raises about others.
        _, host, port = target.origin
        if proxy == DIRECT:
            await self._addresses.resolve(host, port or 443)
        else:
            await self._addresses.admit(host, port or 443)

    async def _by(self, asked: _Asked, sent: Sent, proxy: Proxy) -> aiohttp.ClientResponse:
        trust = self._rules.trust(sent.url)
        if not asked.is_own:
            trust = trust.public
        upstream, deadlines = asked.upstream, asked.deadlines
        # Not on the upstream's time: they may read certificates, and import a library.
        context = await self._context(sent.url, trust)
        await self._sessions.opened(proxy)
        try:
            async with asyncio.timeout(deadlines.first_byte):
                return await self._sessions.send(sent, proxy, context)
        except ProxyDown:
            raise
        except TimeoutError as error:
            self._count(upstream, "timeout")
            raise silent(upstream, error, deadlines.connect, deadlines.first_byte) from error
        except Exception as error:
            self._count(upstream, "connection")
            if isinstance(error, ProxyRefused):
                raise by_proxy(upstream, error, proxy) from error
            if is_unknown_authority(error):
                certificate = await self._sessions.certificate(sent.url, proxy, LOOK_SECONDS)
                raise untrusted(upstream, issuer_of(certificate), trust) from error
            raise broken(upstream, error, "could not be reached") from error

    async def _context(self, url: str, trust: Trust) -> Any:
        """For a connection to a URL; True where it needs none."""
        return await self._contexts.soon(trust) if url[:6].lower() == "https:" else True

    async def _take_slot(self, hop: AsyncExitStack, asked: _Asked) -> None:
        origin, first_byte = asked.target.origin, asked.deadlines.first_byte
        slots = self._slots.get(origin)
        if slots is None:
            slots = self._slots[origin] = Turns(self._bounds.per_host)
        if not slots.take():
            try:
                async with asyncio.timeout(first_byte):
                    await slots.acquire()
            except TimeoutError as error:
                waited = f"{first_byte:g} s"
                reason = f"was not asked: {self._bounds.per_host} requests to it were under way for {waited}"
                raise Unavailable(source=asked.upstream, reason=reason, trouble=Trouble.OURS) from error
        hop.callback(slots.release)

    async def close(self) -> None:
        await self._sessions.close()

    def _count(self, upstream: str, outcome: str) -> None:
        self._metrics.counter(families.UPSTREAM_REQUESTS, upstream, outcome).add()


def _let_go(raw: aiohttp.ClientResponse) -> None:
    """Close the connection of an answer that was not read to its end: at once, where TLS would wait up to 30 s for the
    upstream to say goodbye."""
    if raw.connection is not None and raw.connection.transport is not None:
        raw.connection.transport.abort()
    raw.close()
