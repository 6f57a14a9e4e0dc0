"""The resolver that makes aiohttp use the addresses that were checked, and no others."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

from modgate.net.addresses import Addresses


def pinned_resolver(library: Any, addresses: Addresses) -> Any:
    """An aiohttp resolver; `library` is aiohttp, which this file must not import before it is needed."""

    class Pinned(library.abc.AbstractResolver):  # type: ignore[misc]  # its base is only known at run time
        """Asks `addresses`, whose errors pass through aiohttp to whoever sent the request."""

        async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[dict[str, Any]]:
            return [_result(host, address, port) for address in await addresses.resolve(host, port)]

        async def close(self) -> None:
            """Nothing is open."""

    return Pinned()


def _result(host: str, address: str, port: int) -> dict[str, Any]:
    version = ipaddress.ip_address(address.partition("%")[0]).version
    family = socket.AF_INET6 if version == 6 else socket.AF_INET
    return {
        "hostname": host,
        "host": address,
        "port": port,
        "family": family,
        "proto": 0,
        "flags": socket.AI_NUMERICHOST,
    }
