"""Whoever gets no answer is told what was asked of whom, what came back, and what to do (protocol.md §1.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.protocol.asking import expect_error
from tests.world import Gateway, Module, Upstream, World, faults
from tests.world.delivery import Delivery

WORDS = 'not found: module example.com/m: no matching versions for query "v9"\nserver response:\n\tsee /docs'


def test_absence_is_told_in_the_upstreams_own_words(gateway: Gateway, upstream: Upstream) -> None:
    for kind, status in (("info", 404), ("mod", 410), ("zip", 404), ("list", 410)):
        target = f"example.com/words/{kind}/@v/" + ("list" if kind == "list" else f"v1.0.0.{kind}")
        upstream.misbehaves(faults.status(status, WORDS), on=f"example.com/words/{kind}/*")
        for _ in range(2):
            answer = gateway.get(target)
            assert (answer.status, answer.text) == (404, WORDS)
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("words", "media_type"),
    [
        (b"<html><body>Not Found</body></html>", "text/html"),
        (b"<html><body>Not Found</body></html>", ""),
        (b"\x1b[31mnot found\x1b[0m", "text/plain"),
        (b"not\x00found", "text/plain"),
        (b"nicht gefunden: K\xe4se", "text/plain; charset=iso-8859-1"),
        (b"\xff\xfe", "text/plain; charset=utf-8"),
        (b"", "text/plain"),
        (b" \n\n", "text/plain"),
        (b'{"error": "not found"}', "application/json"),
    ],
)
def test_words_that_the_go_command_would_not_show_are_replaced(
    gateway: Gateway, upstream: Upstream, words: bytes, media_type: str
) -> None:
    path = f"example.com/replaced/m{abs(hash((words, media_type)))}"
    headers = {"Content-Type": media_type} if media_type else {}
    upstream.misbehaves(lambda _, __: Delivery(404, words, headers), on=f"{path}/*")
    answer = gateway.get(f"{path}/@v/v1.0.0.info")
    expect_error(answer, 404, f"not found: {path}@v1.0.0 info: {upstream.url}: answered 404")


def test_words_of_another_system_are_told_with_our_ends_of_lines(gateway: Gateway, upstream: Upstream) -> None:
    upstream.misbehaves(faults.status(404, "\r\nno such module\r\nask the team\r\n"), on="example.com/windows/*")
    assert gateway.get("example.com/windows/@latest").text == "no such module\nask the team\n"


def test_words_that_never_end_do_not_hold_up_what_the_status_says(gateway: Gateway, upstream: Upstream) -> None:
    words = faults.body(b"not found, for th", media_type="text/plain")
    gate = upstream.pauses(after=9, on="example.com/hanging/*")
    upstream.misbehaves(
        lambda asked, given: replace(words(asked, given), status=404, pause=(9, gate)), on="example.com/hanging/*"
    )
    for name in ("list", "v1.0.0.zip"):
        expect_error(gateway.get(f"example.com/hanging/@v/{name}"), 404, "not found: example.com/hanging")


def test_words_without_end_are_cut(gateway: Gateway, upstream: Upstream) -> None:
    for number, words in enumerate(["x" * 100_000, "line\n" * 1000, "日本" * 1000]):
        upstream.misbehaves(faults.status(404, words), on=f"example.com/endless{number}/*")
        expect_error(gateway.get(f"example.com/endless{number}/@latest"), 404)


@pytest.mark.parametrize("status", [403, 451])
def test_a_refusal_keeps_its_status_and_stops_the_client(gateway: Gateway, upstream: Upstream, status: int) -> None:
    path = f"example.com/refused{status}"
    upstream.misbehaves(faults.status(status, "blocked by policy: see https://wiki.corp.example/x"), on=f"{path}/*")
    for _ in range(2):
        answer = gateway.get(f"{path}/@v/v1.0.0.zip")
        assert (answer.status, answer.text) == (status, "blocked by policy: see https://wiki.corp.example/x")
    upstream.misbehaves(faults.status_page(status), on=f"{path}/*")
    expect_error(
        gateway.get(f"{path}/@v/v1.0.0.mod"), status, f"refused: {path}@v1.0.0 mod: {upstream.url}: answered {status}"
    )
    assert upstream.asked_for(f"{path}/@v/v1.0.0.zip") == 2  # what somebody may not have now, he may have later


@pytest.mark.parametrize("status", [401, 407])
def test_credentials_of_the_gateway_that_are_refused_are_no_question_to_the_client(
    gateway: Gateway, upstream: Upstream, status: int
) -> None:
    path = f"example.com/credentials{status}"
    upstream.misbehaves(faults.status(status, "who are you?"), on=f"{path}/*")
    answer = gateway.get(f"{path}/@latest")
    expect_error(answer, 502, f"unavailable: {path} latest: {upstream.url}: answered {status}")
    assert "www-authenticate" not in answer.headers
    assert "upstream_refused_us" in gateway.log_text()


def test_trouble_says_what_came_back_and_what_to_do(gateway: Gateway, upstream: Upstream) -> None:
    upstream.misbehaves(faults.status_page(500), on="example.com/trouble/*")
    answer = gateway.get("example.com/trouble/@v/v1.2.3.info")
    assert answer.text == (
        f"unavailable: example.com/trouble@v1.2.3 info: {upstream.url}: answered 500\n"
        "This says nothing about whether it exists; try again in 1 s.\n"
    )
    expect_error(answer, 502)
    assert answer.headers["retry-after"] == "1"


def test_corruption_names_the_request_for_the_operator(gateway: Gateway, upstream: Upstream) -> None:
    upstream.publishes(Module("example.com/corrupt", "v1.0.0", info=b"no json"))
    answer = gateway.get("example.com/corrupt/@v/v1.0.0.info")
    expect_error(answer, 502, f"corrupt: example.com/corrupt@v1.0.0 info: {upstream.url}: sent what is no info: ")
    assert answer.headers["x-request-id"] in answer.text


def test_texts_hold_no_path_of_the_server(world: World) -> None:
    tree = world.place("tree")
    tree.mkdir()
    (tree / "example.com/m/@v/v1.0.0.info").mkdir(parents=True)
    gateway = world.gateway(f"file://{tree}")
    for name in ("list", "v1.0.0.info", "v1.0.0.mod", "v1.0.0.zip"):
        answer = gateway.get(f"example.com/m/@v/{name}")
        expect_error(answer, 404, "not found: ")
        assert str(world.home) not in answer.text
    (tree / "example.com/m/@v/v1.1.0.mod").write_bytes(b"\x00\x01")
    answer = gateway.get("example.com/m/@v/v1.1.0.mod")
    expect_error(answer, 502, "corrupt: ")
    assert str(world.home) not in answer.text


def test_names_that_are_long_leave_room_for_the_rest(gateway: Gateway, upstream: Upstream) -> None:
    path = "example.com/" + "/".join(["abcdefgh"] * 200)
    upstream.misbehaves(faults.status(500), on="example.com/abcdefgh/*")
    answer = gateway.get(f"{path}/@v/v1.0.0.info")
    expect_error(answer, 502, "unavailable: example.com/abcdefgh/")
    assert "answered 500" in answer.text
    assert "try again" in answer.text


def test_off_says_that_it_is_off(world: World) -> None:
    gateway = world.gateway("off")
    for target in ("example.com/m/@v/list", "example.com/m/@latest", "example.com/m/@v/v1.0.0.zip"):
        expect_error(gateway.get(target), 404, "not found: example.com/m")
    assert "`off`" in gateway.get("example.com/m/@v/list").text


def test_head_of_an_error_has_its_headers_only(gateway: Gateway, upstream: Upstream) -> None:
    upstream.misbehaves(faults.status(500), on="example.com/head-error/*")
    for target, status in (("example.com/head-error/@latest", 502), ("example.com/none/@latest", 404)):
        got, head = gateway.get(target), gateway.get(target, method="HEAD")
        assert (head.status, head.body) == (status, b"")
        for name in ("content-type", "content-length", "cache-control"):
            assert head.headers[name] == got.headers[name]
