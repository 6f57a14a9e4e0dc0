"""Who the client is behind the proxies that we trust.

Belongs here: the believing of X-Forwarded-For and X-Real-IP, as a function of values. Not here: who may ask (access/).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from modgate.errors import SetupError

MOST_ANSWERS = 1024
"""Distinct headers, and peers, whose reading is remembered: a balancer sends the same few clients again and again."""
MOST_HOPS = 32
"""Addresses looked at in one header; a longer chain is nobody's network."""

_PORTED = re.compile(r"\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+")
"""With a port, as some balancers write them, and IPv6 then in brackets."""

Address = IPv4Address | IPv6Address


class TrustedProxies:
    """The peers whose words about their clients count."""

    def __init__(self, networks: Sequence[str]) -> None:
        """`networks` are addresses or CIDRs.

        Raises:
            SetupError: one of them is neither.
        """
        try:
            self._networks = tuple(ip_network(network, strict=False) for network in networks)
        except ValueError as error:
            raise SetupError("trusted_proxies", str(error), "give addresses or networks such as 10.0.0.0/8") from None
        self._cached = lru_cache(maxsize=MOST_ANSWERS)(self._client)
        self._peers = lru_cache(maxsize=MOST_ANSWERS)(self._peer)

    def trusts(self, peer: str) -> bool:
        """Whether the peer of a connection may speak for others."""
        if not self._networks:
            return False
        address = _address(peer)
        return address is not None and self._is_ours(address)

    def peer(self, address: str) -> tuple[str, bool]:
        """The peer of a new connection: its address as people write it, and whether it may speak for others."""
        return self._peers(address)

    def _peer(self, address: str) -> tuple[str, bool]:
        plain = plain_address(address)
        return plain, self.trusts(plain)

    def client(self, peer: str, forwarded_for: bytes, real_ip: bytes) -> str:
        """The address that a trusted peer speaks for; the peer itself where it names no other."""
        return self._cached(peer, forwarded_for, real_ip)

    def _client(self, peer: str, forwarded_for: bytes, real_ip: bytes) -> str:
        # From the right, where our own proxies wrote: the first that is not ours is the client, and whatever stands
        # left of it may be its invention.
        named = peer
        for hop in reversed(forwarded_for.split(b",")[-MOST_HOPS:] if forwarded_for else [real_ip]):
            text = hop.decode("latin-1").strip()
            ported = _PORTED.fullmatch(text)
            address = _address(ported[1] or ported[2] if ported is not None else text)
            if address is None:
                return named
            named = str(address)
            if not self._is_ours(address):
                return named
        return named

    def _is_ours(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def plain_address(peer: str) -> str:
    """An address as people write it: an IPv4 client of a dual-stack socket without its prefix, a zone left out."""
    address = _address(peer)
    return peer if address is None else str(address)


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
