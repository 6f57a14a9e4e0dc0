"""The HTTP client for upstreams: one pool, bounded and with deadlines; it never decides what an answer means.

aiohttp is imported at the first request, in a thread: hits are answered before that costs anybody 0.15 s and 25 MB.
Bodies arrive as they were sent (`auto_decompress=False`): every other client decompresses by default, and a
decompressed zip has another length and hash.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modgate.errors import Trouble, Unavailable
from modgate.net.addresses import Addresses
from modgate.net.encoding import Undecodable, gunzipped
from modgate.net.limits import Bounds, Deadlines
from modgate.net.pinned import pinned_resolver
from modgate.net.turns import Turns
from modgate.net.url import Target, redirected
from modgate.net.via import onward
from modgate.observe import families
from modgate.observe.metrics import Metrics

if TYPE_CHECKING:
    import aiohttp

REDIRECTS = frozenset({301, 302, 303, 307, 308})
PIECE = 262144
"""Bytes: read-ahead of the client, and the most that one piece of a body holds."""


@dataclass(slots=True)
class Response:
    """A status line, headers and a body that is read once."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    url: str
    """That answered, after redirects; without credentials and query."""
    upstream: str
    _raw: aiohttp.ClientResponse
    _deadlines: Deadlines
    _client: Client

    @property
    def length(self) -> int | None:
        """Of the body as it will be read, where the upstream says it."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() and not self.encoded else None

    @property
    def encoded(self) -> bool:
        # Some servers write an empty header where they mean none.
        return self.headers.get("content-encoding", "").strip().lower() not in ("", "identity")

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body in pieces, decoded.

        Raises:
            Unavailable: it broke off, came too slowly, or is not what its encoding says.
        """
        try:
            if not self.encoded:
                async for chunk in self._pieces():
                    yield chunk
            elif self.headers["content-encoding"].strip().lower() in ("gzip", "x-gzip"):
                async for chunk in gunzipped(self._pieces()):
                    yield chunk
            else:
                encoding = self.headers["content-encoding"]
                raise Undecodable(f"has the content encoding {encoding!r}, which nobody asked for")
        except Undecodable as error:
            raise Unavailable(source=self.upstream, reason=f"sent a body that {error}", again=True) from error

    async def read(self, most: int) -> bytes:
        """The whole body.

        Raises:
            Unavailable: as `chunks`, or longer than `most` bytes.
        """
        pieces, size = [], 0
        async for chunk in self.chunks():
            pieces.append(chunk)
            size += len(chunk)
            if size > most:
                raise Unavailable(source=self.upstream, reason=f"sent more than the {most} bytes that are allowed here")
        return b"".join(pieces)

    async def _pieces(self) -> AsyncIterator[bytes]:
        content, counter = self._raw.content, self._client.fetched(self.upstream)
        while True:
            try:
                async with asyncio.timeout(self._deadlines.idle):
                    chunk = await content.readany()
            except TimeoutError as error:
                reason = f"sent nothing for {self._deadlines.idle:g} s in the middle of a body"
                raise Unavailable(source=self.upstream, reason=reason, trouble=Trouble.TIMEOUT, again=True) from error
            except Exception as error:
                raise self._client.broken(self.upstream, error, "broke off in the middle of a body") from error
            if not chunk:
                return
            counter.value += len(chunk)
            yield chunk


class Client:
    """Requests to upstreams. `close` it."""

    def __init__(
        self, metrics: Metrics, *, user_agent: str, via: str, bounds: Bounds, addresses: Addresses | None = None
    ) -> None:
        """`via` is this gateway's entry for the Via header, by which a loop is seen.

        With `addresses`, each request and each hop of a redirect goes only to what they allow, and else raises what
        they raise; without, wherever it is sent.
        """
        self._metrics = metrics
        self._headers = {"User-Agent": user_agent, "Accept-Encoding": "identity", "Accept": "*/*"}
        self._via = via
        self._bounds = bounds
        self._addresses = addresses
        self._session: aiohttp.ClientSession | None = None
        self._opening = asyncio.Lock()
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
    ) -> Response:
        """Send one request and follow its redirects; `stack` owns the response, and closing it frees the connection.

        Raises:
            Unavailable: no answer: no connection, a deadline, broken HTTP, a redirect that must not be followed.
        """
        for _ in range(self._bounds.redirects + 1):
            # Each hop gives its slot back before the next one takes one, or redirects within one host could lock it up.
            async with AsyncExitStack() as hop:
                response = await self._hop(hop, target, deadlines, upstream, method, headers or {})
                if response.status not in REDIRECTS or "location" not in response.headers:
                    stack.push_async_exit(hop.pop_all())
                    return response
            following = redirected(target, response.headers["location"])
            if following is None:
                reason = f"redirects {target.place} to a place that must not be followed"
                raise Unavailable(source=upstream, reason=reason)
            target = following
        raise Unavailable(source=upstream, reason=f"redirects more than {self._bounds.redirects} times")

    async def _hop(
        self,
        hop: AsyncExitStack,
        target: Target,
        deadlines: Deadlines,
        upstream: str,
        method: str,
        extra: Mapping[str, str],
    ) -> Response:
        session = await self._opened()
        if self._addresses is not None:
            # aiohttp asks no resolver about a host that is an address, and wraps what it raises about others.
            _, host, port = target.origin
            await self._addresses.resolve(host, port or 443)
        await self._take_slot(hop, target, deadlines, upstream)
        headers = {**extra, "Via": onward(self._via)}
        if target.authorization:
            headers["Authorization"] = target.authorization
        timeout = importlib.import_module("aiohttp").ClientTimeout(total=None, sock_connect=deadlines.connect)
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(deadlines.first_byte):
                raw = await session.request(
                    method, _exact(target.url), headers=headers, allow_redirects=False, timeout=timeout
                )
        except TimeoutError as error:
            self._count(upstream, "timeout")
            raise _silent(upstream, deadlines, error) from error
        except Exception as error:
            self._count(upstream, "connection")
            raise self.broken(upstream, error, "could not be reached") from error
        hop.callback(raw.close)
        self._count(upstream, str(raw.status))
        self._metrics.histogram(families.UPSTREAM_SECONDS, upstream).observe(asyncio.get_running_loop().time() - began)
        names = {name.lower(): value for name, value in raw.headers.items()}
        return Response(raw.status, names, target.place, upstream, raw, deadlines, self)

    async def _take_slot(self, hop: AsyncExitStack, target: Target, deadlines: Deadlines, upstream: str) -> None:
        slots = self._slots.setdefault(target.origin, Turns(self._bounds.per_host))
        try:
            async with asyncio.timeout(deadlines.first_byte):
                await slots.acquire()
        except TimeoutError as error:
            waited = f"{deadlines.first_byte:g} s"
            reason = f"was not asked: {self._bounds.per_host} requests to it were under way for {waited}"
            raise Unavailable(source=upstream, reason=reason, trouble=Trouble.OURS) from error
        hop.callback(slots.release)

    def broken(self, upstream: str, error: Exception, what: str) -> Unavailable:
        """The one table from the client library's errors to ours."""
        aiohttp = importlib.import_module("aiohttp")
        if not isinstance(error, aiohttp.ClientError | OSError | ValueError):
            raise error
        again = True
        match error:
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
                what, again = "has a TLS certificate or protocol that is not trusted here", False
            case aiohttp.ClientConnectorDNSError():
                what = "has a host name that cannot be resolved"
            case aiohttp.ServerDisconnectedError():
                what = "hung up without an answer"
            case aiohttp.ClientResponseError():
                what = "sent what is no HTTP response"
        reason = f"{what}{_cause(error)}"
        trouble = Trouble.CONNECTION
        return Unavailable(source=upstream, reason=reason, trouble=trouble, blames_upstream=True, again=again)

    def fetched(self, upstream: str) -> Any:
        return self._metrics.counter(families.FETCHED_BYTES, upstream)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _count(self, upstream: str, outcome: str) -> None:
        self._metrics.counter(families.UPSTREAM_REQUESTS, upstream, outcome).add()

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is not None:
            return self._session
        async with self._opening:
            if self._session is None:
                library = await asyncio.to_thread(importlib.import_module, "aiohttp")
                self._session = self._make_session(library)
        return self._session

    def _make_session(self, library: Any) -> aiohttp.ClientSession:
        resolver = pinned_resolver(library, self._addresses) if self._addresses else None
        session: aiohttp.ClientSession = library.ClientSession(
            connector=library.TCPConnector(limit=0, ttl_dns_cache=30, keepalive_timeout=30, resolver=resolver),
            headers=self._headers,
            auto_decompress=False,
            cookie_jar=library.DummyCookieJar(),
            read_bufsize=PIECE,
            max_line_size=self._bounds.header_bytes,
            max_field_size=self._bounds.header_bytes,
        )
        return session


def _exact(url: str) -> Any:
    """The URL as it is: without this, yarl would requote `%21` and others."""
    return importlib.import_module("yarl").URL(url, encoded=True)


def _silent(upstream: str, deadlines: Deadlines, error: TimeoutError) -> Unavailable:
    reason = f"sent no first byte within {deadlines.first_byte:g} s"
    if isinstance(error, importlib.import_module("aiohttp").ConnectionTimeoutError):
        reason = f"let no connection come about within {deadlines.connect:g} s"
    return Unavailable(source=upstream, reason=reason, trouble=Trouble.TIMEOUT, blames_upstream=True)


def _cause(error: Exception) -> str:
    """In brackets, what the operating system or the TLS library says.

    Never the library's own text: it quotes bytes and headers of the upstream, which may hold anything.
    """
    told = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)
    if isinstance(told, ssl.SSLError):
        text = getattr(told, "verify_message", "") or (told.reason or "").replace("_", " ")
    elif isinstance(told, OSError) and not isinstance(told, socket.gaierror) and told.errno:
        text = os.strerror(told.errno)
    else:
        text = ""
    return f" ({text.lower()})" if text else ""
