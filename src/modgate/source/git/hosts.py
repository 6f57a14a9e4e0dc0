"""How git may reach the host of a repository: at which address, with what right, and where it has moved to.

Belongs here: the settings of one run of git that concern its host. Not here: whether an address is allowed
(net/addresses.py), which credentials and proxies are for it (net/rules.py).
"""

from __future__ import annotations

import asyncio
import ipaddress
import shlex
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

from modgate.errors import Absent, Forbidden, GatewayError, Malformed
from modgate.net.addresses import Addresses
from modgate.net.client import Client
from modgate.net.credentials import Form, Right
from modgate.net.limits import Deadlines
from modgate.net.proxies import DIRECT, Reached
from modgate.net.rules import HostRules, Ssh
from modgate.net.trust import Trust
from modgate.net.url import Target
from modgate.source.git.access import Access
from modgate.source.git.places import RepositoryUrl, repository_url

MOVED_AGE = 3600.0
"""Seconds for which a repository's new place is remembered."""
MOST_MOVED = 4096
_REFS = "/info/refs?service=git-upload-pack"
"""What git asks first by HTTP (gitprotocol-http(5)), and where hosts answer with a redirect."""


class Hosts:
    """Decides for each run of git. Satisfies remote.Hosts."""

    def __init__(
        self,
        addresses: Addresses,
        client: Client,
        *,
        protocols: tuple[str, ...] = ("https", "ssh"),
        deadlines: Deadlines,
        rules: HostRules | None = None,
        config: Mapping[str, str] | None = None,
    ) -> None:
        """`protocols` are git's names of those that may be used at all; `client` checks addresses, and knows the same
        `rules`; `config` are settings of git for every host, such as a file of certificates."""
        self._addresses = addresses
        self._client = client
        self._protocols = protocols
        self._deadlines = deadlines
        self._rules = rules or HostRules()
        self._config = dict(config or {})
        self._reached = Reached()
        self._moved: dict[str, tuple[str, float]] = {}

    async def access(self, url: str) -> Access:
        """The settings for a run that talks to the repository at `url`.

        Raises:
            Absent, Forbidden, Unavailable: its host cannot or must not be reached; or a secret cannot be had.
        """
        target = self._target(url)
        place = _read(target)
        protocol = "ssh" if place.is_ssh else place.scheme
        if protocol not in self._protocols:
            raise Forbidden(source=url, reason=f"git must not use {protocol} here")
        if place.scheme == "git":
            return await self._plain(url, place)
        if place.is_ssh:
            addresses, ssh = await self._addresses.resolve(place.host, place.port), self._rules.ssh(target)
            environ = {"GIT_SSH_COMMAND": ssh_command(place, addresses[0], ssh or Ssh())}
            return Access((protocol,), self._config, environ, ssh is not None and ssh.key is not None, place.host)
        config = {**self._config, **await self._way(place)}
        if target != url:
            config[f"url.{target}.insteadOf"] = url
        trust = self._rules.trust(target)
        config |= _files(trust if Target(url).origin == Target(target).origin else trust.public)
        right = self._right(url, target)
        if right is not None:
            config[_header(place)] = f"Authorization: {await right.authorization(Form.GIT)}"
        return Access((protocol,), config, is_signed=right is not None, lane=place.host)

    async def renew(self, url: str) -> bool:
        """The credential for `url` was refused; say whether there is another one now.

        Raises:
            Unavailable: its secret cannot be had.
        """
        right = self._right(url, self._target(url))
        if right is None:
            return False
        refused = await right.authorization(Form.GIT)
        right.renew()
        return await right.authorization(Form.GIT) != refused

    async def follow(self, url: str) -> bool:
        """Find out where the repository at `url` has moved to; false where it has not.

        Each hop is made by our own client, which checks its address; git itself follows none.

        Raises:
            GatewayError: it could not be found out, or leads where nobody may go.
        """
        place = _read(url)
        if place.is_ssh or place.scheme == "git":
            return False
        async with AsyncExitStack() as stack:
            try:
                response = await self._client.get(stack, Target(url + _REFS), self._deadlines, upstream="git")
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

    async def _plain(self, url: str, place: RepositoryUrl) -> Access:
        """For git's own protocol, which knows no proxy: the address that was checked stands in the URL's place."""
        address = (await self._addresses.resolve(place.host, place.port))[0]
        there = f"[{address}]" if ":" in address else address
        config = {**self._config, f"url.git://{there}:{place.port}{urlsplit(url).path}.insteadOf": url}
        environ = {"GIT_OVERRIDE_VIRTUAL_HOST": f"{place.host}:{place.port}"}
        return Access(("git",), config, environ, lane=place.host)

    async def _way(self, place: RepositoryUrl) -> dict[str, str]:
        """Settings for the way to a host: by a proxy, or to the address that was checked."""
        proxy = await self._reached.first(self._rules.proxies(place.text), self._deadlines.connect)
        config = {"http.proxy": proxy.url("socks5h"), "http.proxyAuthMethod": "basic"}  # an empty proxy is none
        if proxy != DIRECT:
            await self._addresses.admit(place.host, place.port)
            return config
        addresses = await self._addresses.resolve(place.host, place.port)
        if not _is_address(place.host):
            # What was checked is what is used: git must not look the name up once more and find another address.
            pinned = ",".join(f"[{one}]" if ":" in one else one for one in addresses)
            config["http.curloptResolve"] = f"{place.host}:{place.port}:{pinned}"
        return config

    def _right(self, url: str, target: str) -> Right | None:
        """What lets us in at `target`, to which `url` has moved: nothing that is for another place than `url`."""
        right = self._rules.right(url)
        kept = url == target or (Target(url).origin == Target(target).origin and self._rules.right(target) == right)
        return right if kept else None

    def _target(self, url: str) -> str:
        target, until = self._moved.get(url, (url, 0.0))
        return target if until > asyncio.get_running_loop().time() else url


def _read(url: str) -> RepositoryUrl:
    try:
        return repository_url(url)
    except Malformed as error:
        raise Absent(source=url, reason=f"{error.what}: {error.why}") from error


def ssh_command(place: RepositoryUrl, address: str, ssh: Ssh) -> str:
    """The ssh command for a host whose address is known; its key is looked for under its name."""
    alias = place.host if place.port == 22 else f"[{place.host}]:{place.port}"
    options = [
        "BatchMode=yes",
        "ControlMaster=no",
        "ConnectTimeout=10",
        "ClearAllForwardings=yes",
        f"HostName={address}",
        f"HostKeyAlias={alias}",
    ]
    words = ["ssh"]
    if ssh != Ssh():
        options.append("StrictHostKeyChecking=yes")
    if ssh.key is not None:
        words += ["-F", "none", "-i", _plain(ssh.key)]
        options += ["IdentitiesOnly=yes", "IdentityAgent=none"]
    if ssh.known_hosts is not None:
        options += [f'UserKnownHostsFile="{_plain(ssh.known_hosts)}"', "GlobalKnownHostsFile=none"]
    return shlex.join([*words, *(part for option in options for part in ("-o", option))])


def _plain(path: Path) -> str:
    """A path in which ssh finds no tokens (ssh_config(5))."""
    return str(path).replace("%", "%%")


def _files(trust: Trust) -> dict[str, str]:
    named = {"http.sslCAInfo": trust.ca, "http.sslCert": trust.certificate, "http.sslKey": trust.key}
    if trust.certificate is not None and trust.key is None:
        named["http.sslKey"] = trust.certificate
    return {key: str(path) for key, path in named.items() if path is not None}


def _header(place: RepositoryUrl) -> str:
    return f"http.{place.scheme}://{place.host}:{place.port}/.extraHeader"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
