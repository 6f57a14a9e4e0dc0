"""What an upstream says of a version is handed on unchanged, unless it cannot be true (protocol.md §1.3)."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from tests.protocol.asking import expect_error
from tests.world import Gateway, Module, Upstream, faults


def path_of(text: str | bytes) -> str:
    """A module path that only this case asks about."""
    data = text.encode() if isinstance(text, str) else text
    return f"example.com/info/m{sha256(data).hexdigest()[:12]}"


@pytest.mark.parametrize(
    "info",
    [
        '{"Version":"v1.0.0"}',
        '{"Version":"v1.0.0","Time":null}',
        '{"Version":"v1.0.0","Time":"2019-10-11T12:13:14.123456789+05:30"}\n',
        '{ "Time" : "2019-10-11T12:13:14Z" ,\n\t"Version":"v1.0.0", "Name":"abc", "Short":"abc"}',
        '{"Version":"v1.0.0","Time":"2024-02-29T00:00:00Z","Origin":{"VCS":"git","Ref":"refs/tags/v1.0.0"}}',
        '{"version":"v1.0.0"}',
    ],
)
def test_the_bytes_of_an_info_are_the_upstreams(gateway: Gateway, upstream: Upstream, info: str) -> None:
    module = Module(path_of(info), "v1.0.0", info=info.encode())
    upstream.publishes(module)
    for _ in range(2):
        assert gateway.get(f"{module.name}.info").body == info.encode()
    assert gateway.get(f"{module.path}/@latest").body == info.encode()


@pytest.mark.parametrize(
    "info",
    [
        "",
        "<html></html>",
        '"v1.0.0"',
        "[]",
        "null",
        "{}",
        '{"Version":""}',
        '{"Version":1}',
        '{"Version":"v1.0"}',
        '{"Version":"v1.0.1"}',
        '{"Version":"v1.0.0+meta"}',
        '{"Version":"v1.0.0","Time":"yesterday"}',
        '{"Version":"v1.0.0","Time":"2023-02-29T00:00:00Z"}',
        '{"Version":"v1.0.0","Time":"2019-10-11 12:13:14"}',
        '{"Version":"v1.0.0","Time":1570000000}',
        '{"Version":"v1.0.0"',
        '{"Version":"v1.0.0"} x',
    ],
)
def test_an_info_that_cannot_be_true_is_refused(gateway: Gateway, upstream: Upstream, info: str) -> None:
    module = Module(path_of(info), "v1.0.0", info=info.encode())
    upstream.publishes(module)
    expect_error(gateway.get(f"{module.name}.info"), 502, f"corrupt: {module} info: ")


def test_another_version_comes_back_for_one_that_does_not_fit_the_path(gateway: Gateway, upstream: Upstream) -> None:
    for number, told in enumerate(["v2.0.0+incompatible", "v0.0.0-20200101000000-abcdef123456"]):
        path = f"example.com/misfit{number}"
        upstream.publishes(Module(path, told))
        upstream.branch(path, "v2.0.0", told)
        assert gateway.get(f"{path}/@v/v2.0.0.info").json()["Version"] == told


@pytest.mark.parametrize("query", ["main", "e7a685a342", "v1", "v1.0", "v1.0.0+meta", "Tag_1", "release-1.x"])
def test_a_query_is_answered_with_the_version_that_it_names(gateway: Gateway, upstream: Upstream, query: str) -> None:
    module = Module(path_of(query), "v1.0.0")
    upstream.publishes(module)
    upstream.branch(module.path, query, "v1.0.0")
    escaped = query.replace("T", "!t")
    for _ in range(2):
        answer = gateway.get(f"{module.path}/@v/{escaped}.info")
        assert (answer.status, answer.body) == (200, module.info_bytes)
        assert answer.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("query", ["latest", "upgrade", "patch", "list"])
def test_queries_that_clients_resolve_themselves_have_no_answer(
    gateway: Gateway, upstream: Upstream, query: str
) -> None:
    module = Module(path_of(query), "v1.0.0")
    upstream.publishes(module)
    upstream.branch(module.path, query, "v1.0.0")
    before = upstream.asked
    for extension in ("info", "mod", "zip"):
        expect_error(gateway.get(f"{module.path}/@v/{query}.{extension}"), 404, "not found: ")
    assert upstream.asked == before


@pytest.mark.parametrize(
    "go_mod",
    [
        "module example.com/somebody/else\n",
        "module example.com/fork/v3 // a fork\r\n\r\nrequire (\r\n)\r\n",
        "go 1.21\n",
        "// only a comment",
        "module \x22example.com/quoted\x22\n",
        "module m\n// Käse 日本\n",
        "\n\n\tmodule  m",
    ],
)
def test_a_mod_is_never_judged_by_its_module_line(gateway: Gateway, upstream: Upstream, go_mod: str) -> None:
    module = Module(path_of(go_mod), "v1.0.0", go_mod=go_mod)
    upstream.publishes(module)
    for _ in range(2):
        assert gateway.get(f"{module.name}.mod").body == go_mod.encode()


@pytest.mark.parametrize(
    "content",
    [
        faults.LOGIN_PAGE,
        b"\n <!doctype html><html></html>",
        b"PK\x03\x04\x14\x00\x08\x00",
        b"\x7fELF\x02\x01\x01",
        b"\xff\xfe\x00m",
        b'{"message": "login required"}',
    ],
)
def test_a_page_or_binary_data_is_no_mod(gateway: Gateway, upstream: Upstream, content: bytes) -> None:
    module = Module(path_of(content), "v1.0.0")
    upstream.publishes(module)
    upstream.misbehaves(faults.body(content), on=f"{module.name}.mod", times=1)
    expect_error(gateway.get(f"{module.name}.mod"), 502, f"corrupt: {module} mod: ")


def test_a_large_info_is_refused_and_a_large_mod_served(gateway: Gateway, upstream: Upstream) -> None:
    padded = json.dumps({"Version": "v1.0.0", "Padding": "x" * (1 << 20)}).encode()
    large = Module("example.com/large", "v1.0.0", info=padded, go_mod="module m\n" + "// x\n" * 500_000)
    upstream.publishes(large)
    expect_error(gateway.get(f"{large.name}.info"), 502, "unavailable: ")
    assert gateway.get(f"{large.name}.mod").body == large.mod_bytes
