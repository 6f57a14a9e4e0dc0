"""A go command builds with a private module that only the gateway has the credentials, the proxy and the trust for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modgate.net.credentials import basic
from tests.git.forge import tree
from tests.git.repositories import Repo
from tests.git.smart import Host
from tests.hosts.authority import Company
from tests.hosts.tables import hosts
from tests.world import World

NAME = "git.corp.example"
MODULE = f"{NAME}/team/m.git"


@pytest.mark.parametrize("kind", ["http", "socks5"])
def test_go_builds_with_a_private_module(world: World, tmp_path: Path, kind: str) -> None:
    repo = Repo(tmp_path / "repositories/team/m.git")
    repo.commit({**tree("m"), "go.mod": f"module {MODULE}\n\ngo 1.21\n"}, "v1.0.0")
    repo.save()
    company = Company(tmp_path)
    (tmp_path / "token").write_text("s3cr3t\n", encoding="utf-8")
    with Host(tmp_path / "repositories", company.tls(NAME)) as host:
        host.wants = basic("x-access-token", "s3cr3t")
        proxy = world.way_out(kind, names={NAME: host.port}, user="robot:pr0xy")  # type: ignore[arg-type]  # one of two
        tables: list[dict[str, Any]] = [
            {"match": f"{NAME}/team", "token": f"file:{tmp_path / 'token'}"},
            {"match": "*.corp.example", "ca": company.ca, "proxy": proxy.url},
        ]
        # No resolver knows the name: the proxy does.
        gateway = world.gateway("direct", config=hosts(world, *tables), private=NAME, git={"private_hosts": NAME})
        go = world.go(gateway)
        main = f'package main\n\nimport _ "{MODULE}"\n\nfunc main() {{}}\n'
        project = go.project("main", {"go.mod": "module main\n\ngo 1.21\n", "main.go": main})
        go.run("get", f"{MODULE}@v1.0.0", cwd=project)
        go.run("build", "./...", cwd=project)
    assert set(proxy.asked) == {f"{NAME}:443"}
    sent = list(zip(host.requests, host.authorizations, strict=True))
    assert {shown for path, shown in sent if path.startswith("/team")} == {host.wants}
    assert {shown for path, shown in sent if not path.startswith("/team")} <= {""}
    told = gateway.log_text() + (gateway.home / "access.log").read_text(encoding="utf-8")
    assert "s3cr3t" not in told and "pr0xy" not in told and host.wants.split()[1] not in told
