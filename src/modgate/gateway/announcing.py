"""The banner of a gateway that listens, however many processes it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from modgate import __version__
from modgate.gateway.controlling import Command
from modgate.gomod.redact import redacted
from modgate.serve.banner import Banner, announce, reachable
from modgate.settings.loaded import Loaded


def announced(loaded: Loaded, data: Sequence[str], admin: Sequence[str] = ()) -> None:
    """Tell the operator and the supervisor; `data` and `admin` are addresses, as HOST:PORT."""
    settings = loaded.settings
    own = [settings.own_database.name] if settings.own_database.name else []
    banner = Banner(
        version=__version__,
        urls=_urls(loaded, data),
        admin=[f"http://{address}" for address in admin],
        data=str(settings.data),
        upstream="".join(f"{link.shown}{link.after}" for link in loaded.meaning.chain)[:-1],
        databases=[*own, *(redacted(spec.name) for spec in loaded.meaning.databases)],
    )
    announce(banner)


def about(loaded: Loaded, addresses: Callable[[], Sequence[str]]) -> Command:
    """The command `about` of the control socket: where this gateway is asked for modules, from this machine."""

    async def command(_: Mapping[str, Any], __: AsyncExitStack) -> object:
        return {"version": __version__, "listen": reachable(_urls(loaded, addresses())[0])}

    return command


def _urls(loaded: Loaded, addresses: Sequence[str]) -> list[str]:
    scheme = "https" if loaded.settings.tls_cert else "http"
    return [f"{scheme}://{address}{loaded.settings.base_path}" for address in addresses]
