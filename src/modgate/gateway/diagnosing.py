"""`modgate diagnose`: one module version from the store and from each upstream, and what is wrong with each."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from modgate.checksum.client import Verified
from modgate.errors import GatewayError, SetupError
from modgate.gateway import values
from modgate.gateway.checksums import Desk
from modgate.gateway.hosts import Outward
from modgate.gomod import ModulePath
from modgate.gomod.chain import Link
from modgate.gomod.diagnosis import Expected, findings
from modgate.net.client import Client
from modgate.net.response import Response
from modgate.net.url import target_of
from modgate.settings.loaded import Loaded
from modgate.source.base import Ask, Kind
from modgate.source.goproxy import UNQUOTED

KINDS = (Kind.INFO, Kind.MOD, Kind.ZIP)


async def diagnosed(loaded: Loaded, desk: Desk, path: ModulePath, version: str) -> AsyncIterator[str]:
    """Lines, as they are found out. Each upstream is asked for each file once; nothing is kept of it."""
    async with AsyncExitStack() as stack:
        client = Outward(stack, loaded, desk.telling.metrics, desk.store.identity).client()
        record, own = await _record(desk, path, version), await desk.own(path, version) or {}
        yield record if isinstance(record, str) else f"record {record.record_id} of the checksum database"
        if own:
            yield f"record {own['record']} of our own one"
        for kind in KINDS:
            ask = Ask(kind, path, version)
            h1 = record.sums.get(kind, "") if isinstance(record, Verified) else own.get(kind) or ""
            yield str(ask)
            said, expected = _stored(desk, ask, h1)
            yield f"  store: {said}"
            for link in loaded.meaning.route(path).chain:
                async for line in _upstream(loaded, client, link, ask, expected):
                    yield line


async def _record(desk: Desk, path: ModulePath, version: str) -> Verified | str:
    if not desk.is_public(path):
        return "no record: it is exempt (private, no_checksum), and the checksum database is not asked"
    try:
        return await desk.record(path, version)
    except SetupError:
        return "the checksum database is off"
    except GatewayError as error:
        return f"no record: {error.source or 'the checksum database'} {error.reason}"


def _stored(desk: Desk, ask: Ask, h1: str) -> tuple[str, Expected]:
    """What is wrong with the stored file, and what to compare others with."""
    namespace = desk.namespace(ask.path)
    row, place = namespace.pin(ask.name), Path(namespace.tree.path(namespace.name, ask.name))
    expected = Expected(ask.path, ask.version, ask.kind, h1 or (row.h1 if row is not None else ""))
    try:
        data = place.read_bytes()
    except FileNotFoundError:
        return ("is not there" if row is None else "is not there any more, and its hash is known"), expected
    except OSError as error:
        return f"cannot be read ({error.strerror}): see who may read {place}", expected
    if row is not None and len(data) != row.size:
        return f"is damaged: it has {len(data)} bytes, and was stored with {row.size}", expected
    if row is not None and hashlib.sha256(data).hexdigest() != row.sha256:
        return "is damaged: its bits are not those that were stored", expected
    said = "; ".join(findings(expected, data))
    is_right = row is not None and (ask.kind is Kind.INFO or row.h1 == expected.h1)
    whole = Expected(ask.path, ask.version, ask.kind, expected.h1, data if is_right else None)
    return said, whole


async def _upstream(loaded: Loaded, client: Client, link: Link, ask: Ask, expected: Expected) -> AsyncIterator[str]:
    parts = urlsplit(link.url)
    try:
        if link.is_http:
            async for line in _fetched(loaded, client, link, ask, expected):
                yield f"  {link.shown}: {line}"
        elif parts.scheme == "file":
            data = (Path(unquote(parts.path)) / ask.name).read_bytes()
            for line in findings(expected, data):
                yield f"  {link.shown}: {line}"
        elif link.url == "direct":
            yield "  direct: is not asked; its files are made here, from a repository"
    except GatewayError as error:
        yield f"  {link.shown}: {error.reason}"
    except OSError as error:
        yield f"  {link.shown}: {error.strerror}"


async def _fetched(loaded: Loaded, client: Client, link: Link, ask: Ask, expected: Expected) -> AsyncIterator[str]:
    base, deadlines = target_of(link.url), values.deadlines(loaded.settings.deadlines)
    target = target_of(f"{link.url}/{quote(ask.name, safe=UNQUOTED)}")
    async with AsyncExitStack() as stack:
        response = await client.get(stack, target, deadlines, upstream=base.url)
        for line in _heads(response, target.place):
            yield line
        if response.status == 200:
            for line in findings(expected, await response.read(loaded.settings.limits.zip)):
                yield line


def _heads(response: Response, asked: str) -> list[str]:
    found = []
    if response.url != asked:
        found.append(f"redirects to {response.url}")
    if response.status != 200:
        found.append(f"answered {response.status}")
    elif response.encoded:
        found.append(f"came with Content-Encoding {response.headers['content-encoding']}, which nobody asked for")
    return found
