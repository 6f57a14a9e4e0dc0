"""Everything that is not answered from memory is judged in one order: method, loop, target, terms."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from modgate.errors import Absent, Corrupt, Forbidden, Malformed, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.serve.app import DataPort
from modgate.source.base import FOREVER, Answer, Arriving, Ask, Cached, Freshness, Kind, Ready
from tests.serve.fakes import FakeReply, Port, request

QUOTE = ModulePath("rsc.io/quote")
LIST = Ask(Kind.LIST, QUOTE)
TARGET = f"/{LIST.name}"
NOWHERE = "/rsc.io/nowhere/@v/list"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("target", ["/", TARGET, "/sumdb/sum.golang.org/latest", "/healthz", "/team-a/x", "/%zz"])
async def test_writing_methods_are_refused_everywhere(port: Port, method: str, target: str) -> None:
    response = await port.ask(target, method)
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text.startswith(f"refused: {method} ")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/rsc.io/Quote/@v/list", 404),
        ("/rsc.io//quote/@v/list", 400),
        ("/rsc.io/quote/@v/li%00st", 400),
        ("/rsc.io%2fquote/@v/list", 400),
        ("/../../etc/passwd", 400),
        ("/rsc.io/quote/@v/latest.info", 404),
        ("/team-a/rsc.io/quote/@v/list", 404),
        ("/rsc.io/quote/@v/list#x", 400),
    ],
)
async def test_odd_targets_are_told_off_in_plain_text(port: Port, target: str, status: int) -> None:
    client = await port.client()
    response = await client.ask(target)
    assert response.status == status
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert port.source.asked == []
    assert (await client.ask("/")).status == 200, "the connection goes on"


async def test_a_request_that_has_been_here_before_is_a_loop(port: Port) -> None:
    response = await port.ask(TARGET, Via="1.1 proxy.example, 1.1 ModGate-Test (modgate)")
    assert response.status == 508
    assert (await port.ask(TARGET, Via="1.1 modgate-other")).status == 404
    assert len(port.source.asked) == 1


@pytest.mark.parametrize(
    ("target", "headers", "freshness"),
    [
        (TARGET, {}, Freshness.NORMAL),
        (TARGET, {"Cache-Control": "max-age=0"}, Freshness.NORMAL),
        (TARGET, {"Cache-Control": "max-age=0, No-Cache"}, Freshness.REFRESH),
        (TARGET, {"Pragma": "no-cache"}, Freshness.REFRESH),
        (TARGET, {"Disable-Module-Fetch": "True"}, Freshness.CACHED_ONLY),
        (TARGET, {"Disable-Module-Fetch": "false"}, Freshness.NORMAL),
        (TARGET, {"Disable-Module-Fetch": "true", "Cache-Control": "no-cache"}, Freshness.CACHED_ONLY),
        (f"/cached-only{TARGET}", {}, Freshness.CACHED_ONLY),
        (f"/cached-only{TARGET}", {"Pragma": "no-cache"}, Freshness.CACHED_ONLY),
    ],
)
async def test_the_client_says_how_fresh_it_wants_it(
    port: Port, target: str, headers: dict[str, str], freshness: Freshness
) -> None:
    port.answer(LIST.name, LIST, b"v1.0.0\n")
    await port.ask(target, **headers)
    [(ask, terms)] = port.source.asked
    assert (ask, terms.freshness, terms.body) == (LIST, freshness, True)


async def test_what_is_not_in_the_cache_is_404_and_not_to_be_stored(port: Port) -> None:
    response = await port.ask(f"/cached-only{TARGET}")
    assert (response.status, response.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(
    ("error", "status", "begins"),
    [
        (Absent(words="not found: it is gone\n"), 404, "not found: it is gone\n"),
        (Unavailable(asked="x", trouble=Trouble.TIMEOUT, retry_after=2.0), 504, "unavailable: x: "),
        (Corrupt(asked="x", reason="the zip has no go.mod"), 502, "corrupt: x: the zip has no go.mod\n"),
        (Forbidden(asked="x", status=451), 451, "refused: x: "),
        (Malformed("version", "x", "odd"), 404, "not found: malformed version"),
        (ValueError("a bug"), 500, "internal error: request id t-1; "),
    ],
)
async def test_a_sources_error_is_a_response(port: Port, error: Exception, status: int, begins: str) -> None:
    port.source.put(LIST.name, error)
    client = await port.client()
    response = await client.ask(TARGET)
    assert response.status == status
    assert response.text.startswith(begins)
    assert (await client.ask(TARGET, "HEAD")).status == status
    assert (await client.ask("/")).status == 200


async def test_a_bug_of_ours_is_logged_with_its_request(port: Port) -> None:
    port.source.put(LIST.name, ValueError("a bug"))
    await port.ask(TARGET)
    [(event, fields)] = port.logged.entries
    assert (event, fields["request_id"], str(fields["exc_info"])) == ("request_failed", "t-1", "a bug")


async def test_trouble_of_others_is_no_entry_of_the_log(port: Port) -> None:
    port.source.put(LIST.name, Unavailable(retry_after=2.0))
    assert (await port.ask(TARGET)).headers["retry-after"] == "2"
    assert port.logged.entries == []


async def test_a_body_that_nobody_kept_is_a_bug(port: Port) -> None:
    async def chunks() -> object:
        yield b""

    port.source.put(LIST.name, Answer(LIST, Arriving(chunks())))  # type: ignore[arg-type]
    assert (await port.ask(TARGET)).status == 500


async def test_a_source_that_says_nothing_in_time_is_504(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modgate.serve.app.GRACE_SECONDS", 0.0)
    port.data_port._answer_seconds = 0.0
    port.source.hold = asyncio.Event()
    response = await port.ask(TARGET)
    assert response.status == 504
    assert "rsc.io/quote list: no answer within 0 s" in response.text


async def test_a_client_that_goes_away_ends_the_wait(port: Port) -> None:
    port.source.hold = asyncio.Event()
    client = await port.client()
    await client.send(request(TARGET))
    await port.settle(lambda: port.source.waiting == 1)
    await port.takes_for_gone(client)
    await port.settle(lambda: port.source.waiting == 0 and port.listener.connections == 0)
    assert port.logged.entries == []


async def test_a_checksum_database_is_passed_through(port: Port) -> None:
    port.databases.replies["sum.golang.org/tile/8/0/000"] = FakeReply(b"tile", "application/octet-stream")
    client = await port.client()
    first = await client.ask("/sumdb/sum.golang.org/tile/8/0/000")
    assert first.headers["content-type"] == "application/octet-stream"
    assert first.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert (first.body, first.headers["x-cache"]) == (b"tile", "miss")
    second = await client.ask("/sumdb/sum.golang.org/tile/8/0/000")
    assert (second.body, second.headers["x-cache"]) == (b"tile", "hit")


async def test_a_databases_refusals_keep_their_meaning(port: Port) -> None:
    port.databases.replies["sum.golang.org/lookup/x"] = Malformed("lookup", "x", "no version")
    port.databases.replies["sum.golang.org/supported"] = FakeReply(b"", fresh_until=port.clock() + 60, stamp=None)
    assert (await port.ask("/sumdb/sum.golang.org/lookup/x")).status == 400
    assert (await port.ask("/sumdb/other.example/supported")).status == 404
    supported = await port.ask("/sumdb/sum.golang.org/supported")
    assert (supported.status, supported.headers["content-length"]) == (200, "0")


async def test_modules_lie_below_the_base_path(tmp_path: Path) -> None:
    port = Port(tmp_path / "access.log", base_path="/go")
    await port.listener.start()
    port.answer(LIST.name, LIST, b"v1.0.0\n")
    assert (await port.ask(f"/go{TARGET}")).status == 200
    assert (await port.ask(TARGET)).status == 404
    assert (await port.ask("/go")).headers["x-mirror-status"] == "ok"
    assert (await port.ask("/")).headers["x-mirror-status"] == "ok"
    await port.close()


async def test_a_stale_answer_says_so(port: Port) -> None:
    port.source.put(LIST.name, Answer(LIST, Ready(b"v1.0.0\n"), fresh_until=1.0, cached=Cached.STALE))
    response = await port.ask(TARGET)
    assert (response.headers["x-cache"], response.headers["cache-control"]) == ("stale", "public, max-age=60")


async def test_conditions_hold_on_the_ordinary_path(port: Port) -> None:
    ask = Ask(Kind.MOD, QUOTE, "v1.5.2")
    port.answer(ask.name, ask, b"module rsc.io/quote\n", fresh_until=FOREVER, fetched=1_700_000_000.0)
    client = await port.client()
    first = await client.ask(f"/{ask.name}")
    again = await client.ask(f"/{ask.name}", If_None_Match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    since = await client.ask(f"/{ask.name}", If_Modified_Since=first.headers["last-modified"])
    assert since.status == 304
    part = await client.ask(f"/{ask.name}", Range="bytes=7-12")
    assert (part.status, part.body, part.headers["content-range"]) == (206, b"rsc.io", "bytes 7-12/20")
    beyond = await client.ask(f"/{ask.name}", Range="bytes=100-")
    assert (beyond.status, beyond.headers["content-range"]) == (416, "bytes */20")
    changed = await client.ask(f"/{ask.name}", If_Match='"x"')
    assert changed.status == 412
    head = await client.ask(f"/{ask.name}", "HEAD", Range="bytes=7-12")
    assert (head.status, head.headers["content-length"]) == (200, "20")
    assert (await client.ask(f"/{ask.name}", "HEAD", If_None_Match="*")).status == 304


def test_the_data_port_is_a_plain_asgi_application() -> None:
    assert callable(DataPort)
