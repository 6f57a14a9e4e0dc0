"""A list tells each version that a client may choose, once and in order, and nothing else (protocol.md §2.4)."""

from __future__ import annotations

import pytest

from tests.protocol.asking import expect_error
from tests.world import Gateway, Module, Upstream, faults

PSEUDO = "v0.0.0-20200101000000-abcdef123456"


@pytest.mark.parametrize(
    ("path", "told", "served"),
    [
        ("sorted", "v1.10.0\nv1.9.0\nv1.9.0-rc.2\nv1.9.0-rc.10\n", "v1.9.0-rc.2\nv1.9.0-rc.10\nv1.9.0\nv1.10.0\n"),
        ("twice", "v1.0.0\nv1.0.0\nv1.0.0\n", "v1.0.0\n"),
        ("pseudo", f"v1.0.0\n{PSEUDO}\nv1.0.1-0.20200101000000-abcdef123456\n", "v1.0.0\n"),
        ("pre", "v1.0.1-pre.0.20200101000000-abcdef123456\nv1.0.1-pre\n", "v1.0.1-pre\n"),
        ("nearly-pseudo", "v1.2.3-20190508235803-abcdef123456\n", "v1.2.3-20190508235803-abcdef123456\n"),
        ("junk", "# versions\n\nv1.0.0\n<br>\nlatest\nv1\nv1.2\n1.0.0\nv1.0.0.0\nv01.0.0\n", "v1.0.0\n"),
        ("times", "v1.0.0 2020-01-01T00:00:00Z\nv1.1.0\t2020-01-01T00:00:00Z x\n", "v1.0.0\nv1.1.0\n"),
        ("returns", "v1.0.0\r\nv1.1.0\r\n", "v1.0.0\nv1.1.0\n"),
        ("no-end", "v1.1.0\nv1.0.0", "v1.0.0\nv1.1.0\n"),
        ("meta", "v1.0.0+meta\nv1.0.0\n", "v1.0.0\n"),
        ("major", "v0.1.0\nv1.0.0\nv2.0.0\nv2.0.0+incompatible\n", "v0.1.0\nv1.0.0\nv2.0.0+incompatible\n"),
        ("major/v2", "v1.0.0\nv2.0.0\nv3.0.0\n", "v2.0.0\n"),
        ("only-pseudo", f"{PSEUDO}\n", ""),
        ("only-foreign", "v2.0.0\n", ""),
        ("empty", "", ""),
        ("blank", "\n \n\t\n", ""),
        ("large", f"v1.0.0\nv1.{10**30}.0\nv1.{10**29}.0\n", f"v1.0.0\nv1.{10**29}.0\nv1.{10**30}.0\n"),
    ],
)
def test_a_list_is_cleaned(gateway: Gateway, upstream: Upstream, path: str, told: str, served: str) -> None:
    upstream.lists(f"example.com/list/{path}", told)
    for _ in range(2):
        answer = gateway.get(f"example.com/list/{path}/@v/list")
        assert (answer.status, answer.text) == (200, served)


def test_versions_of_the_toolchain_are_listed_all(gateway: Gateway, upstream: Upstream) -> None:
    told = [f"v0.0.1-go1.{minor}.{patch}.linux-amd64" for minor in (21, 9) for patch in (10, 2)]
    upstream.lists("golang.org/toolchain", "\n".join(told))
    served = gateway.get("golang.org/toolchain/@v/list").text.split()
    assert sorted(served) == sorted(told)


def test_retracted_versions_stay(gateway: Gateway, upstream: Upstream) -> None:
    last = Module("example.com/retracting", "v1.1.0", go_mod="module example.com/retracting\nretract v1.0.0\n")
    upstream.publishes(Module("example.com/retracting", "v1.0.0"), last)
    gateway.get(f"{last.name}.mod")
    assert gateway.get("example.com/retracting/@v/list").text == "v1.0.0\nv1.1.0\n"


def test_a_module_without_versions_is_an_empty_list_and_has_a_latest(gateway: Gateway, upstream: Upstream) -> None:
    upstream.publishes(Module("example.com/tagless", PSEUDO))
    for _ in range(2):
        answer = gateway.get("example.com/tagless/@v/list")
        assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")
        assert gateway.get("example.com/tagless/@latest").json()["Version"] == PSEUDO


def test_a_path_that_is_no_module_is_not_found(gateway: Gateway, upstream: Upstream) -> None:
    for _ in range(2):
        expect_error(gateway.get("example.com/no/module/@v/list"), 404)
        expect_error(gateway.get("example.com/no/module/@latest"), 404)
    assert upstream.asked_for("example.com/no/module/@v/list") == 1  # most paths that go asks for are none


@pytest.mark.parametrize(
    "body",
    [
        faults.LOGIN_PAGE,
        b'{"versions": ["v1.0.0"]}',
        b"404 page not found",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
        b"\x00" * 100,
    ],
)
def test_what_is_no_list_is_not_taken_for_a_module_without_versions(
    gateway: Gateway, upstream: Upstream, body: bytes
) -> None:
    path = f"example.com/no/list{abs(hash(body))}"
    upstream.lists(path, "v1.0.0\n")
    upstream.misbehaves(faults.body(body), on=f"{path}/@v/list", times=1)
    expect_error(gateway.get(f"{path}/@v/list"), 502, "corrupt: ")
    assert gateway.get(f"{path}/@v/list").text == "v1.0.0\n"


def test_a_long_list_is_served_whole(gateway: Gateway, upstream: Upstream) -> None:
    versions = [f"v1.{minor}.{patch}" for minor in range(100) for patch in range(200)]
    upstream.lists("example.com/long", "\n".join(reversed(versions)))
    for _ in range(2):
        assert gateway.get("example.com/long/@v/list").text.split() == versions
