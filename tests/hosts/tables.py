"""Settings files with `[[host]]` tables, and what goes out by them.

Belongs here: writing the tables, and asking with what they mean. Not here: what is expected of that.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from modgate.gateway.hosts import Outward
from modgate.net.client import Client
from modgate.net.limits import Deadlines
from modgate.net.response import Response
from modgate.net.url import target_of
from modgate.observe.metrics import Metrics
from modgate.settings.load import Sources, load
from tests.world import World

MOST = 1 << 20
DEADLINES = Deadlines()


def hosts(world: World, *tables: Mapping[str, Any], mode: int = 0o600, top: str = "") -> Path:
    """A settings file with these tables; `top` stands before them."""
    file = world.place("modgate.toml")
    file.write_text(top + "\n" + "\n".join(map(_table, tables)), encoding="utf-8")
    file.chmod(mode)
    return file


def _table(table: Mapping[str, Any]) -> str:
    return "\n".join(["[[host]]", *(f"{name} = {_value(value)}" for name, value in table.items()), ""])


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_value(one)}" for name, one in value.items()) + " }"
    # JSON's strings, numbers and lists are TOML's too.
    return json.dumps(str(value) if isinstance(value, Path) else value)


@asynccontextmanager
async def outward(
    world: World, *tables: Mapping[str, Any], environ: Mapping[str, str] | None = None, top: str = ""
) -> AsyncIterator[Outward]:
    """What a gateway with these tables has for its clients."""
    flags = {"upstream": "off", "checksum": "off", "data": str(world.home)}
    loaded = load(Sources(flags, environ or {}, hosts(world, *tables, top=top), go_env=lambda _: {}))
    async with AsyncExitStack() as stack:
        yield Outward(stack, loaded, Metrics(), "test")


async def asked(client: Client, url: str) -> tuple[Response, bytes]:
    """The answer to one request.

    Raises:
        Unavailable: there is none.
    """
    async with AsyncExitStack() as stack:
        response = await client.get(stack, target_of(url), DEADLINES, upstream=target_of(url).url)
        return response, await response.read(MOST)


async def asks(
    world: World, url: str, *tables: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of `url`, as a gateway with these tables gets them.

    Raises:
        Unavailable: it gets none.
    """
    async with outward(world, *tables, environ=environ) as opened:
        response, body = await asked(opened.client(), url)
        return response.status, body
