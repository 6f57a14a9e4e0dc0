"""What the settings say about hosts, as the client and git take it; and the clients themselves."""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack

from modgate import __version__
from modgate.gateway import values
from modgate.net.addresses import Addresses
from modgate.net.client import Client
from modgate.net.credentials import Form, Minted, Netrc, Password, Right, Token
from modgate.net.githubapp import GithubApp, Identity, Post
from modgate.net.limits import Deadlines
from modgate.net.rules import HostRules, Rule, Ssh
from modgate.net.secret import secret
from modgate.net.url import Target
from modgate.observe.metrics import Metrics
from modgate.serve.garbage import leave_out
from modgate.settings.loaded import Loaded
from modgate.settings.model import GithubApp as GithubAppTable
from modgate.settings.outside import Outside

TOKEN_BYTES = 65536
"""An answer with a token has some 2 KiB: it lists the app's permissions."""


class Outward:
    """Makes clients that know the settings' word on hosts. Opened once a process, so that all share what they learn."""

    def __init__(self, stack: AsyncExitStack, loaded: Loaded, metrics: Metrics, identity: str) -> None:
        """`identity` is that of the store; `stack` closes the clients."""
        self._stack = stack
        self._loaded = loaded
        self._metrics = metrics
        self._identity = identity
        self._deadlines = values.deadlines(loaded.settings.deadlines)
        # The client that asks for tokens takes the same way out, and has no credentials of its own but its claim.
        ways = HostRules([_rule(one, None) for one in loaded.meaning.outside], egress=loaded.egress)
        post = _post(self._client(ways), self._deadlines)
        netrc = loaded.settings.netrc
        self.rules = HostRules(
            [_rule(one, _right(one, post)) for one in loaded.meaning.outside],
            netrc=Netrc(netrc, "netrc") if netrc is not None else None,
            egress=loaded.egress,
        )

    def client(self, *, addresses: Addresses | None = None, form: Form = Form.PLAIN) -> Client:
        """A client; see net/client.py."""
        return self._client(self.rules, addresses, form)

    def _client(self, rules: HostRules, addresses: Addresses | None = None, form: Form = Form.PLAIN) -> Client:
        client = Client(
            self._metrics,
            user_agent=f"modgate/{__version__}",
            via=f"1.1 {values.pseudonym(self._identity)}",
            bounds=values.bounds(self._loaded.settings),
            addresses=addresses,
            rules=rules,
            form=form,
            imported=leave_out,
        )
        self._stack.push_async_callback(client.close)
        return client


def _rule(one: Outside, right: Right | None) -> Rule:
    # Git runs in its mirrors: a path means what it meant where modgate was started.
    files = (one.host.ca, one.host.client_cert, one.host.client_key, one.host.ssh_key, one.host.known_hosts)
    ca, certificate, key, ssh_key, known_hosts = (path.absolute() if path else None for path in files)
    ssh = Ssh(ssh_key, known_hosts) if ssh_key or known_hosts else None
    return Rule(one.place, one.setting, right, one.proxies, ca, certificate, key, ssh)


def _right(one: Outside, post: Post) -> Right | None:
    host = one.host
    if host.password:
        return Password(host.username, secret(host.password, f"{one.setting}.password", os.environ))
    if host.token:
        setting = f"{one.setting}.token"
        return Token(secret(host.token, setting, os.environ), setting, host.username)
    if host.github_app is not None:
        return _minted(host.github_app, f"{one.setting}.github_app", post)
    return None


def _minted(app: GithubAppTable, setting: str, post: Post) -> Right:
    identity = Identity(app.id, app.installation, app.api.rstrip("/"), setting)
    made = GithubApp(identity, secret(app.key, f"{setting}.key", os.environ), post, time.time)
    return Minted(made.token, made.forget, setting)


def _post(client: Client, deadlines: Deadlines) -> Post:
    async def post(url: str, authorization: str) -> tuple[int, bytes]:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        target = Target(url, authorization)
        async with AsyncExitStack() as stack:
            response = await client.get(
                stack, target, deadlines, upstream="github app", method="POST", headers=headers, body=b""
            )
            return response.status, await response.read(TOKEN_BYTES)

    return post
