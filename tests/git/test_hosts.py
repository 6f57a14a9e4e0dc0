"""Repositories are read over HTTP at the address that was checked, with the right that the host wants, and no other."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from modgate.errors import Absent, Forbidden, GatewayError, Unavailable
from modgate.gomod import ModulePath
from modgate.gomod.paths import check_path
from modgate.gomod.patterns import Patterns
from modgate.net.addresses import Addresses, Private
from modgate.net.client import Client
from modgate.net.credentials import Form
from modgate.net.limits import Bounds, Deadlines
from modgate.net.place import Place
from modgate.net.rules import HostRules, Rule
from modgate.observe.metrics import Metrics
from modgate.source.base import Ask, Kind, Ready, Terms
from modgate.source.git.compose import Setup, composed
from modgate.source.git.direct import Direct, ProxyBase, Root
from modgate.source.git.discovery import Allowed
from modgate.source.git.hosts import Hosts
from modgate.source.git.program import Bounds as GitBounds
from modgate.source.git.program import Git, GitFailed
from tests.git.asking import ByPath
from tests.git.forge import tree
from tests.git.repositories import Repo
from tests.git.smart import Host, Reply
from tests.hosts.tables import asked

NAME = "git.corp.example"
SECRET = "Basic c2VjcmV0OnRva2Vu"


class Names:
    """A resolver that knows a few names."""

    def __init__(self) -> None:
        self.known = {NAME: ["127.0.0.1"], "other.corp.example": ["127.0.0.1"], "sum.golang.org": ["192.0.2.1"]}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return self.known[host]


@dataclass(frozen=True)
class Known:
    """A credential whose header is this."""

    value: str

    async def authorization(self, form: Form) -> str:
        return self.value

    def renew(self) -> None:
        """There is no other."""


class Placed(ByPath):
    """Finds every module in one repository."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def find(self, path: ModulePath, *, refresh: bool = False) -> Root | ProxyBase:
        return Root("corp.example/m", self.url)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    repo = Repo(tmp_path / "acme/m")
    repo.commit({**tree("m"), "go.mod": "module corp.example/m\n"}, "v1.0.0")
    repo.save()
    with Host(tmp_path / "acme") as serving:
        yield serving


@pytest.fixture
def names() -> Names:
    return Names()


Makes = Callable[..., Direct]


@pytest.fixture
async def direct(tmp_path: Path, host: Host, names: Names) -> AsyncIterator[Makes]:
    """Makes a `Direct` that finds its module at `name`, the given port of this machine."""
    clients: list[Client] = []

    def make(name: str = NAME, path: str = "/m", private: tuple[str, ...] = (NAME,), secret: str = "") -> Direct:
        addresses = Addresses(Private.of(private), names)
        rules = HostRules([Rule(Place.parse(f"http://{NAME}"), right=Known(secret))] if secret else [])
        client = Client(
            Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds(), addresses=addresses, rules=rules
        )
        clients.append(client)
        setup = Setup(
            tmp_path / "ours",
            {"PATH": os.environ["PATH"]},
            allowed=Allowed(insecure=Patterns.parse("*")),
            protocols=("https", "http"),
        )
        made = composed(setup, client, addresses, _no_proxy, rules=rules)
        return Direct(Placed(f"http://{name}:{host.port}{path}"), made.mirrors, _no_proxy)

    yield make
    for client in clients:
        await client.close()


def _no_proxy(url: str) -> Direct:
    raise AssertionError(url)


async def info(source: Direct, version: str = "v1.0.0") -> bytes:
    body = (await source.get(Ask(Kind.INFO, check_path("corp.example/m"), version), Terms())).body
    assert isinstance(body, Ready)
    return body.data


async def refused(source: Direct) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await info(source)
    return caught.value


async def test_git_connects_to_the_address_that_was_checked_and_asks_no_resolver(direct: Makes, names: Names) -> None:
    # No resolver but ours knows the name.
    assert b'"v1.0.0"' in await info(direct())
    assert set(names.asked) == {NAME}


async def test_files_are_fetched_singly_over_http_too(direct: Makes, host: Host) -> None:
    source = direct()
    await info(source)
    answer = await source.get(Ask(Kind.ZIP, check_path("corp.example/m"), "v1.0.0"), Terms())
    assert b"".join([chunk async for chunk in answer.body.chunks])  # type: ignore[union-attr]  # it is arriving
    assert any("git-upload-pack" in request for request in host.requests)


@pytest.mark.parametrize("address", ["10.0.0.7", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"])
async def test_a_name_with_a_private_address_is_refused_unless_it_is_configured(
    direct: Makes, names: Names, host: Host, address: str
) -> None:
    names.known[NAME] = ["93.184.216.34", address]
    error = await refused(direct(private=()))
    assert isinstance(error, Forbidden) and address in error.reason
    assert host.requests == []


async def test_a_name_that_resolves_to_another_address_the_second_time_gains_nothing(
    direct: Makes, names: Names, host: Host
) -> None:
    source = direct(private=("127.0.0.1",))
    await info(source)
    asked = len(host.requests)
    names.known[NAME] = ["10.0.0.7"]
    error = await refused_at(source, "main")
    assert isinstance(error, Forbidden)
    assert len(host.requests) == asked


@pytest.fixture
def elsewhere(host: Host) -> Iterator[socket.socket]:
    """A service at the host's port of another address of this machine, which nobody is meant to reach."""
    with socket.create_server(("127.0.0.2", host.port)) as place:
        place.setblocking(False)
        yield place


class InTurn(Names):
    """Its owner answers every third question with an address inside: a look of ours may be one or two of them."""

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return ["127.0.0.2" if len(self.asked) % 3 == 0 else "127.0.0.1"]


async def test_a_name_with_two_addresses_in_turn_leads_to_what_was_checked_or_nowhere(
    names: Names, host: Host, elsewhere: socket.socket
) -> None:
    """As it is for pages and for upstreams; between the check and the connection nobody asks again."""
    addresses, url = Addresses(Private.of(["127.0.0.1"]), InTurn()), f"http://{NAME}:{host.port}/m/HEAD"
    answered, refused = 0, list[GatewayError]()
    for _ in range(6):  # each with a memory of its own, so that each has to look it up
        client = Client(Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds(), addresses=addresses)
        try:
            answered += (await asked(client, url))[0].status == 200
        except GatewayError as error:
            refused.append(error)
        await client.close()
    assert answered and refused
    assert all(isinstance(error, Forbidden) and "127.0.0.2" in error.reason for error in refused)
    with pytest.raises(BlockingIOError):
        elsewhere.accept()


async def refused_at(source: Direct, version: str) -> GatewayError:
    # Long enough for what was told about the refs to be too old.
    source._manner = type(source._manner)(refs_age=-1.0)
    with pytest.raises(GatewayError) as caught:
        await info(source, version)
    return caught.value


async def test_a_host_that_does_not_exist_is_absent(direct: Makes) -> None:
    assert isinstance(await refused(direct(name="nowhere.corp.example")), Absent)


async def test_a_host_is_not_called_absent_by_a_resolver_that_finds_nothing(direct: Makes, names: Names) -> None:
    names.known.clear()
    assert isinstance(await refused(direct(name="nowhere.corp.example")), Unavailable)


async def test_a_host_wants_credentials_and_gets_them_where_no_other_user_can_read_them(
    direct: Makes, host: Host
) -> None:
    host.wants = SECRET
    assert isinstance(await refused(direct()), Absent)  # hosts do not say whether it exists
    source = direct(secret=SECRET)
    seen: list[str] = []

    def look() -> None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            with suppress(OSError):  # it has ended
                seen.append(process.read_bytes().decode(errors="replace"))

    host.meanwhile = look
    await info(source)
    assert any("ls-remote" in line for line in seen)
    assert not any("c2VjcmV0OnRva2Vu" in line for line in seen)
    assert SECRET in host.authorizations


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, Absent), (410, Absent), (403, Unavailable), (500, Unavailable), (502, Unavailable), (503, Unavailable)],
)
async def test_what_a_status_of_the_host_means(
    direct: Makes, host: Host, status: int, expected: type[GatewayError]
) -> None:
    host.replies["/m"] = Reply(status, {}, b"no")
    assert isinstance(await refused(direct()), expected)


async def test_a_host_that_hangs_up_is_unavailable(direct: Makes, host: Host) -> None:
    host.close()
    assert isinstance(await refused(direct()), Unavailable)


async def test_a_repository_that_has_moved_is_followed(direct: Makes, host: Host) -> None:
    new = f"http://{NAME}:{host.port}/m"
    host.replies["/old/info/refs"] = Reply(301, {"Location": f"{new}/info/refs?service=git-upload-pack"})
    assert f'"URL":"http://{NAME}:{host.port}/old"'.encode() in await info(direct(path="/old"))


async def test_no_redirect_leads_to_a_private_address(direct: Makes, host: Host) -> None:
    for target in (f"http://127.0.0.1:{host.port}/m", f"http://other.corp.example:{host.port}/m"):
        host.requests.clear()
        location = f"{target}/info/refs?service=git-upload-pack"
        host.replies["/old/info/refs"] = Reply(301, {"Location": location})
        assert isinstance(await refused(direct(path="/old")), Forbidden)
        assert all(request.startswith("/old") for request in host.requests)


async def test_credentials_do_not_follow_a_redirect_to_another_host(direct: Makes, host: Host) -> None:
    location = f"http://other.corp.example:{host.port}/m/info/refs?service=git-upload-pack"
    host.replies["/old/info/refs"] = Reply(301, {"Location": location})
    source = direct(path="/old", private=(NAME, "other.corp.example"), secret=SECRET)
    await info(source)
    sent = dict(zip(host.requests, host.authorizations, strict=True))
    assert {path: secret for path, secret in sent.items() if secret and not path.startswith("/old")} == {}
    assert any(path.startswith("/m/") for path in sent)


async def test_ssh_goes_to_the_checked_address_and_trusts_the_key_of_the_name(host: Host, names: Names) -> None:
    addresses = Addresses(Private.of([NAME]), names)
    client = Client(Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds(), addresses=addresses)
    access = await Hosts(addresses, client, deadlines=Deadlines()).access(f"ssh://git@{NAME}:2222/m")
    command = access.environ["GIT_SSH_COMMAND"]
    assert f"HostName=127.0.0.1 -o 'HostKeyAlias=[{NAME}]:2222'" in command and "BatchMode=yes" in command


async def test_git_s_own_protocol_goes_to_the_checked_address_too(direct: Makes, names: Names, tmp_path: Path) -> None:
    """It knows no resolver but the machine's, which does not know the name."""
    said: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.append(await reader.readexactly(int(await reader.readexactly(4), 16) - 4))  # a pkt-line
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        addresses = Addresses(Private.of([NAME]), names)
        client = Client(Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds(), addresses=addresses)
        hosts = Hosts(addresses, client, deadlines=Deadlines(), protocols=("git",))
        url = f"git://{NAME}:{port}/team/m"
        (tmp_path / "home").mkdir()
        git, access = Git(tmp_path / "home", GitBounds(), {"PATH": os.environ["PATH"]}), await hosts.access(url)
        with pytest.raises(GitFailed):
            await git.run(tmp_path, "ls-remote", "--end-of-options", url, access=access)
        names.known[NAME] = ["10.0.0.7", "93.184.216.34"]
        closed = Hosts(Addresses(Private(), names), client, deadlines=Deadlines(), protocols=("git",))
        with pytest.raises(Forbidden):
            await closed.access(url)
        await client.close()
    [request] = said
    assert b"git-upload-pack /team/m\0" in request and f"host={NAME}:{port}".encode() in request
