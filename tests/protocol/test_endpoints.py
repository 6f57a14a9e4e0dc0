"""The five questions of a go command are answered with what the upstream has, under the headers of the protocol."""

from __future__ import annotations

import hashlib
import json
from email.utils import parsedate_to_datetime
from time import time

import pytest

from tests.protocol.asking import kept, logged
from tests.world import Gateway, Module, Upstream

IMMUTABLE = "public, max-age=31536000, immutable"
MINUTE = "public, max-age=60"

KINDS = {
    "@v/list": ("text/plain; charset=utf-8", MINUTE),
    "@latest": ("application/json", MINUTE),
    "@v/main.info": ("application/json", MINUTE),
    "@v/v1.2.3.info": ("application/json", IMMUTABLE),
    "@v/v1.2.3.mod": ("text/plain; charset=utf-8", IMMUTABLE),
    "@v/v1.2.3.zip": ("application/zip", IMMUTABLE),
}
"""Media type and Cache-Control of each endpoint (protocol.md §1.1)."""


@pytest.fixture(scope="module")
def module(upstream: Upstream) -> Module:
    module = Module("github.com/BurntSushi/toml", "v1.2.3", payload=100_000, go_mod="module x\r\n\r\n// no end of line")
    upstream.publishes(module)
    upstream.branch(module.path, "main", module.version)
    return module


def bodies(module: Module) -> dict[str, bytes]:
    info = module.info_bytes
    return {
        "@v/list": b"v1.2.3\n",
        "@latest": info,
        "@v/main.info": info,
        "@v/v1.2.3.info": info,
        "@v/v1.2.3.mod": module.mod_bytes,
        "@v/v1.2.3.zip": module.zip_bytes,
    }


@pytest.mark.parametrize("name", list(KINDS))
def test_an_answer_is_the_upstreams_own_bytes_the_first_time_and_from_then_on(
    gateway: Gateway, upstream: Upstream, name: str
) -> None:
    module = Module(f"github.com/Fresh/m{list(KINDS).index(name)}", "v1.2.3", payload=100_000, go_mod="module x\r\n")
    upstream.publishes(module)
    upstream.branch(module.path, "main", module.version)
    target = module.name.partition("@v/")[0] + name
    answers = [gateway.get(target), kept(gateway, target), gateway.get(target), gateway.get(target, pragma="x")]
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.body for answer in answers] == [bodies(module)[name]] * 4
    assert [answer.cache for answer in answers] == ["miss", "hit", "hit", "hit"]
    assert upstream.asked_for(target) == 1


@pytest.mark.parametrize("kind", ["@v/list", "@v/v1.0.0.info", "@v/v1.0.0.mod"])
def test_whoever_asks_when_the_first_answer_has_come_has_a_hit(gateway: Gateway, upstream: Upstream, kind: str) -> None:
    for number in range(20):
        module = Module(f"example.com/second/{kind[-4:].strip('.')}{number}", "v1.0.0")
        upstream.publishes(module)
        assert [gateway.get(f"{module.path}/{kind}").cache for _ in range(2)] == ["miss", "hit"]


@pytest.mark.parametrize("name", list(KINDS))
def test_headers_say_what_it_is_how_long_it_holds_and_who_answered(gateway: Gateway, module: Module, name: str) -> None:
    media_type, cache_control = KINDS[name]
    target = f"github.com/!burnt!sushi/toml/{name}"
    for answer in (kept(gateway, target), gateway.get(target, pragma="x")):  # from memory, and the ordinary way
        assert answer.headers["content-type"] == media_type
        assert answer.headers["content-length"] == str(len(bodies(module)[name]))
        assert answer.headers["cache-control"] == cache_control
        assert answer.headers["etag"] == f'"{hashlib.sha256(answer.body).hexdigest()}"'
        assert answer.headers["x-cache"] == "hit"
        assert answer.headers["x-request-id"]
        assert abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - time()) < 10
        assert "content-encoding" not in answer.headers
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", [name for name, (_, control) in KINDS.items() if control == IMMUTABLE])
def test_an_artifact_says_when_it_came(gateway: Gateway, module: Module, name: str) -> None:
    target = f"github.com/!burnt!sushi/toml/{name}"
    modified = parsedate_to_datetime(kept(gateway, target).headers["last-modified"]).timestamp()
    assert abs(modified - time()) < 60


@pytest.mark.parametrize("name", list(KINDS))
def test_head_mirrors_get(gateway: Gateway, module: Module, name: str) -> None:
    target = f"github.com/!burnt!sushi/toml/{name}"
    got, head = kept(gateway, target), gateway.get(target, method="HEAD")
    changing = {"date", "x-request-id"}
    assert (head.status, head.body) == (200, b"")
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }


def test_info_mod_and_zip_are_independent(gateway: Gateway, upstream: Upstream) -> None:
    extensions = ("info", "mod", "zip")
    for number, only in enumerate(extensions):
        module = Module(f"example.com/only{number}", "v1.0.0")
        upstream.publishes(module)
        for extension in extensions:
            if extension != only:
                upstream.withdraws(f"{module.name}.{extension}")
        statuses = [gateway.get(f"{module.name}.{extension}").status for extension in extensions]
        assert statuses == [200 if extension == only else 404 for extension in extensions]


def test_only_what_was_asked_for_is_fetched(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/lazy", "v1.0.0")
    upstream.publishes(module)
    upstream.forgets()
    gateway.get(f"{module.name}.info")
    gateway.get(f"{module.name}.mod")
    gateway.get(f"{module.path}/@v/list")
    assert [request.path for request in upstream.requests] == [
        f"{module.name}.info",
        f"{module.name}.mod",
        f"{module.path}/@v/list",
    ]


@pytest.mark.parametrize(
    "version",
    [
        "v0.0.0-20200101000000-abcdef123456",
        "v1.2.4-0.20200101000000-abcdef123456",
        "v1.2.3-rc.1",
        "v1.2.3-RC1",
        "v2.0.0+incompatible",
        "v3.1.0-0.20200101000000-abcdef123456+incompatible",
    ],
)
def test_versions_of_every_form_are_served(gateway: Gateway, upstream: Upstream, version: str) -> None:
    module = Module(f"example.com/forms/{hashlib.sha256(version.encode()).hexdigest()[:8]}", version)
    upstream.publishes(module)
    assert gateway.get(f"{module.name}.info").json()["Version"] == version
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert gateway.get(f"{module.name}.zip").body == module.zip_bytes


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("gopkg.in/yaml.v2", "v2.4.0"),
        ("gopkg.in/yaml.v1", "v0.0.0-20140924161607-9f9df34309c0"),
        ("gopkg.in/yaml.v2-unstable", "v2.0.0-20160301204022-a83829b6f129"),
        ("example.com/multi/v2", "v2.0.0"),
        ("example.com/x..y/z", "v1.0.0"),
        ("golang.org/toolchain", "v0.0.1-go1.22.0.linux-amd64"),
        ("example.com/a-b_c~d/E", "v1.0.0"),
        ("UPPER.example.com".lower() + "/A/B/C", "v1.0.0"),
    ],
)
def test_paths_of_every_form_are_served(gateway: Gateway, upstream: Upstream, path: str, version: str) -> None:
    module = Module(path, version)
    upstream.publishes(module)
    assert gateway.get(f"{module.name}.info").status == 200
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert gateway.get(f"{module.name}.zip").body == module.zip_bytes


def test_every_request_has_one_line_in_the_access_log(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/logged/Upper", "v1.0.0")
    upstream.publishes(module)
    answers = [gateway.get(f"{module.name}.mod"), kept(gateway, f"{module.name}.mod")]
    answers.append(gateway.get(f"{module.path.lower()}x/@v/list", method="HEAD"))
    first, second, third = logged(gateway, *answers)
    fields = "time request_id method target module_path version kind user_id status_code bytes_sent request_time"
    assert set(first) == set(second) == {*fields.split(), "cache", "upstream_name", "client_ip"}
    assert first["target"] == second["target"] == f"/{module.name}.mod"
    assert (first["module_path"], first["version"], first["kind"]) == (module.path, "v1.0.0", "mod")
    assert (first["cache"], first["upstream_name"]) == ("miss", upstream.url)
    assert (second["cache"], second["upstream_name"]) == ("hit", "")
    assert first["bytes_sent"] == second["bytes_sent"] == len(module.mod_bytes)
    assert (third["method"], third["status_code"], third["kind"]) == ("HEAD", 404, "list")
    assert third["client_ip"] == "127.0.0.1"
    assert json.dumps(first)
