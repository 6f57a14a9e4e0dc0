"""However many versions of a repository are asked for, its host sends less than for one clone, and each thing once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.git.repositories import git, with_history
from tests.git.smart import Host
from tests.hosts.authority import Company
from tests.hosts.tables import hosts
from tests.world import Gateway, World

NAME = "git.corp.example"
MODULE = f"{NAME}/team/m.git"
TAGS, WANTED = 300, 50


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def host(tmp_path: Path, company: Company) -> Iterator[Host]:
    with_history(tmp_path / "repositories/team/m.git", MODULE, TAGS)
    with Host(tmp_path / "repositories", company.tls(NAME)) as serving:
        yield serving


@pytest.fixture
def gateway(world: World, host: Host, company: Company) -> Gateway:
    table = {"match": NAME, "proxy": world.way_out(names={NAME: host.port}).url, "ca": company.ca}
    # Who asks for one version after the other looks at the tags once.
    return world.gateway("direct", config=hosts(world, table), git={"private_hosts": NAME, "refs_age": "1h"})


def test_fifty_of_three_hundred_versions_cost_less_than_one_clone(
    gateway: Gateway, host: Host, company: Company, tmp_path: Path
) -> None:
    wanted = [f"v1.{number}.0" for number in range(0, TAGS, TAGS // WANTED)]
    with ThreadPoolExecutor(4) as clients:
        zips = clients.map(lambda version: gateway.get(f"{MODULE}/@v/{version}.zip").status, wanted)
        assert list(zips) == [200] * WANTED
    sent, asked = host.sent, len(host.requests)
    for version in wanted:
        assert gateway.get(f"{MODULE}/@v/{version}.info").json()["Version"] == version
        assert gateway.get(f"{MODULE}/@v/{version}.mod").status == 200
    assert len(host.requests) == asked
    assert sum("info/refs" in request and "?" in request for request in host.requests) <= 2 * WANTED + 5
    assert len(list((gateway.data / "git").rglob("*.git"))) == 1
    host.sent = 0
    options = ["-c", "http.sslVerify=false", "clone", "-q", "--mirror"]
    git(tmp_path, *options, f"https://127.0.0.1:{host.port}/team/m.git", str(tmp_path / "clone"))
    assert sent < host.sent
