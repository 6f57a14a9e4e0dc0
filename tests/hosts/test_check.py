"""`modgate check --upstreams` asks each place that the settings name, and says of each what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modgate.gateway.reaching import HARMLESS
from tests.cli.command import run
from tests.hosts.authority import Company
from tests.hosts.tables import hosts
from tests.world import Module, World, faults

HERE = "127.0.0.1"
MODULE = Module("rsc.io/quote", "v1.0.0")


def check(
    world: World, upstream: str, *tables: Mapping[str, Any], flags: tuple[str, ...] = (), **environ: str
) -> tuple[int, list[str]]:
    """Exit code and lines, without their times."""
    given = ("--upstream", upstream, "--config", str(hosts(world, *tables)), "--data", str(world.home / "data"))
    off = () if "--checksum" in flags else ("--checksum", "off")
    databases = {} if "--checksum-database" in flags else {"MODGATE_CHECKSUM_DATABASE": " , "}
    done = run("check", "--upstreams", *given, *off, *flags, environ={**databases, **environ}, directory=world.home)
    assert not (world.home / "data").exists()
    assert "Traceback" not in done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    return done.returncode, [re.sub(r"\((\d+ ms)(, )?", r"(", line).replace(" ()", "") for line in lines]


def test_what_is_well_is_one_line_each_with_its_proxy(world: World) -> None:
    upstream, directory, proxy = world.upstream([MODULE]), world.home / "modules", world.way_out()
    directory.mkdir()
    table = {"match": HERE, "proxy": proxy.url.replace("://", "://robot:s3cr3t@"), "token": "s3cr3t"}
    code, lines = check(world, f"{upstream.url},file://{directory}", table)
    assert code == 0
    shown = [f"ok            upstream {upstream.url} (by {proxy.url})", f"ok            upstream file://{directory}"]
    assert lines[-2:] == shown
    assert "s3cr3t" not in "\n".join(lines)


def test_each_trouble_is_told_with_the_setting(world: World, tmp_path: Path) -> None:
    well, closed, strange, broken, gone = (
        world.upstream([MODULE]),
        world.upstream(),
        world.upstream(tls=Company(tmp_path).tls()),
        world.upstream(),
        world.upstream(),
    )
    closed.misbehaves(faults.status(401))
    broken.misbehaves(faults.status(503))
    gone.goes_down()
    upstreams = [well, closed, strange, broken, gone]
    chain = ",".join(one.url for one in upstreams) + ",file:///no/such/directory"
    code, lines = check(world, chain, {"match": f"{HERE}:{closed.port}", "token": "wr0ng"})
    assert code == 1
    expected = [
        rf"ok            upstream {well.url}",
        rf"not accepted  upstream {closed.url}: answered 401 to /{HARMLESS}: it does not accept the .* of host\[1\]",
        rf"not trusted   upstream {strange.url}: has a TLS certificate of '.*Corp Example Authority.*host\.ca",
        rf"in trouble    upstream {broken.url}: answered 503",
        rf"not reached   upstream {gone.url}: could not be reached \(connection refused\)",
        r"not reached   upstream file:///no/such/directory: is no directory that can be read",
    ]
    told = [line for line in lines if not line.startswith("warning")]
    assert len(told) == len(expected)
    for line, pattern in zip(told, expected, strict=True):
        assert re.fullmatch(pattern, line), line
    assert "wr0ng" not in "\n".join(lines)


def test_checksum_databases_are_asked_by_an_upstream_that_relays_them_or_themselves(world: World) -> None:
    database = world.database()
    relaying, server = (
        world.upstream([MODULE], database=database),
        world.database_server(world.database("other.example")),
    )
    flags = ("--checksum-database", "sum.example.com", "--checksum-database", f"other.example {server.url}")
    code, lines = check(world, relaying.url, flags=flags)
    assert code == 0
    assert f"ok            checksum database sum.example.com by {relaying.url}" in lines
    assert "ok            checksum database other.example" in lines


def test_hosts_that_are_no_upstreams_are_asked_too_and_wildcards_are_not(world: World, tmp_path: Path) -> None:
    company = Company(tmp_path)
    host = world.upstream(tls=company.tls())
    host.misbehaves(faults.status(403))
    tables: list[dict[str, Any]] = [
        {"match": f"{HERE}:{host.port}/team", "token": "t0ken", "ca": company.ca},
        {"match": "*.corp.example", "token": "t0ken"},
    ]
    code, lines = check(world, "off", *tables)
    url = f"https://{HERE}:{host.port}/team"
    told = [f"not accepted  git host {url}: answered 403: it does not accept the credentials of host[1]"]
    assert (code, lines) == (1, told)
    assert host.requests[0].target == "/team"


@pytest.mark.parametrize(
    ("status", "said", "line"),
    [
        (0, "Welcome", "ok            git host by ssh"),
        (1, "PTY allocation request failed", "ok            git host by ssh"),
        (255, "git@x: Permission denied (publickey).", "not accepted  git host by ssh"),
        (255, "Host key verification failed.", "not trusted   git host by ssh"),
        (255, "ssh: connect to host x port 22: Connection refused", "not reached   git host by ssh"),
    ],
)
def test_hosts_by_ssh_are_asked_by_ssh(world: World, tmp_path: Path, status: int, said: str, line: str) -> None:
    # In the place of ssh, a script that notes how it was called and says what the real one would.
    fake, key = tmp_path / "bin/ssh", tmp_path / "key"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/called\necho "{said}" >&2\nexit {status}\n')
    fake.chmod(0o755)
    key.write_text("")
    code, lines = check(world, "off", {"match": f"{HERE}:2222", "ssh_key": key}, PATH=f"{fake.parent}:/usr/bin:/bin")
    assert code == (0 if line.startswith("ok") else 1)
    assert len(lines) == 1 and lines[0].startswith(f"{line} ssh://git@{HERE}:2222")
    called = (tmp_path / "called").read_text().splitlines()
    assert {str(key), "2222", f"git@{HERE}", f"HostName={HERE}"} <= set(called)


def test_it_is_told_as_json_too(world: World) -> None:
    upstream = world.upstream([MODULE])
    upstream.goes_down()
    arguments = ("--upstream", upstream.url, "--checksum", "off", "--set", "deadlines.connect=1s")
    done = run("check", "--upstreams", "--json", *arguments, environ={"MODGATE_CHECKSUM_DATABASE": " , "})
    assert done.returncode == 1
    (told,) = json.loads(done.stdout)
    assert told.pop("seconds") >= 0
    assert told == {
        "what": "upstream",
        "name": upstream.url,
        "problem": "could not be reached (connection refused)",
        "reachable": False,
        "trusted": False,
        "accepted": False,
        "way": "direct",
    }


def test_wrong_settings_end_with_two(world: World) -> None:
    for table, problem in [
        ({"match": HERE, "ca": "/no/such/file"}, "host[1].ca: cannot read /no/such/file: No such file or directory"),
        ({"match": HERE, "proxy": "ftp://robot:s3cr3t@x"}, "host[1].proxy: the scheme ftp is not one of"),
        ({"match": HERE, "password": "s3cr3t"}, "host[1].password: has no user name"),
    ]:
        code, lines = check(world, "off", table)
        assert code == 2 and lines[0].startswith(f"modgate: {problem}")
        assert "s3cr3t" not in lines[0]
    assert run("check", "--json", "--upstream", "off").returncode == 2
