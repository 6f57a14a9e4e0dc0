"""`direct`: modules from where they are kept, wired from the settings (source/git/compose.py)."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modgate import __version__
from modgate.gateway import values
from modgate.gateway.telling import Telling
from modgate.net.addresses import Addresses, Private
from modgate.net.client import Client
from modgate.settings.load import Loaded
from modgate.source.goproxy import GoProxy, Sizes
from modgate.storage.store import Store

if TYPE_CHECKING:
    from modgate.source.git.compose import Composed

HANDED_ON = ("PATH", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE")
"""Variables of ours that git gets too: how to find its parts, and the way out."""


async def directly(stack: AsyncExitStack, loaded: Loaded, store: Store, telling: Telling) -> Composed | None:
    """The source `direct`, if the chain names it and this machine's git can be used; else None, and a warning."""
    if not any(link.url == "direct" for link in loaded.meaning.chain):
        return None
    from modgate.source.git.compose import Setup, composed
    from modgate.source.git.direct import Manner
    from modgate.source.git.discovery import Allowed

    settings, meaning = loaded.settings, loaded.meaning
    hosts = [urlsplit(link.url).hostname or "" for link in meaning.chain if link.url.startswith("http")]
    addresses = Addresses(Private.of(settings.git.private_hosts), controls=[host for host in hosts if _is_name(host)])
    client = Client(
        telling.metrics,
        user_agent=f"modgate/{__version__}",
        via=f"1.1 {values.pseudonym(store.identity)}",
        bounds=values.bounds(settings),
        addresses=addresses,
    )
    stack.push_async_callback(client.close)
    sizes = Sizes(settings.limits.list, settings.limits.info, settings.limits.mod, settings.limits.zip)
    named: dict[str, GoProxy] = {}

    def proxy(url: str) -> GoProxy:
        """For hosts whose pages name a proxy (the `mod` protocol)."""
        if len(named) >= 64:
            named.clear()
        if url not in named:
            named[url] = GoProxy(url, client, telling.events, values.deadlines(settings.deadlines), sizes)
        return named[url]

    def retagged(url: str, tag: str, served: str, now: str) -> None:
        telling.events.emit("retagged", source=url, tag=tag, served=served, now=now)

    protocols = ("https", "ssh", *(("http", "git") if settings.git.insecure else ()))
    setup = Setup(
        root=store.layout.root / "git",
        environ={name: os.environ[name] for name in HANDED_ON if name in os.environ},
        size=settings.git.mirrors,
        allowed=Allowed(govcs=meaning.govcs, insecure=meaning.insecure, private=meaning.private),
        manner=Manner(refs_age=settings.git.refs_age),
        deadlines=values.deadlines(settings.deadlines),
        protocols=protocols,
    )
    made = composed(setup, client, addresses, proxy, retagged=retagged)
    problem = await made.problem()
    if problem:
        telling.log.warning("upstream: direct cannot be used", reason=problem)
        return None
    return made


def _is_name(host: str) -> bool:
    """Whether it has to be looked up: addresses tell nothing about the resolver."""
    return bool(host) and ":" not in host and not host.replace(".", "").isdigit() and host != "localhost"
