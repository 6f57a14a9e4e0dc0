"""How git may reach the host of a repository: at which address, with what right, and where it has moved to.

Belongs here: the settings of one run of git that concern its host. Not here: whether an address is allowed
(net/addresses.py), where credentials come from.
"""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from modgate.errors import Absent, Forbidden, GatewayError, Malformed
from modgate.net.addresses import Addresses
from modgate.net.client import Client
from modgate.net.limits import Deadlines
from modgate.net.url import Target
from modgate.source.git.access import Access
from modgate.source.git.places import RepositoryUrl, repository_url

MOVED_AGE = 3600.0
"""Seconds for which a repository's new place is remembered."""
MOST_MOVED = 4096
_REFS = "/info/refs?service=git-upload-pack"
"""What git asks first by HTTP (gitprotocol-http(5)), and where hosts answer with a redirect."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a host wants to see."""

    authorization: str = field(default="", repr=False)
    """Value of the Authorization header, for http and https."""
    ssh_options: tuple[str, ...] = ()
    """Such as `-i`, `/etc/modgate/key`, for ssh."""


NONE = Credential()


async def nobody(_: RepositoryUrl) -> Credential:
    """Every host is asked as a stranger."""
    return NONE


class Hosts:
    """Decides for each run of git. Satisfies remote.Hosts."""

    def __init__(
        self,
        addresses: Addresses,
        client: Client,
        *,
        protocols: tuple[str, ...] = ("https", "ssh"),
        deadlines: Deadlines,
        credential: Callable[[RepositoryUrl], Awaitable[Credential]] = nobody,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """`protocols` are git's names of those that may be used at all; `client` checks addresses too; `config` are
        settings of git for every host, such as a file of certificates."""
        self._addresses = addresses
        self._client = client
        self._protocols = protocols
        self._deadlines = deadlines
        self._credential = credential
        self._config = dict(config or {})
        self._moved: dict[str, tuple[str, float]] = {}

    async def access(self, url: str) -> Access:
        """The settings for a run that talks to the repository at `url`.

        Raises:
            Absent, Forbidden, Unavailable: its host cannot or must not be reached.
        """
        target = self._target(url)
        place = _read(target)
        protocol = "ssh" if place.is_ssh else place.scheme
        if protocol not in self._protocols:
            raise Forbidden(source=url, reason=f"git must not use {protocol} here")
        addresses = await self._addresses.resolve(place.host, place.port)
        credential = await self._credential(place)
        config = dict(self._config)
        if target != url:
            config[f"url.{target}.insteadOf"] = url
        if place.is_ssh:
            environ = {"GIT_SSH_COMMAND": ssh_command(place, addresses[0], credential)}
            return Access((protocol,), config, environ, place.host)
        if not _is_address(place.host):
            # What was checked is what is used: git must not look the name up once more and find another address.
            pinned = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
            config["http.curloptResolve"] = f"{place.host}:{place.port}:{pinned}"
        if credential.authorization:
            config[f"http.{place.scheme}://{place.host}:{place.port}/.extraHeader"] = (
                f"Authorization: {credential.authorization}"
            )
        return Access((protocol,), config, lane=place.host)

    async def follow(self, url: str) -> bool:
        """Find out where the repository at `url` has moved to; false where it has not.

        Each hop is made by our own client, which checks its address; git itself follows none.

        Raises:
            GatewayError: it could not be found out, or leads where nobody may go.
        """
        place = _read(url)
        if place.is_ssh or place.scheme == "git":
            return False
        credential = await self._credential(place)
        async with AsyncExitStack() as stack:
            target = Target(url + _REFS, credential.authorization)
            try:
                response = await self._client.get(stack, target, self._deadlines, upstream="git")
            except GatewayError as error:
                error.source = url
                raise
            end = response.url.removesuffix(_REFS.partition("?")[0])
        if end in (url, response.url):
            return False
        _read(end)
        if len(self._moved) >= MOST_MOVED:
            self._moved.clear()
        self._moved[url] = (end, asyncio.get_running_loop().time() + MOVED_AGE)
        return True

    def _target(self, url: str) -> str:
        target, until = self._moved.get(url, (url, 0.0))
        return target if until > asyncio.get_running_loop().time() else url


def _read(url: str) -> RepositoryUrl:
    try:
        return repository_url(url)
    except Malformed as error:
        raise Absent(source=url, reason=f"{error.what}: {error.why}") from error


def ssh_command(place: RepositoryUrl, address: str, credential: Credential) -> str:
    """The ssh command for a host whose address is known; its key is looked for under its name."""
    alias = place.host if place.port == 22 else f"[{place.host}]:{place.port}"
    options = (
        "BatchMode=yes",
        "ControlMaster=no",
        "ConnectTimeout=10",
        "ClearAllForwardings=yes",
        f"HostName={address}",
    )
    flags = [part for option in (*options, f"HostKeyAlias={alias}") for part in ("-o", option)]
    return shlex.join(["ssh", *flags, *credential.ssh_options])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
