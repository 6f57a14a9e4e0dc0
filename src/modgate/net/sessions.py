"""Connections: one pool for each way out, opened when it is needed.

Belongs here: the client library, which is imported at the first request, in a thread: hits are answered before that
costs anybody 0.15 s and 25 MB. Not here: redirects, deadlines, credentials (client.py), which proxy (proxies.py).
"""

from __future__ import annotations

import asyncio
import importlib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from modgate.net.addresses import Addresses
from modgate.net.pinned import pinned_resolver
from modgate.net.proxies import DIRECT, Proxy

if TYPE_CHECKING:
    import aiohttp

AHEAD = 65536
"""Bytes that the client reads ahead. Beyond twice that it leaves them to the kernel, and then takes up to 256,000 at
once."""
_IMPORTING = threading.Lock()
"""One at a time may change what everybody imports."""
_ANY = Proxy("http")
"""Of all HTTP proxies: the library keeps their connections apart."""


class ProxyDown(Exception):
    """The proxy could not be reached."""


class ProxyRefused(Exception):
    """The proxy was reached, and did not lead on; its text says what it answered."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one request needs to know."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None
    connect: float
    """Seconds to a connection."""


class Sessions:
    """Requests by the way that somebody has chosen. `close` it."""

    def __init__(
        self,
        headers: Mapping[str, str],
        header_bytes: int,
        addresses: Addresses | None,
        imported: Callable[[], None] = lambda: None,
    ) -> None:
        """`headers` go with every request; a response's may have so many bytes; `addresses` pins hosts that are reached
        without a proxy; `imported` is called when libraries have been loaded."""
        self._headers = headers
        self._header_bytes = header_bytes
        self._addresses = addresses
        self._imported = imported
        self._pools: dict[Proxy, aiohttp.ClientSession] = {}
        self._opening = asyncio.Lock()

    async def send(self, sent: Sent, proxy: Proxy, context: Any) -> aiohttp.ClientResponse:
        """Send one request; `context` is a TLS context, or True where none is needed.

        Raises:
            ProxyDown, ProxyRefused: the proxy is the trouble.
            Exception: what the client library raises.
        """
        session = await self.opened(proxy)
        library = importlib.import_module("aiohttp")
        options: dict[str, Any] = {"proxy": proxy.url()} if proxy.scheme == "http" else {}
        try:
            return await session.request(
                sent.method,
                _exact(sent.url),
                headers=sent.headers,
                data=sent.body,
                allow_redirects=False,
                timeout=library.ClientTimeout(total=None, sock_connect=sent.connect),
                ssl=context,
                **options,
            )
        except (*_of_proxies(library), library.ConnectionTimeoutError) as error:
            if proxy == DIRECT:
                raise
            raise ProxyDown from error
        except library.ClientHttpProxyError as error:
            raise ProxyRefused(f"answered {error.status}") from error
        except Exception as error:
            meant = _of_socks(error) if proxy.is_socks else None
            if meant is None:
                raise
            raise meant from error

    async def certificate(self, url: str, proxy: Proxy, seconds: float) -> bytes:
        """The certificate (DER) of an https host that is not trusted, for the sake of an error text; b"" if it cannot
        be had. Nothing is sent to it."""
        library = importlib.import_module("aiohttp")
        look = _look(library)
        try:
            async with asyncio.timeout(seconds):
                sent = Sent("HEAD", url, {}, None, seconds)
                (await self.send(sent, proxy, look)).close()
        except Exception:  # noqa: BLE001 -- whatever happens after the handshake says nothing that anybody wants
            return bytes(look.seen)
        return b""

    async def close(self) -> None:
        for session in self._pools.values():
            await session.close()

    async def opened(self, proxy: Proxy) -> aiohttp.ClientSession:
        """The pool for a way out; the first one of each kind takes its time."""
        key = proxy if proxy == DIRECT or proxy.is_socks else _ANY
        if key in self._pools:
            return self._pools[key]
        async with self._opening:
            if key not in self._pools:
                library = await asyncio.to_thread(_library)
                socks = await asyncio.to_thread(importlib.import_module, "aiohttp_socks") if key.is_socks else None
                self._imported()
                self._pools[key] = self._made(library, self._connector(library, socks, key))
        return self._pools[key]

    def _connector(self, library: Any, socks: Any, proxy: Proxy) -> Any:
        options: dict[str, Any] = {"limit": 0, "keepalive_timeout": 30}
        if socks is not None:
            return socks.ProxyConnector.from_url(proxy.url(), rdns=True, **options)
        pinned = self._addresses if proxy == DIRECT else None  # a proxy's own address is what the settings say
        resolver = pinned_resolver(library, pinned) if pinned else None
        return library.TCPConnector(ttl_dns_cache=30, resolver=resolver, **options)

    def _made(self, library: Any, connector: Any) -> aiohttp.ClientSession:
        session: aiohttp.ClientSession = library.ClientSession(
            connector=connector,
            headers=self._headers,
            auto_decompress=False,
            cookie_jar=library.DummyCookieJar(),
            read_bufsize=AHEAD,
            max_line_size=self._header_bytes,
            max_field_size=self._header_bytes,
        )
        return session


def _library() -> Any:
    """The client library, without this machine's certificates: it would read them twice while it is imported, in 45 ms,
    and keep them. We give it contexts of our own (trust.py), so that those that it makes then trust nobody."""
    us = threading.get_ident()

    def reads_for_others(context: ssl.SSLContext) -> None:
        if threading.get_ident() != us:
            super(ssl.SSLContext, context).set_default_verify_paths()

    with _IMPORTING:
        ssl.SSLContext.set_default_verify_paths = reads_for_others  # type: ignore[method-assign, assignment]
        try:
            return importlib.import_module("aiohttp")
        finally:
            del ssl.SSLContext.set_default_verify_paths


def _exact(url: str) -> Any:
    """The URL as it is: without this, yarl would requote `%21` and others."""
    return importlib.import_module("yarl").URL(url, encoded=True)


def _of_proxies(library: Any) -> tuple[type[Exception], ...]:
    """What the client library says where a proxy cannot be reached: the name that it looks up is the proxy's."""
    return library.ClientProxyConnectionError, library.ClientConnectorDNSError


def _of_socks(error: Exception) -> Exception | None:
    """What the library for SOCKS means; None for an error that is not its own."""
    socks = importlib.import_module("aiohttp_socks")
    if isinstance(error, socks.ProxyConnectionError | socks.ProxyTimeoutError):
        return ProxyDown()
    if isinstance(error, socks.ProxyError):
        code = error.error_code
        return ProxyRefused("refused" if code is None else f"answered {code}")
    return None


def _look(library: Any) -> Any:
    """In the place of a fingerprint, which the client library checks before it sends anything."""

    class Look(library.Fingerprint):  # type: ignore[misc]  # its base is only known at run time
        seen = b""

        def check(self, transport: asyncio.Transport) -> None:
            tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
            self.seen = (tls.getpeercert(True) if tls is not None else None) or b""
            transport.abort()  # a mere close would wait up to 30 s for the host to say goodbye
            raise library.ServerFingerprintMismatch(b"", b"", "", 0)

    return Look(bytes(32))
