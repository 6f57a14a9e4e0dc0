"""Which links of the chain can be used by this gateway, and what is to be said about the others.

Belongs here: dropping the gateway itself. Not here: the syntax of a chain (gomod/chain.py), asking
upstreams (source/). A loop over several gateways is found by its Via header, not here.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from modgate.errors import SetupError
from modgate.gomod.chain import Link
from modgate.net.place import is_loopback
from modgate.settings.meaning import Address

_PORTS = {"http": 80, "https": 443}
_EVERY_ADDRESS = ("", "0.0.0.0", "::")  # noqa: S104 -- compared with, not bound to


def usable(chain: Iterable[Link], listen: Address, field: str = "upstream") -> tuple[tuple[Link, ...], tuple[str, ...]]:
    """The links that can be asked, and warnings about what was left out or is plain http; each is one line.

    Raises:
        SetupError: nothing is left.
    """
    kept, warnings, plain = [], [], []
    for link in chain:
        url = urlsplit(link.url)
        if _is_this_gateway(url, listen):
            warnings.append(f"{field}: {link.shown} is left out, because it is this gateway itself")
        else:
            kept.append(link)
            if url.scheme == "http" and not is_loopback(url.hostname or ""):
                plain.append(link.shown)
    if plain:
        warnings.append(f"{field}: {', '.join(plain)} is plain http: whoever is on the way can read and change it")
    if not kept:
        told = "nothing is left of the chain" + _because(warnings, field)
        raise SetupError(field, told, "give a proxy: --upstream URL")
    return tuple(kept), tuple(warnings)


def only_this_gateway(chain: Iterable[Link], listen: Address) -> bool:
    """Whether a chain names this gateway, and besides it nobody but `direct`."""
    proxies = [link.url for link in chain if link.url != "direct"]
    return bool(proxies) and all(_is_this_gateway(urlsplit(url), listen) for url in proxies)


def _because(warnings: list[str], field: str) -> str:
    return "".join(f" ({warning.removeprefix(f'{field}: ')})" for warning in warnings)


def _is_this_gateway(url: SplitResult, listen: Address) -> bool:
    if url.scheme not in _PORTS or not listen.port or (url.port or _PORTS[url.scheme]) != listen.port:
        return False
    host = (url.hostname or "").lower()
    if listen.host in _EVERY_ADDRESS:
        return host in _EVERY_ADDRESS or is_loopback(host) or _is_this_machine(host)
    if host in _EVERY_ADDRESS:  # to connect to it is to connect to this machine
        return is_loopback(listen.host.lower())
    if "localhost" in (host, listen.host.lower()):
        return is_loopback(host) and is_loopback(listen.host.lower())
    return host == listen.host.lower()


def _is_this_machine(host: str) -> bool:
    """Whether an address is one of this machine's interfaces, or a name its own. No name is looked up: a start must not
    wait for a name server."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        return host == socket.gethostname().lower()
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True
