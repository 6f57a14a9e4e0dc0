"""Proxies on the way out: which one a request takes.

Belongs here: reading their URLs, those of the environment, and which of several cannot be reached. Not here: speaking
to one (sessions.py), which hosts have their own (rules.py).
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from modgate.errors import Malformed, Trouble, Unavailable
from modgate.net.noproxy import NoProxy
from modgate.net.url import origin_of

SCHEMES = ("http", "socks5", "socks5h")
AGAIN = 30.0
"""Seconds after which a proxy that could not be reached is tried first again."""
_PORTS = {"http": 80, "socks5": 1080, "socks5h": 1080}
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, slots=True)
class Proxy:
    """One proxy, or the way without one."""

    scheme: str
    """"http", or "socks5" for both kinds of SOCKS URLs: as with Go, the proxy resolves names. "" is without one."""
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Read `http://[user:password@]host[:port]`, `socks5://…` or `direct`; without a scheme it is http.

        Raises:
            Malformed: anything else. The text is not told: there may be a password in it.
        """
        if text == "direct":
            return DIRECT
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
        except ValueError as error:
            raise Malformed("proxy", "", "its address or port cannot be read") from error
        if parts.scheme not in SCHEMES:
            raise Malformed("proxy", "", f"the scheme {parts.scheme} is not one of {', '.join(SCHEMES)}")
        if not _HOST.fullmatch(host) or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise Malformed("proxy", "", "write http://host:port, socks5://host:port or direct")
        scheme = "http" if parts.scheme == "http" else "socks5"
        return cls(scheme, host, port, unquote(parts.username or ""), unquote(parts.password or ""))

    @property
    def is_socks(self) -> bool:
        return self.scheme == "socks5"

    @property
    def shown(self) -> str:
        """As anybody may see it."""
        return f"{self.scheme}://{self._place}" if self.scheme else "direct"

    def url(self, socks: str = "socks5") -> str:
        """With its password, for whoever speaks to it; `socks` is the scheme that it understands. "" is without one."""
        if not self.scheme:
            return ""
        user = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}@" if self.user else ""
        return f"{socks if self.is_socks else self.scheme}://{user}{self._place}"

    @property
    def _place(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


DIRECT = Proxy("")


@dataclass(frozen=True, slots=True)
class Egress:
    """What the environment says: HTTP_PROXY, HTTPS_PROXY and NO_PROXY, read as the go command reads them."""

    http: Proxy = DIRECT
    https: Proxy = DIRECT
    without: NoProxy = field(default_factory=NoProxy)

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Egress:
        """Read the variables, in capitals or not.

        Raises:
            Malformed: one of them is no proxy; `what` is its name.
        """
        http, https = (_named(environ, name) for name in ("HTTP_PROXY", "HTTPS_PROXY"))
        return cls(http, https, NoProxy.parse(_either(environ, "NO_PROXY")))

    def proxy(self, url: str) -> Proxy:
        """For a request to `url`; this machine itself is never asked by a proxy."""
        scheme, host, port = origin_of(url)
        proxy = {"http": self.http, "https": self.https}.get(scheme, DIRECT)
        return DIRECT if proxy == DIRECT or self.without.covers(host, port or 443) else proxy


NO_PROXIES = Egress()
"""Where the environment says nothing."""


def _either(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _named(environ: Mapping[str, str], name: str) -> Proxy:
    text = _either(environ, name).strip()
    try:
        return Proxy.parse(text) if text else DIRECT
    except Malformed as error:
        raise Malformed(name, "", error.why) from error


class Reached:
    """Which proxies could not be reached lately."""

    def __init__(self) -> None:
        self._failed: dict[Proxy, float] = {}

    def failed(self, proxy: Proxy) -> None:
        """It could not be reached just now."""
        self._failed[proxy] = asyncio.get_running_loop().time()

    def in_order(self, proxies: Sequence[Proxy]) -> list[Proxy]:
        """The same, those that could not be reached lately last."""
        if len(proxies) == 1:
            return list(proxies)
        now = asyncio.get_running_loop().time()
        return sorted(proxies, key=lambda proxy: now - self._failed.get(proxy, -math.inf) < AGAIN)

    async def first(self, proxies: Iterable[Proxy], seconds: float) -> Proxy:
        """The first one that takes a connection within `seconds`, for those who can be told of one only.

        Raises:
            Unavailable: none does.
        """
        order = self.in_order(list(proxies))
        if len(order) == 1:
            return order[0]  # whoever uses it will see
        for proxy in order:
            if proxy == DIRECT or await self._takes(proxy, seconds):
                return proxy
        told = ", ".join(proxy.shown for proxy in order)
        raise Unavailable(reason=f"none of its proxies can be reached ({told})", trouble=Trouble.CONNECTION, again=True)

    async def _takes(self, proxy: Proxy, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                _, writer = await asyncio.open_connection(proxy.host, proxy.port)
        except OSError:  # and TimeoutError
            self.failed(proxy)
            return False
        writer.transport.abort()
        return True
