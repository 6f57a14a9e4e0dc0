"""Which hosts may be reached from here: the addresses of the public Internet, and what the settings allow besides.

Belongs here: the decision about an address, and looking hosts up so that the address that was checked is the one that
is used. Not here: sending anything (client.py).

Module paths and pages of strangers name hosts. Without this, they would have us talk to what only we can reach:
the services on its own machine, the company's network, the metadata service of a cloud.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from modgate.errors import Absent, Forbidden, Trouble, Unavailable

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
"""The addresses of a host and port. Raises socket.gaierror as getaddrinfo does."""

_NAT64 = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: an IPv4 address in the last 32 bits."""
_COMPATIBLE = ipaddress.IPv6Network("::/96")
"""RFC 4291 §2.5.5.1, long deprecated: some systems still take `::10.0.0.1` for 10.0.0.1."""
_ISATAP = re.compile(r"^(?:00|02)005efe")
"""The last 64 bits of an ISATAP address begin so (RFC 5214 §6.1)."""
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")

NAME_UNKNOWN = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""What the resolver says of a name that does not exist."""
CONTROL = "sum.golang.org"
"""A name that exists: a resolver that does not find it either is broken, and proves nothing about other names."""
LOOKUP_SECONDS = 10.0


def is_public(address: str) -> bool:
    """Say whether `address` (v4 or v6, as text) is one of the public Internet, in all of its disguises.

    Raises:
        ValueError: no address.
    """
    return all(_is_public(one) for one in _meant(ipaddress.ip_address(address.partition("%")[0])))


def _is_public(address: Address) -> bool:
    # Multicast counts as global in Python's table, from which site-local fec0::/10 is missing (RFC 3879).
    if address.is_multicast or address.is_reserved or (address.version == 6 and address.is_site_local):
        return False
    return address.is_global


def _meant(address: Address) -> list[Address]:
    """The address, or those inside of it that packets to it end up at."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if any(address in network for network in (*_NAT64, _COMPATIBLE)) or _ISATAP.match(f"{int(address):032x}"[16:]):
        return [low]
    return [address]


@dataclass(frozen=True, slots=True)
class Private:
    """The hosts that may have other addresses too."""

    patterns: tuple[str, ...] = ()
    """Such as `git.corp.example`, `*.corp.example`, `10.1.2.3` or `10.1.0.0/16`."""

    @classmethod
    def of(cls, patterns: Iterable[str]) -> Private:
        return cls(tuple(pattern.lower() for pattern in patterns))

    def allows(self, host: str, address: str) -> bool:
        """Say whether `host` is named, or `address` lies in a network that is."""
        return any(fnmatchcase(host, pattern) or _lies_in(address, pattern) for pattern in self.patterns)


class Addresses:
    """Looks hosts up, and refuses those that are not public and not allowed."""

    def __init__(self, private: Private, lookup: Lookup | None = None, controls: Iterable[str] = ()) -> None:
        """`controls` are names that exist, besides the known one: those of upstreams, on networks that know few
        others.
        """
        self._private = private
        self._lookup = lookup or looked_up
        self._controls = (*controls, CONTROL)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, a name or itself an address; all of them may be used, and only they.

        Raises:
            Forbidden: one of them is not public: a name that has both kinds is used for attacks.
            Absent: there is no such name.
            Unavailable: the resolver does not work.
        """
        name = host.strip("[]").rstrip(".").lower()
        addresses = [name] if _is_address(name) else await self._looked_up(name, port)
        for address in addresses:
            if not is_public(address) and not self._private.allows(name, address):
                what = "is no public address" if address == name else f"has the address {address}, which is not public"
                raise Forbidden(source=name, reason=f"{what}; a setting has to allow this host")
        return addresses

    async def admit(self, host: str, port: int) -> None:
        """Pass a host that a proxy will look up anew: as `resolve`, but a name that is allowed need not be known here.

        The proxy may find another address. That is its owner's to prevent: an address is checked here so that a
        stranger's name for what our own resolver knows as private gets no further than this.

        Raises:
            Forbidden: it has an address that is not public.
            Unavailable: it cannot be looked up here, which says nothing about existence: the proxy may know it. A
                network whose resolver knows only its own names has to allow the others by name.
        """
        name = host.strip("[]").rstrip(".").lower()
        if any(fnmatchcase(name, pattern) for pattern in self._private.patterns):
            return
        try:
            await self.resolve(host, port)
        except (Absent, Unavailable) as error:
            reason = f"{error.reason}; before a proxy is asked for it, it has to be known here, or allowed by name"
            raise Unavailable(source=name, reason=reason, trouble=Trouble.CONNECTION) from error

    async def _looked_up(self, name: str, port: int) -> list[str]:
        if not _HOST.fullmatch(name):
            raise Absent(source=name, reason="no host name")
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                found = await self._lookup(name, port)
        except TimeoutError as error:
            reason = f"its name was not resolved within {LOOKUP_SECONDS:g} s"
            raise Unavailable(source=name, reason=reason, trouble=Trouble.TIMEOUT) from error
        except OSError as error:
            if isinstance(error, socket.gaierror) and error.errno in NAME_UNKNOWN and await self._works():
                raise Absent(source=name, reason="no such host") from error
            reason = "its name could not be resolved"
            raise Unavailable(source=name, reason=reason, trouble=Trouble.CONNECTION, again=True) from error
        if not found:
            raise Absent(source=name, reason="no such host")
        return found

    async def _works(self) -> bool:
        """Whether the resolver finds a name that exists."""
        for control in self._controls:
            with suppress(OSError):  # and TimeoutError
                async with asyncio.timeout(LOOKUP_SECONDS):
                    if await self._lookup(control, 443):
                        return True
        return False


async def looked_up(host: str, port: int) -> list[str]:
    """Ask this machine's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _lies_in(address: str, pattern: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]) in ipaddress.ip_network(pattern)
    except ValueError:
        return False
