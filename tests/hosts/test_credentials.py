"""A host is shown the credentials that the settings have for it: there, below their prefix, and nowhere else."""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from modgate.errors import Unavailable
from modgate.net.credentials import Form
from tests.hosts.tables import asked, asks, hosts, outward
from tests.world import Module, Request, Upstream, World, faults, get
from tests.world.delivery import Delivery, text
from tests.world.server import Server

MODULE = Module("example.com/m", "v1.0.0")
FILE = f"{MODULE.name}.mod"
HERE = "127.0.0.1"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


def shown(server: Server) -> list[str]:
    """The Authorization header of each request; "" where there is none."""
    return [request.headers.get("authorization", "") for request in server.requests]


@pytest.mark.parametrize(
    ("table", "plain", "git"),
    [
        ({}, "", ""),
        ({"username": "svc", "password": "p:w"}, basic("svc", "p:w"), basic("svc", "p:w")),
        ({"token": "t0ken"}, "Bearer t0ken", basic("x-access-token", "t0ken")),
        ({"token": "t0ken", "username": "oauth2"}, "Bearer t0ken", basic("oauth2", "t0ken")),
    ],
)
async def test_the_form_of_each_kind(
    world: World, upstream: Upstream, table: Mapping[str, str], plain: str, git: str
) -> None:
    async with outward(world, {"match": HERE, **table}) as opened:
        await asked(opened.client(), f"{upstream.url}/{FILE}")
        await asked(opened.client(form=Form.GIT), f"{upstream.url}/{FILE}")
    assert shown(upstream) == [plain, git]


async def test_secrets_come_from_files_variables_and_commands(
    world: World, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UPSTREAM_TOKEN", "from-env")
    file = tmp_path / "token"
    file.write_text("from-file\n", encoding="utf-8")
    for source in ("env:UPSTREAM_TOKEN", f"file:{file}", f"command:{sys.executable} -c 'print(\"from-command\")'"):
        await asks(world, f"{upstream.url}/{FILE}", {"match": HERE, "token": source})
    assert shown(upstream) == ["Bearer from-env", "Bearer from-file", "Bearer from-command"]


async def test_a_rotated_secret_is_used_without_a_restart(world: World, upstream: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "token"
    async with outward(world, {"match": HERE, "token": f"file:{file}"}) as opened:
        client = opened.client()
        with pytest.raises(Unavailable, match=r"host\[1\]\.token"):
            await asked(client, f"{upstream.url}/{FILE}")
        for value in ("one", "two"):
            file.write_text(value, encoding="utf-8")
            await asked(client, f"{upstream.url}/{FILE}")
    assert shown(upstream) == ["Bearer one", "Bearer two"]


async def test_a_refused_secret_is_asked_for_once_more(
    world: World, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modgate.net.secret.RENEWAL", -1.0)
    count = tmp_path / "count"
    program = tmp_path / "program.py"
    program.write_text(f"f = open({str(count)!r}, 'a+'); f.write('.'); print('t%d' % f.tell())", encoding="utf-8")

    def wants(request: Request, given: Delivery) -> Delivery:
        return given if request.headers.get("authorization") == "Bearer t2" else text(401, "no")

    upstream.misbehaves(wants)
    async with outward(world, {"match": HERE, "token": f"command:{sys.executable} {program}"}) as opened:
        client = opened.client()
        response, body = await asked(client, f"{upstream.url}/{FILE}")
        assert (response.status, body) == (200, MODULE.mod_bytes)
        upstream.misbehaves(faults.status(401))
        assert (await asked(client, f"{upstream.url}/{FILE}"))[0].status == 401
    assert shown(upstream) == ["Bearer t1", "Bearer t2", "Bearer t2", "Bearer t3"]


@pytest.mark.parametrize(
    ("path", "token"),
    [("team/x", "Bearer inner"), ("team", "Bearer inner"), ("teams/x", "Bearer outer"), ("", "Bearer outer")],
)
async def test_the_longer_prefix_counts(world: World, upstream: Upstream, path: str, token: str) -> None:
    tables = [{"match": HERE, "token": "outer"}, {"match": f"{HERE}/team", "token": "inner"}]
    for order in (tables, tables[::-1]):
        await asks(world, f"{upstream.url}/{path}", *order)
    assert shown(upstream) == [token] * 2


async def test_what_the_longer_prefix_does_not_say_the_shorter_one_may(world: World, upstream: Upstream) -> None:
    proxy = world.way_out()
    tables = [{"match": f"{HERE}/example.com", "proxy": proxy.url}, {"match": HERE, "token": "t0ken"}]
    await asks(world, f"{upstream.url}/{FILE}", *tables)
    assert shown(upstream) == ["Bearer t0ken"] and proxy.asked


async def test_those_in_the_url_win(world: World, upstream: Upstream) -> None:
    url = upstream.url.replace("://", "://user:own@")
    await asks(world, f"{url}/{FILE}", {"match": HERE, "token": "t0ken"})
    assert shown(upstream) == [basic("user", "own")]


async def test_a_redirect_within_the_prefix_keeps_them(world: World, upstream: Upstream) -> None:
    upstream.misbehaves(faults.redirects(f"{upstream.url}/example.com/m/@v/v1.0.0.info"), on=FILE)
    status, body = await asks(world, f"{upstream.url}/{FILE}", {"match": f"{HERE}/example.com", "token": "t0ken"})
    assert (status, body) == (200, MODULE.info_bytes)
    assert shown(upstream) == ["Bearer t0ken"] * 2


@pytest.mark.parametrize("to", ["other", "example.com/../other", "example.com/%2e%2e/other", "example.community/x"])
async def test_a_redirect_out_of_the_prefix_loses_them(world: World, upstream: Upstream, to: str) -> None:
    upstream.misbehaves(faults.redirects(f"{upstream.url}/{to}"), on=FILE)
    await asks(world, f"{upstream.url}/{FILE}", {"match": f"{HERE}/example.com", "token": "t0ken"})
    assert shown(upstream) == ["Bearer t0ken", ""]


async def test_a_redirect_into_another_prefix_is_not_shown_what_is_for_that_one(
    world: World, upstream: Upstream
) -> None:
    upstream.misbehaves(faults.redirects(f"{upstream.url}/secret/x"), on=FILE)
    tables = [{"match": f"{HERE}/example.com", "token": "t0ken"}, {"match": f"{HERE}/secret", "token": "s3cr3t"}]
    await asks(world, f"{upstream.url}/{FILE}", *tables)
    await asks(world, f"{upstream.url}/{FILE}", tables[1])
    assert shown(upstream) == ["Bearer t0ken", "", "", ""]


async def test_an_upstream_cannot_make_us_show_what_is_for_another_host(world: World, upstream: Upstream) -> None:
    victim = world.upstream([MODULE])
    upstream.misbehaves(faults.redirects(f"{victim.url}/{{path}}"))
    tables = [{"match": f"{HERE}:{victim.port}", "token": "s3cr3t"}]
    assert (await asks(world, f"{upstream.url}/{FILE}", *tables))[0] == 200
    assert shown(victim) == [""]
    upstream.behaves()
    tables.append({"match": f"{HERE}:{upstream.port}", "token": "s3cr3t"})
    upstream.misbehaves(faults.redirects(f"{victim.url}/{{path}}"))
    await asks(world, f"{upstream.url}/{FILE}", *tables)
    assert shown(victim) == ["", ""]


async def test_a_netrc_file_is_for_hosts_that_have_nothing_else(
    world: World, upstream: Upstream, tmp_path: Path
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login robot password p\ndefault login all password all\n", encoding="utf-8")
    localhost = upstream.url.replace(HERE, "localhost")
    async with outward(world, {"match": f"{HERE}/other", "token": "t0ken"}, top=f"netrc = '{file}'") as opened:
        client = opened.client()
        for url in (f"{upstream.url}/{FILE}", f"{upstream.url}/other", f"{localhost}/{FILE}"):
            await asked(client, url)
        file.write_text("machine 127.0.0.1 login robot password new\n", encoding="utf-8")
        await asked(client, f"{upstream.url}/{FILE}")
        assert opened.rules.right("http://other.example/x") is None
    assert shown(upstream) == [basic("robot", "p"), "Bearer t0ken", "", basic("robot", "new")]


async def test_credentials_go_by_https_alone_unless_somebody_wrote_http(world: World) -> None:
    tables = [{"match": "a.example", "token": "x"}, {"match": "http://b.example", "token": "x"}]
    async with outward(world, *tables) as opened:
        urls = ["https://a.example/x", "http://a.example/x", "http://b.example/x", "https://b.example/x"]
        assert [opened.rules.right(url) is not None for url in urls] == [True, False, True, False]


class Github(Server):
    """The API that makes tokens."""

    def answer(self, request: Request) -> Delivery:
        if request.method != "POST" or request.target != "/api/v3/app/installations/7/access_tokens":
            return text(404, "no")
        made = {"token": f"ghs_{self.asked}", "expires_at": "2999-01-01T00:00:00Z"}
        return Delivery(201, json.dumps(made).encode(), {"Content-Type": "application/json"})


async def test_the_token_of_a_github_app_is_made_and_used(world: World, upstream: Upstream, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = tmp_path / "app.pem"
    made = rsa.generate_private_key(65537, 2048)
    key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    with Github() as api:
        app: dict[str, Any] = {"id": 3, "installation": 7, "key": f"file:{key}", "api": f"{api.url}/api/v3/"}
        async with outward(world, {"match": HERE, "github_app": app}) as opened:
            for form in (Form.PLAIN, Form.GIT, Form.PLAIN):
                await asked(opened.client(form=form), f"{upstream.url}/{FILE}")
        assert api.asked == 1
        assert api.requests[0].headers["authorization"].startswith("Bearer ey")
    assert shown(upstream) == ["Bearer ghs_1", basic("x-access-token", "ghs_1"), "Bearer ghs_1"]


@pytest.mark.workers(1, 2)
def test_a_gateway_uses_them_everywhere_and_shows_them_nowhere(world: World, tmp_path: Path) -> None:
    upstream = world.upstream([MODULE], database=world.database())
    file = tmp_path / "password"
    file.write_text("s3cr3t-file", encoding="utf-8")
    tables = [
        {"match": HERE, "username": "svc", "password": f"file:{file}"},
        {"match": "other.example", "token": "s3cr3t-token"},
    ]
    gateway = world.gateway(
        upstream, config=hosts(world, *tables), checksum_database=("sum.example.com",), log_level="debug"
    )
    texts = [gateway.get(f"{MODULE.name}.{kind}").text for kind in ("info", "mod")]
    gateway.get("sumdb/sum.example.com/latest")
    assert set(shown(upstream)) == {basic("svc", "s3cr3t-file")} and upstream.asked >= 3
    upstream.misbehaves(faults.status(401))
    texts.append(gateway.get("example.com/other/@v/list").text)
    file.unlink()
    answer = gateway.get("example.com/third/@v/list")
    assert answer.status == 503 and "host[1].password cannot be used" in answer.text
    texts += [answer.text, gateway.log_text(), get(f"{gateway.admin_url}/metrics").text]
    texts += [(gateway.home / "access.log").read_text(), get(f"{gateway.admin_url}/readyz").text]
    secrets = ("s3cr3t", basic("svc", "s3cr3t-file").split()[1])
    assert not [found for found in texts if any(secret in found for secret in secrets)]
