"""What makes no sense in `[[host]]` is told by its setting, before anything is asked, and without its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modgate.settings.hostfiles import host_problems
from modgate.settings.load import Examined, Sources, examine
from tests.hosts.authority import Company
from tests.hosts.tables import hosts
from tests.world import World

APP = {"id": 1, "installation": 2, "key": "file:/k"}


def examined(
    world: World, *tables: Mapping[str, Any], environ: Mapping[str, str] | None = None, mode: int = 0o600
) -> Examined:
    flags = {"upstream": "off", "checksum": "off", "data": str(world.home)}
    return examine(Sources(flags, environ or {}, hosts(world, *tables, mode=mode), go_env=lambda _: {}))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, "host[1].match: is missing"),
        ({"match": ""}, "host[1].match: '' is no place"),
        ({"match": "https://u@a.example"}, "host[1].match: 'https://u@a.example' is no place"),
        ({"match": "a.example", "pasword": "x"}, "host[1].pasword: there is no such setting; did you mean"),
        ({"match": "a.example", "password": 12345}, "host[1].password: it is not of its type; give a text"),
        ({"match": "a.example", "token": ["s3cr3t"]}, "host[1].token: it is not of its type; give a text"),
        ({"match": "a.example", "username": "u"}, "host[1].username: has no password"),
        ({"match": "a.example", "username": "a:b", "token": "x"}, "host[1].username: has a colon in it"),
        ({"match": "a.example", "password": "s3cr3t"}, "host[1].password: has no user name"),
        ({"match": "a.example", "token": "s3cr3t", "github_app": APP}, "host[1]: token and github_app are both there"),
        ({"match": "a.example", "token": "env:"}, "host[1].token: nothing stands behind env:; write env:NAME"),
        ({"match": "a.example", "token": "command:a 's3cr3t"}, "host[1].token: a quote of the command has no other"),
        ({"match": "a.example", "github_app": {"id": 1}}, "host[1].github_app.installation: is missing"),
        ({"match": "a.example", "github_app": {**APP, "key": "env:"}}, "host[1].github_app.key: nothing stands behind"),
        (
            {"match": "a.example", "github_app": {**APP, "api": "http://a.example"}},
            "host[1].github_app.api: is no https",
        ),
        ({"match": "a.example", "client_key": "/k"}, "host[1].client_key: has no certificate"),
        ({"match": "a.example", "proxy": "https://u:s3cr3t@p"}, "host[1].proxy: the scheme https is not one of http,"),
        ({"match": "a.example", "proxy": ["direct", "x:y"]}, "host[1].proxy: its address or port cannot be read"),
    ],
)
def test_a_table_that_makes_no_sense(world: World, table: Mapping[str, Any], problem: str) -> None:
    told = [str(one) for one in examined(world, table).problems]
    assert any(one.startswith(problem) for one in told), told
    assert "s3cr3t" not in str(told) and "12345" not in str(told)


def test_one_place_has_one_table(world: World) -> None:
    (problem,) = examined(world, {"match": "a.example/x"}, {"match": "A.example/x/"}).problems
    assert str(problem).startswith("host[2].match: is that of host[1] too")


def test_a_good_table_is_read_with_its_numbers(world: World) -> None:
    table = {"match": "a.example", "github_app": APP, "proxy": "direct", "ca": "/c"}
    loaded = examined(world, {"match": "*.example"}, table).loaded
    assert loaded is not None
    first, second = loaded.meaning.outside
    assert (first.setting, second.setting, str(second.place)) == ("host[1]", "host[2]", "a.example")
    app = second.host.github_app
    assert app is not None and app.api == "https://api.github.com" and app.installation == 2


def test_secrets_are_in_no_repr(world: World) -> None:
    tables: list[dict[str, Any]] = [
        {"match": "a.example", "username": "u", "password": "s3cr3t"},
        {"match": "b.example", "token": "s3cr3t", "proxy": "http://u:s3cr3t@p.example"},
        {"match": "c.example", "github_app": {**APP, "key": "s3cr3t"}},
    ]
    assert "s3cr3t" not in repr(examined(world, *tables))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_with_secrets_that_everybody_can_read_is_warned_of(world: World, mode: int, warned: bool) -> None:
    tables = [{"match": "a.example", "token": "s3cr3t"}, {"match": "b.example", "token": "file:/x"}]
    loaded = examined(world, *tables, mode=mode).loaded
    assert loaded is not None
    told = [one for one in loaded.warnings if "chmod 600" in one]
    assert len(told) == warned
    assert not told or ("host[1].token" in told[0] and "host[2]" not in told[0] and "s3cr3t" not in told[0])


def test_a_proxy_of_the_environment_that_cannot_be_used_is_told_of(world: World) -> None:
    (problem,) = examined(world, environ={"HTTPS_PROXY": "https://u:s3cr3t@p.example"}).problems
    assert str(problem).startswith("HTTPS_PROXY: names no proxy: the scheme https") and "s3cr3t" not in str(problem)


def test_files_that_cannot_be_used_are_told_of(world: World, tmp_path: Path) -> None:
    company, text = Company(tmp_path), tmp_path / "text"
    text.write_text("machine", encoding="utf-8")
    certificate, key = company.identity()
    other, _ = company.identity("other")
    tables: list[dict[str, Any]] = [
        {"match": "a.example", "ca": "/no/ca", "ssh_key": "/no/key", "known_hosts": "/no/hosts"},
        {"match": "b.example", "ca": text},
        {"match": "c.example", "client_cert": other, "client_key": key},
        {"match": "d.example", "client_cert": certificate, "client_key": key, "ca": company.ca},
    ]
    loaded = examined(world, *tables, environ={"MODGATE_NETRC": str(text)}).loaded
    assert loaded is not None
    assert [problem.field for problem in host_problems(loaded.settings)] == [
        "netrc",
        "host[1].ssh_key",
        "host[1].known_hosts",
        "host[1].ca",
        "host[2].ca",
        "host[3].client_cert, host[3].client_key",
    ]
