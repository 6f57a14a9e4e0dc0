"""`direct`, put together from plain values: what a composition root needs to know of this package.

Belongs here: wiring. Not here: settings files, environment variables, who runs `watch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modgate.net.addresses import Addresses
from modgate.net.client import Client
from modgate.net.limits import Deadlines
from modgate.net.rules import HostRules
from modgate.source.base import Source
from modgate.source.git.direct import Direct, Manner
from modgate.source.git.discovery import Allowed, Discovery, Permitted, anywhere
from modgate.source.git.hosts import Hosts
from modgate.source.git.mirror import Retagged
from modgate.source.git.mirrors import Mirrors
from modgate.source.git.program import Bounds, Git


@dataclass(frozen=True, slots=True)
class Setup:
    """Everything that can be chosen."""

    root: Path
    """An absolute directory on a local file system; it is made. Mirrors lie in `repositories` below it."""
    environ: Mapping[str, str]
    """Handed to git as it is: PATH at least; proxies, `GIT_SSL_CAINFO` and the like if need be. No secrets."""
    size: int = 20 << 30
    """Bytes of all mirrors together, about."""
    allowed: Allowed = field(default_factory=Allowed)
    manner: Manner = field(default_factory=Manner)
    bounds: Bounds = field(default_factory=Bounds)
    """Of one run of git."""
    deadlines: Deadlines = field(default_factory=Deadlines)
    """Of one page."""
    protocols: tuple[str, ...] = ("https", "ssh")
    """That git may use at all; with `allowed.insecure`, "http" has to be here too."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Settings of git for every host."""
    page_age: float = 600.0
    """Seconds for which the answer of a `?go-get=1` page is taken."""


@dataclass(frozen=True, slots=True)
class Composed:
    """The source, and what has to run beside it."""

    source: Direct
    mirrors: Mirrors
    git: Git

    async def problem(self) -> str:
        """What keeps `direct` from working on this machine, with the remedy; "" if nothing does."""
        return await self.git.problem()

    async def watch(self) -> None:
        """Keep the mirrors below their size, for ever; the gateway's task scope owns and cancels it."""
        await self.mirrors.watch()


def composed(
    setup: Setup,
    client: Client,
    addresses: Addresses,
    proxy: Callable[[str], Source],
    *,
    rules: HostRules | None = None,
    permitted: Permitted = anywhere,
    retagged: Retagged = lambda *_: None,
) -> Composed:
    """Put `direct` together.

    `client` was made with `addresses` and `rules`, so that pages, redirects and repositories are reached by the same
    rules; `proxy` gives a source for a GOPROXY base URL that a host names; `permitted` says which repositories the page
    of a path may name; `retagged` is told of tags that have moved.

    Raises:
        OSError: the directory cannot be made.
    """
    home, repositories = setup.root / "home", setup.root / "repositories"
    for folder in (home, repositories):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    git = Git(home, setup.bounds, setup.environ)
    hosts = Hosts(
        addresses,
        client,
        protocols=setup.protocols,
        deadlines=setup.deadlines,
        rules=rules,
        config=setup.config,
    )
    mirrors = Mirrors(repositories, git, hosts, setup.size, retagged)

    async def ping(url: str) -> None:
        async with mirrors.using(url) as mirror:
            await mirror.refs(asyncio.get_running_loop().time() - setup.manner.refs_age)

    discovery = Discovery(
        client,
        setup.allowed,
        ping,
        deadlines=setup.deadlines,
        age=setup.page_age,
        permitted=permitted,
    )
    return Composed(Direct(discovery, mirrors, proxy, setup.manner), mirrors, git)
