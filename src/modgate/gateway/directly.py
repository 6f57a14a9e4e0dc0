"""`direct`: modules from where they are kept, wired from the settings (source/git/compose.py)."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from modgate.gateway import values
from modgate.gateway.hosts import Outward
from modgate.gateway.telling import Telling
from modgate.net.addresses import Addresses, Private
from modgate.net.credentials import Form
from modgate.net.rules import HostRules
from modgate.settings.loaded import Loaded
from modgate.source.goproxy import GoProxy
from modgate.storage.store import Store

if TYPE_CHECKING:
    from modgate.source.git.compose import Composed
    from modgate.source.git.discovery import Permitted
    from modgate.source.git.places import RepositoryUrl

HANDED_ON = ("PATH",)
"""Variables of ours that git gets too. Those of the way out are read by us, by Go's rules and not by curl's."""


_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
"""A whole name, as patterns may begin with one: no glob and no expression."""


async def directly(loaded: Loaded, outward: Outward, store: Store, telling: Telling) -> Composed | None:
    """The source `direct`, if a chain names it and this machine's git can be used; else None, and a warning."""
    links = {link for route in loaded.meaning.routes() for link in route.chain}
    if not any(link.url == "direct" for link in links):
        return None
    from modgate.source.git.compose import Setup, composed
    from modgate.source.git.direct import Manner
    from modgate.source.git.discovery import Allowed

    settings, meaning = loaded.settings, loaded.meaning
    hosts = sorted({urlsplit(link.url).hostname or "" for link in links if link.is_http})
    private = Private.of((*settings.git.private_hosts, *_own_hosts(loaded)))
    addresses = Addresses(private, controls=[host for host in hosts if _is_name(host)])
    pages, proxies = outward.client(addresses=addresses, form=Form.GIT), outward.client(addresses=addresses)
    sizes = values.sizes(settings.limits)
    named: dict[str, GoProxy] = {}

    def proxy(url: str) -> GoProxy:
        """For hosts whose pages name a proxy (the `mod` protocol)."""
        if len(named) >= 64:
            named.clear()
        if url not in named:
            named[url] = GoProxy(url, proxies, telling.events, values.deadlines(settings.deadlines), sizes)
        return named[url]

    def retagged(url: str, tag: str, served: str, now: str) -> None:
        telling.events.emit("retagged", source=url, tag=tag, served=served, now=now)

    protocols = ("https", "ssh", *(("http", "git") if settings.git.insecure else ()))
    setup = Setup(
        root=store.layout.root / "git",
        environ={name: os.environ[name] for name in HANDED_ON if name in os.environ},
        size=settings.git.mirrors,
        allowed=Allowed(govcs=meaning.govcs, insecure=meaning.insecure, is_private=meaning.is_private),
        manner=Manner(refs_age=settings.git.refs_age),
        deadlines=values.deadlines(settings.deadlines),
        protocols=protocols,
        config=_authorities(os.environ),
    )
    made = composed(
        setup,
        pages,
        addresses,
        proxy,
        rules=outward.rules,
        permitted=permitted(outward.rules, meaning.is_private),
        retagged=retagged,
    )
    problem = await made.problem()
    if problem:
        telling.log.warning("upstream: direct cannot be used", reason=problem)
        return None
    return made


def _authorities(environ: Mapping[str, str]) -> dict[str, str]:
    """Git trusts whom we trust."""
    named = environ.get("SSL_CERT_FILE")
    return {"http.sslCAInfo": str(Path(named).absolute())} if named else {}


def permitted(rules: HostRules, is_private: Callable[[str], bool]) -> Permitted:
    """Whether the page of a path may name a place: where we have credentials, only under the host's own name, or if the
    path is private. Else a page of a stranger could have a private repository served as a public module."""

    def may(path: str, url: RepositoryUrl) -> bool:
        return path.partition("/")[0] == url.host or not rules.is_ours(url.text) or is_private(path)

    return may


def _own_hosts(loaded: Loaded) -> list[str]:
    """The hosts that private routes name in full and read directly: whoever writes that wants them reached, wherever
    they are."""
    routes = [route for route in loaded.meaning.routes() if route.private]
    direct = [route for route in routes if any(link.url == "direct" for link in route.chain)]
    hosts = {pattern.text.partition("/")[0].lower() for route in direct for pattern in route.match.patterns}
    return sorted(filter(_HOST.fullmatch, hosts))


def _is_name(host: str) -> bool:
    """Whether it has to be looked up: addresses tell nothing about the resolver."""
    return bool(host) and ":" not in host and not host.replace(".", "").isdigit() and host != "localhost"
