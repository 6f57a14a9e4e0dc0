"""NO_PROXY as the go command reads it (golang.org/x/net/http/httpproxy). Pure.

`*` alone is every host; `10.0.0.0/8` a network; `10.1.2.3` an address; `corp.example` that name and all below it;
`.corp.example` and `*.corp.example` only those below it; each of the last three may have a port.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from modgate.net.place import is_loopback

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_WITH_PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]*)")


@dataclass(frozen=True, slots=True)
class _Name:
    suffix: str
    """With its dot."""
    itself: bool
    """Whether the name without the dot counts too."""
    port: str

    def covers(self, host: str, port: str) -> bool:
        if self.port not in ("", port):
            return False
        return host.endswith(self.suffix) or (self.itself and host == self.suffix[1:])


@dataclass(frozen=True, slots=True)
class NoProxy:
    """Hosts that are reached without a proxy."""

    everything: bool = False
    networks: tuple[Network, ...] = ()
    addresses: tuple[tuple[str, str], ...] = ()
    """With their ports, "" for any."""
    names: tuple[_Name, ...] = ()

    @classmethod
    def parse(cls, text: str) -> NoProxy:
        """Read a list with commas. As in Go, what cannot be read is a name that nothing has."""
        networks, addresses, names = list[Network](), list[tuple[str, str]](), list[_Name]()
        for word in (part.strip().lower() for part in text.split(",")):
            if word == "*":
                return cls(everything=True)
            if "/" in word and (network := _network(word)) is not None:
                networks.append(network)
                continue
            host, port = _split(word)
            if _address(host) is not None:
                addresses.append((str(_address(host)), port))
            elif host:
                names.append(_name(host, port))
        return cls(False, tuple(networks), tuple(addresses), tuple(names))

    def covers(self, host: str, port: int) -> bool:
        """Say whether `host`, a name or an address without brackets, is reached without a proxy."""
        host = host.lower().rstrip(".")
        if self.everything or is_loopback(host):
            return True
        address = _address(host)
        if address is None:
            return any(name.covers(host, str(port)) for name in self.names)
        if any(address in network for network in self.networks):
            return True
        return any(known == str(address) and wanted in ("", str(port)) for known, wanted in self.addresses)


def _split(word: str) -> tuple[str, str]:
    found = _WITH_PORT.fullmatch(word)
    if found is None:
        return word.strip("[]"), ""
    return found["six"] or found["host"] or "", found["port"]


def _name(host: str, port: str) -> _Name:
    if host.startswith("*."):
        host = host[1:]
    return _Name(host, False, port) if host.startswith(".") else _Name(f".{host}", True, port)


def _network(word: str) -> Network | None:
    try:
        return ipaddress.ip_network(word, strict=False)
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found
