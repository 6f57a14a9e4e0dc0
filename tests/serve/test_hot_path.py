"""What was answered once is answered from memory, as long as it is true and the request is a plain one."""

from __future__ import annotations

from typing import Any

import pytest

from modgate.errors import Absent
from modgate.gomod import ModulePath
from modgate.serve.table import LARGEST_BODY
from modgate.source.base import Ask, Cached, Freshness, Kind
from tests.serve.fakes import Port, request

QUOTE = ModulePath("rsc.io/quote")
INFO = Ask(Kind.INFO, QUOTE, "v1.5.2")
TARGET = f"/{INFO.name}"
DATA = b'{"Version":"v1.5.2"}'


async def test_the_second_ask_does_not_reach_the_source(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    client = await port.client()
    first = await client.ask(TARGET)
    second = await client.ask(TARGET)
    third = await client.ask(TARGET)
    assert len(port.source.asked) == 1
    assert (first.status, second.status, third.body) == (200, 200, DATA)
    assert [response.headers["x-cache"] for response in (first, second, third)] == ["miss", "hit", "hit"]
    ids = [response.headers["x-request-id"] for response in (first, second, third)]
    assert ids == ["t-1", "t-2", "t-3"]
    own = {"x-cache", "x-request-id"}
    assert {k: v for k, v in first.headers.items() if k not in own} == {
        k: v for k, v in second.headers.items() if k not in own
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"Cache-Control": "no-cache"},
        {"Pragma": "no-cache"},
        {"Disable-Module-Fetch": "true"},
        {"Range": "bytes=0-3"},
        {"If-None-Match": '"x"'},
        {"If-Modified-Since": "Tue, 14 Nov 2023 22:13:20 GMT"},
        {"If-Range": '"x"'},
        {"If-Match": "*"},
        {"If-Unmodified-Since": "Tue, 14 Nov 2033 22:13:20 GMT"},
        {"Expect": "100-continue"},
        {"Content-Length": "0"},
        {"X-Request-Id": "mine"},
        {"Via": "1.1 other"},
        {"Upgrade": "h2c"},
    ],
)
async def test_a_request_that_says_more_takes_the_ordinary_path(port: Port, headers: dict[str, str]) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    response = await port.ask(TARGET, **headers)
    assert response.status in (200, 206)
    assert len(port.source.asked) == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"},
        {"Connection": "keep-alive"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Accept": "*/*"},
    ],
)
async def test_what_clients_usually_say_stays_on_the_fast_path(port: Port, headers: dict[str, str]) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    assert (await port.ask(TARGET, **headers)).headers["x-cache"] == "hit"
    assert len(port.source.asked) == 1


async def test_http_1_0_is_answered_and_closed(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    for headers in (b"", b"Connection: keep-alive\r\n"):
        client = await port.client()
        await client.send(f"GET {TARGET} HTTP/1.0\r\n".encode() + headers + b"\r\n")
        response = await client.response()
        assert (response.status, response.headers["connection"]) == (200, "close")
        assert await client.is_closed()


async def test_a_head_request_is_no_get(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    response = await port.ask(TARGET, "HEAD")
    assert response.headers["content-length"] == str(len(DATA))
    assert port.source.asked[-1][1].body is False


async def test_an_unknown_token_is_looked_at_once_and_then_known(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    client = await port.client()
    for _ in range(3):
        await client.ask(TARGET, Authorization="Basic eDp5", X_Tenant="a")
    assert len(port.source.asked) == 1


async def test_a_change_of_the_module_ends_the_entry(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    port.generations.bump(1)
    port.answer(INFO.name, INFO, b"{}")
    assert (await port.ask(TARGET)).body == b"{}"
    assert (await port.ask(TARGET)).headers["x-cache"] == "hit"


async def test_an_answer_that_was_overtaken_while_it_was_made_is_not_kept(port: Port) -> None:
    stamp = (1, port.generations.values[1])
    port.generations.bump(1)
    port.answer(INFO.name, INFO, DATA, stamp=stamp)
    await port.ask(TARGET)
    await port.ask(TARGET)
    assert len(port.source.asked) == 2


async def test_what_can_change_is_kept_while_it_is_fresh(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA, fresh_until=port.clock() + 60)
    client = await port.client()
    await client.ask(TARGET)
    port.clock.advance(59)
    assert (await client.ask(TARGET)).headers["x-cache"] == "hit"
    port.clock.advance(2)
    assert (await client.ask(TARGET)).headers["x-cache"] == "miss"


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_clock_that_is_set_changes_nothing_of_that(port: Port, days: int) -> None:
    jump = [0.0]
    port.reporter.clock._wall = lambda: port.clock() + jump[0]
    port.answer(INFO.name, INFO, DATA, fresh_until=port.clock() + 60)
    await port.ask(TARGET)
    jump[0] = days * 86400.0
    port.listener.sweep()
    port.clock.advance(59)
    assert (await port.ask(TARGET)).headers["x-cache"] == "hit"
    port.clock.advance(2)
    assert (await port.ask(TARGET)).headers["x-cache"] == "miss"


@pytest.mark.parametrize(
    "fields",
    [
        {"stamp": None},
        {"cached": Cached.STALE},
        {"fresh_until": 1.0},
        {"data": b"x" * (LARGEST_BODY + 1)},
    ],
)
async def test_some_answers_are_not_kept(port: Port, fields: dict[str, Any]) -> None:
    port.answer(INFO.name, INFO, **({"data": DATA} | fields))
    await port.ask(TARGET)
    await port.ask(TARGET)
    assert len(port.source.asked) == 2


async def test_spellings_with_a_query_or_an_authority_fill_no_memory(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    for number in range(5):
        assert (await port.ask(f"{TARGET}?x={number}")).status == 200
    assert (await port.ask(f"http://gw.example{TARGET}")).status == 200
    assert len(port.table) == 0


async def test_a_remembered_absence_is_answered_from_memory(port: Port) -> None:
    absence = Absent(asked="x", words="not found: nothing here\n", fresh_until=port.clock() + 10, stamp=(1, 7))
    port.source.put(INFO.name, absence)
    client = await port.client()
    first = await client.ask(TARGET)
    second = await client.ask(TARGET)
    assert (first.status, first.body, first.headers["cache-control"]) == (404, b"not found: nothing here\n", "no-store")
    assert (second.status, second.body, second.headers["cache-control"]) == (404, first.body, "no-store")
    assert second.headers["x-cache"] == "hit"
    assert len(port.source.asked) == 1
    port.clock.advance(11)
    await client.ask(TARGET)
    assert len(port.source.asked) == 2


@pytest.mark.parametrize("known", [{"fresh_until": 0.0, "stamp": (1, 7)}, {"fresh_until": 2e9, "stamp": None}])
async def test_an_absence_that_nobody_remembers_is_not_kept(port: Port, known: dict[str, Any]) -> None:
    port.source.put(INFO.name, Absent(asked="x", **known))
    await port.ask(TARGET)
    await port.ask(TARGET)
    assert len(port.source.asked) == 2


async def test_what_the_cache_alone_lacks_is_not_kept_as_absent(port: Port) -> None:
    target = f"/cached-only{TARGET}"
    assert (await port.ask(target)).status == 404
    port.answer(INFO.name, INFO, DATA)
    assert (await port.ask(target)).status == 200
    assert port.source.asked[-1][1].freshness is Freshness.CACHED_ONLY


async def test_the_date_is_that_of_the_clock(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    client = await port.client()
    await client.ask(TARGET)
    port.clock.advance(3600)
    port.listener.sweep()
    fresh = await port.client()
    assert (await fresh.ask(TARGET)).headers["date"] == "Tue, 14 Nov 2023 23:13:20 GMT"


async def test_a_request_that_comes_in_single_bytes_is_answered_from_memory(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    client = await port.client()
    for byte in request(TARGET, User_Agent="slow"):
        client.writer.write(bytes([byte]))
        await client.writer.drain()
    assert (await client.response()).headers["x-cache"] == "hit"


async def test_the_same_bytes_again_need_no_parser_and_mean_the_same(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    one, other = await port.client(), await port.client()
    answers = [await client.ask(TARGET) for client in (one, one, other, other, one)]
    assert {(answer.status, answer.body, answer.headers["x-cache"]) for answer in answers} == {(200, DATA, "hit")}
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert len(port.source.asked) == 1


async def test_the_same_bytes_with_credentials_are_answered_for_whoever_they_belong_to(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    for _ in range(4):
        assert (await port.ask(TARGET, Authorization="Bearer a")).body == DATA
    assert len(port.source.asked) <= 2
    asked = len(port.source.asked)
    assert (await port.ask(TARGET, Authorization="Bearer b")).body == DATA
    assert len(port.source.asked) == asked + 1, "nobody has seen these before: the ordinary path finds out who it is"


@pytest.mark.parametrize("cut", [1, 10, 25, -1, -2, -4])
async def test_the_same_bytes_in_two_pieces_are_one_request(port: Port, cut: int) -> None:
    port.answer(INFO.name, INFO, DATA)
    client = await port.client()
    whole = request(TARGET)
    for _ in range(3):
        await client.send(whole)
        assert (await client.response()).body == DATA
        await client.send(whole[:cut])
        await client.send(whole[cut:] + whole)
        assert [(await client.response()).body for _ in range(2)] == [DATA, DATA]


async def test_bytes_that_were_answered_from_memory_are_a_miss_when_the_memory_is_out_of_date(port: Port) -> None:
    port.answer(INFO.name, INFO, DATA)
    client = await port.client()
    for _ in range(3):
        await client.ask(TARGET)
    port.generations.values[1] += 1
    port.answer(INFO.name, INFO, b'{"Version":"v1.5.2","New":1}')
    assert (await client.ask(TARGET)).body == b'{"Version":"v1.5.2","New":1}'


@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_a_client_that_wants_the_connection_closed_gets_its_answer_from_memory_too(
    port: Port, version: str
) -> None:
    port.answer(INFO.name, INFO, DATA)
    await port.ask(TARGET)
    for _ in range(2):
        client = await port.client()
        await client.send(f"GET {TARGET} HTTP/{version}\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        response = await client.response()
        assert (response.status, response.body, response.headers["connection"]) == (200, DATA, "close")
        assert response.headers["x-cache"] == "hit"
        assert await client.is_closed()
    assert len(port.source.asked) == 1
