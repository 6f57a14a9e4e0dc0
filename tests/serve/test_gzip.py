"""Long lists and go.mod files go out compressed from memory to whoever takes that, and mean the same."""

from __future__ import annotations

import base64
import gzip
import random

import pytest

from modgate.gomod import ModulePath
from modgate.serve.response import PACKED_FROM
from modgate.source.base import Ask, Kind
from tests.serve.fakes import Port

PATH = ModulePath("example.com/m")
LIST = Ask(Kind.LIST, PATH)
TARGET = f"/{LIST.name}"
LONG = "".join(f"v1.{minor}.0\n" for minor in range(500)).encode()
TAKES = {"Accept-Encoding": "gzip"}


async def test_a_long_list_is_compressed_for_those_who_take_it_and_for_nobody_else(port: Port) -> None:
    port.answer(LIST.name, LIST, LONG)
    first = await port.ask(TARGET, **TAKES)
    assert (first.body, "content-encoding" in first.headers) == (LONG, False), "it is compressed once it is in memory"
    client = await port.client()
    for _ in range(3):
        plain, packed = await client.ask(TARGET), await client.ask(TARGET, **TAKES)
        assert plain.body == gzip.decompress(packed.body) == LONG
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) == len(packed.body) < len(LONG) // 3
        assert "content-encoding" not in plain.headers
        assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
        assert {answer.headers["vary"] for answer in (first, plain, packed)} == {"accept-encoding"}
        assert "accept-ranges" not in packed.headers
    assert len(port.source.asked) == 1


async def test_its_tag_is_known_again(port: Port) -> None:
    port.answer(LIST.name, LIST, LONG)
    await port.ask(TARGET)
    packed = await port.ask(TARGET, **TAKES)
    again = await port.ask(TARGET, **TAKES, **{"If-None-Match": packed.headers["etag"]})
    assert (again.status, again.body, again.headers["vary"]) == (304, b"", "accept-encoding")


@pytest.mark.parametrize("refused", ["identity", "gzip;q=0", "br, deflate", ""])
async def test_who_does_not_take_gzip_gets_it_as_it_is(port: Port, refused: str) -> None:
    port.answer(LIST.name, LIST, LONG)
    await port.ask(TARGET)
    assert (await port.ask(TARGET, **{"Accept-Encoding": refused})).body == LONG


@pytest.mark.parametrize(
    ("ask", "data"),
    [
        (LIST, LONG[: PACKED_FROM - 1]),
        (Ask(Kind.LATEST, PATH), b'{"Version":"v1.0.0"}' + b" " * PACKED_FROM),
        (Ask(Kind.MOD, PATH, "v1.0.0"), b"module m // " + base64.b85encode(random.Random(1).randbytes(2000))),
    ],
    ids=["short", "no text", "does not pay"],
)
async def test_what_does_not_pay_is_not_compressed(port: Port, ask: Ask, data: bytes) -> None:
    port.answer(ask.name, ask, data)
    await port.ask(f"/{ask.name}")
    answer = await port.ask(f"/{ask.name}", **TAKES)
    assert (answer.body, answer.headers["x-cache"]) == (data, "hit")
    assert "content-encoding" not in answer.headers


async def test_both_count_in_the_memory(port: Port) -> None:
    port.answer(LIST.name, LIST, LONG)
    await port.ask(TARGET)
    assert port.table.size > len(LONG) + len(gzip.compress(LONG))
