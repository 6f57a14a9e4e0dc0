"""Git reaches its hosts with the credentials, by the proxies and with the trust that the settings have for them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from modgate.errors import Absent, GatewayError, Unavailable
from modgate.gateway.directly import permitted
from modgate.gomod import ModulePath
from modgate.gomod.paths import check_path
from modgate.gomod.patterns import Patterns
from modgate.net.addresses import Addresses, Lookup, Private
from modgate.net.credentials import Form, basic
from modgate.source.base import Ask, Kind, Ready, Terms
from modgate.source.git.compose import Setup, composed
from modgate.source.git.direct import Direct, ProxyBase, Root
from modgate.source.git.places import repository_url
from tests.git.asking import ByPath
from tests.git.forge import tree
from tests.git.repositories import Repo
from tests.git.smart import Host, Reply
from tests.hosts.authority import Company
from tests.hosts.tables import outward
from tests.world import World

NAME = "git.corp.example"
PATH = f"{NAME}/team/m.git"
TOKEN = basic("x-access-token", "s3cr3t")


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def repositories(tmp_path: Path) -> Path:
    repo = Repo(tmp_path / "repositories/team/m.git")
    repo.commit({**tree("m"), "go.mod": f"module {PATH}\n"}, "v1.0.0")
    repo.save()
    return tmp_path / "repositories"


@pytest.fixture
def host(repositories: Path, company: Company) -> Iterator[Host]:
    with Host(repositories, company.tls(NAME)) as serving:
        yield serving


async def nobody(name: str, port: int) -> list[str]:
    raise AssertionError(f"{name} is looked up")


async def here(name: str, port: int) -> list[str]:
    return ["127.0.0.1"]


class Placed(ByPath):
    """Finds every module in one repository, at a port that no module path can name."""

    def __init__(self, port: int) -> None:
        self.url = f"https://{NAME}:{port}/team/m.git"

    async def find(self, path: ModulePath, *, refresh: bool = False) -> Root | ProxyBase:
        return Root(PATH, self.url)


@asynccontextmanager
async def direct(world: World, host: Host, *tables: Mapping[str, Any], lookup: Lookup = here) -> AsyncIterator[Direct]:
    """`direct` with these tables."""
    async with outward(world, *tables) as opened:
        addresses = Addresses(Private.of(["*.corp.example"]), lookup)
        client = opened.client(addresses=addresses, form=Form.GIT)
        setup = Setup(world.place("ours"), {"PATH": os.environ["PATH"]})
        made = composed(setup, client, addresses, _no_proxy, rules=opened.rules)
        yield Direct(Placed(host.port), made.mirrors, _no_proxy)


def _no_proxy(url: str) -> Direct:
    raise AssertionError(url)


async def info(source: Direct, path: str = PATH) -> bytes:
    body = (await source.get(Ask(Kind.INFO, check_path(path), "v1.0.0"), Terms())).body
    assert isinstance(body, Ready)
    return body.data


async def trouble(source: Direct) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await info(source)
    return caught.value


async def test_a_private_repository_is_read_with_a_token(world: World, host: Host, company: Company) -> None:
    host.wants = TOKEN
    table = {"match": f"{NAME}/team", "token": "s3cr3t", "ca": company.ca}
    async with direct(world, host, table) as source:
        assert b'"v1.0.0"' in await info(source)
    assert set(host.authorizations) == {TOKEN}


async def test_a_refused_token_is_no_absence(world: World, host: Host, company: Company) -> None:
    host.wants = TOKEN
    async with direct(world, host, {"match": NAME, "token": "wr0ng", "ca": company.ca}) as source:
        error = await trouble(source)
    assert isinstance(error, Unavailable) and "does not accept this gateway's credentials" in error.reason
    assert "wr0ng" not in error.reason
    async with direct(world, host, {"match": NAME, "ca": company.ca}) as source:
        assert isinstance(await trouble(source), Absent)  # as a stranger: hosts do not say whether it is there


async def test_a_token_that_was_replaced_is_read_again(
    world: World, host: Host, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modgate.net.secret.RENEWAL", -1.0)
    host.wants = basic("x-access-token", "t2")
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho >> {tmp_path}/runs; echo t$(wc -l < {tmp_path}/runs)\n", encoding="utf-8")
    program.chmod(0o755)
    async with direct(world, host, {"match": NAME, "token": f"command:{program}", "ca": company.ca}) as source:
        assert b'"v1.0.0"' in await info(source)


async def test_an_unknown_authority_is_named_with_the_setting(world: World, host: Host) -> None:
    async with direct(world, host) as source:
        error = await trouble(source)
    assert isinstance(error, Unavailable)
    assert "Corp Example Authority" in error.reason and "host.ca" in error.reason


async def test_a_host_that_wants_to_know_us_is_shown_our_certificate(
    world: World, repositories: Path, company: Company
) -> None:
    certificate, key = company.identity()
    table = {"match": NAME, "ca": company.ca, "client_cert": certificate, "client_key": key}
    with Host(repositories, company.tls(NAME, known=True)) as host:
        async with direct(world, host, table) as source:
            assert b'"v1.0.0"' in await info(source)
        async with direct(world, host, {"match": NAME, "ca": company.ca}) as source:
            assert isinstance(await trouble(source), Unavailable)


@pytest.mark.parametrize("kind", ["http", "socks5"])
async def test_git_goes_by_the_proxy_with_its_password(world: World, host: Host, company: Company, kind: str) -> None:
    proxy = world.way_out(kind, names={NAME: host.port}, user="robot:s3cr3t/pa")  # type: ignore[arg-type]  # one of two
    url = proxy.url.replace("s3cr3t/pa", "s3cr3t%2Fpa")
    table = {"match": NAME, "proxy": url, "ca": company.ca}
    # Whoever allows a name by its name need not know it here.
    async with direct(world, host, table, lookup=nobody) as source:
        assert b'"v1.0.0"' in await info(source)
    assert set(proxy.asked) == {f"{NAME}:{host.port}"}


async def test_git_takes_the_next_proxy_when_one_cannot_be_reached(world: World, host: Host, company: Company) -> None:
    first, second = world.way_out(), world.way_out("socks5", names={NAME: host.port})
    first.goes_down()
    table = {"match": NAME, "proxy": [first.url, second.url], "ca": company.ca}
    async with direct(world, host, table) as source:
        assert b'"v1.0.0"' in await info(source)
        second.goes_down()
        assert second.asked


async def test_git_tells_when_no_proxy_can_be_reached(world: World, host: Host, company: Company) -> None:
    first, second = world.way_out(user="robot:s3cr3t"), world.way_out("socks5")
    for proxy in (first, second):
        proxy.goes_down()
    async with direct(world, host, {"match": NAME, "proxy": [first.url, second.url]}) as source:
        error = await trouble(source)
    assert isinstance(error, Unavailable) and "none of its proxies can be reached" in error.reason
    assert "s3cr3t" not in error.reason


async def test_a_host_that_moves_a_repository_gets_no_credentials_for_the_new_place(
    world: World, host: Host, company: Company
) -> None:
    moved = f"https://other.corp.example:{host.port}/team/m.git/info/refs?service=git-upload-pack"
    host.replies["/team/m.git/info/refs"] = Reply(301, {"Location": moved})
    tables = [
        {"match": NAME, "ca": company.ca},
        {"match": "other.corp.example", "ca": company.ca, "token": "s3cr3t"},
    ]
    async with direct(world, host, *tables) as source:
        await trouble(source)
    assert set(host.authorizations) == {""}


async def test_a_page_of_a_stranger_does_not_spend_our_credentials(world: World) -> None:
    tables = [{"match": f"{NAME}/team", "token": "s3cr3t"}, {"match": "ssh.corp.example", "ssh_key": "/dev/null"}]
    async with outward(world, *tables) as opened:
        may = permitted(opened.rules, Patterns.parse("go.corp.example").match)
        # By ssh, the user who runs this may have a key for any host.
        ours = (
            f"https://{NAME}/team/m",
            "ssh://git@ssh.corp.example/m",
            "ssh://git@git.example/m",
            "git+ssh://x.example/m",
        )
        for url in map(repository_url, ours):
            assert may(f"{url.host}/team/m", url)
            assert may("go.corp.example/m", url)
            assert not may("evil.example/m", url)
        assert may("evil.example/m", repository_url(f"https://{NAME}/public/m"))
