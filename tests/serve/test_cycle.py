"""An application that breaks its promises harms its own response only, and its client can tell."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from modgate.serve.cycle import App, Receive, Scope, Send
from tests.serve.fakes import Port, Response, request

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"3")]}


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


def saying(messages: Sequence[Mapping[str, Any]], error: Exception | None = None) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(dict(message))
        if error is not None:
            raise error

    return app


async def served(folder: Path, app: App) -> Port:
    port = Port(folder / "access.log", app=app)
    await port.listener.start()
    return port


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ([], None),
        ([], ValueError("lost")),
        ([START], None),
        ([START, body(b"ab", more=True)], None),
        ([START, body(b"ab", more=True)], ValueError("lost")),
        ([START, body(b"ab")], None),
        ([START, body(b"abcd")], None),
        ([body(b"abc")], None),
        ([START, START], None),
        ([{"type": "http.response.start", "status": 200, "headers": [(b"x", b"a\r\nb: c")]}, body(b"")], None),
    ],
)
async def test_an_unfinished_response_is_cut(
    tmp_path: Path, messages: Sequence[Mapping[str, Any]], error: Exception | None
) -> None:
    port = await served(tmp_path, saying(messages, error))
    client = await port.client()
    await client.send(request("/"))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await client.response()
    assert all(event == "request_failed" for event, _ in port.logged.entries)
    await port.close()


async def answered(folder: Path, app: App, method: str = "GET") -> tuple[Response, Response]:
    """Two responses on one connection."""
    port = await served(folder, app)
    client = await port.client()
    responses = await client.ask("/", method), await client.ask("/", method)
    assert port.logged.entries == []
    await port.close()
    return responses


async def test_pieces_make_one_response(tmp_path: Path) -> None:
    app = saying([START, body(b"a", more=True), body(b"", more=True), body(b"bc", more=True), body(b"")])
    assert [response.body for response in await answered(tmp_path, app)] == [b"abc", b"abc"]


async def test_without_a_length_a_response_comes_in_chunks(tmp_path: Path) -> None:
    app = saying([{"type": "http.response.start", "status": 200}, body(b"ab", more=True), body(b"c")])
    first, second = await answered(tmp_path, app)
    assert first.headers["transfer-encoding"] == "chunked"
    assert (first.body, second.body) == (b"abc", b"abc")


async def test_a_head_request_gets_no_body_whatever_is_sent(tmp_path: Path) -> None:
    first, second = await answered(tmp_path, saying([START, body(b"abc")]), "HEAD")
    assert (first.headers["content-length"], second.headers["content-length"]) == ("3", "3")


@pytest.mark.parametrize("status", [204, 304])
async def test_some_statuses_have_no_body(tmp_path: Path, status: int) -> None:
    first, second = await answered(tmp_path, saying([{"type": "http.response.start", "status": status}, body(b"")]))
    assert (first.status, second.status) == (status, status)
    assert "transfer-encoding" not in first.headers


async def test_every_response_has_a_date_and_a_request_id(tmp_path: Path) -> None:
    first, second = await answered(tmp_path, saying([START, body(b"abc")]))
    assert first.headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    assert (first.headers["x-request-id"], second.headers["x-request-id"]) == ("t-1", "t-2")


async def test_an_application_hears_an_empty_body_and_then_the_end(tmp_path: Path) -> None:
    heard: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(scope["path"])
        heard.append(await receive())
        try:
            heard.append(await receive())
        except asyncio.CancelledError:
            heard.append("cancelled")
            raise

    port = await served(tmp_path, app)
    client = await port.client()
    await client.send(request("/a%20b", "POST", Content_Length="3") + b"abc")
    await port.settle(lambda: len(heard) == 2)
    await port.takes_for_gone(client)
    await port.settle(lambda: len(heard) == 3 and not port.edge.tasks)
    assert heard[:2] == ["/a b", {"type": "http.request", "body": b"", "more_body": False}]
    assert heard[2] in ({"type": "http.disconnect"}, "cancelled")
    await port.close()
