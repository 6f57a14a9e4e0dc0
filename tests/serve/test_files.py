"""Stored files go straight from the page cache to the client, and never another byte than was proven."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from modgate.cache.stored import StoredFile
from modgate.gomod import ModulePath
from modgate.observe.families import SENT_BYTES
from modgate.serve.tls import Certificate
from modgate.source.base import Answer, Ask, Cached, Kind
from modgate.storage.tree import identity_of
from tests.serve.fakes import MIB, Authority, Port, request

ZIP = Ask(Kind.ZIP, ModulePath("rsc.io/quote"), "v1.5.2")
TARGET = f"/{ZIP.name}"
SIZES = [1_000, 60_000, 200_000, 500_000, 8 * MIB]
"""Kept as bytes, kept as bytes, kept as a file, the largest that is, and one that goes below the transport."""


def content(size: int, seed: int = 0) -> bytes:
    return b"".join(b"%07d\n" % (number + seed) for number in range(size // 8))


def store(port: Port, path: Path, data: bytes) -> None:
    """Put a proven file at `path`, and let the source answer with it."""
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    body = StoredFile(str(path), identity_of(descriptor))
    os.close(descriptor)
    stamp = (1, port.generations.values[1])
    port.source.put(ZIP.name, Answer(ZIP, body, digest="cd" * 32, fetched=1.0, cached=Cached.HIT, stamp=stamp))


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_whole_each_time_and_counted(port: Port, tmp_path: Path, size: int) -> None:
    data = content(size)
    store(port, tmp_path / "zip", data)
    client = await port.client()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(4):
        response = await client.ask(TARGET)
        assert response.body == data
        assert response.headers["x-cache"] == "hit"
    port.files.close()
    await port.settle(lambda: len(os.listdir("/proc/self/fd")) == before)
    assert port.count(SENT_BYTES)["zip",] == 4 * len(data)
    assert [line["bytes_sent"] for line in port.log_lines()] == [len(data)] * 4


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_looked_up_once(port: Port, tmp_path: Path, size: int) -> None:
    store(port, tmp_path / "zip", content(size))
    client = await port.client()
    ids = {(await client.ask(TARGET)).headers["x-request-id"]}
    await port.settle(lambda: not port.edge.tasks)  # kept once its first response has gone
    ids |= {(await client.ask(TARGET)).headers["x-request-id"] for _ in range(4)}
    assert len(port.source.asked) == 1
    assert len(ids) == 5
    assert [line["request_id"] for line in port.log_lines()] == sorted(ids)


@pytest.mark.parametrize("size", [200_000, 8 * MIB])
async def test_a_client_that_reads_slowly_gets_everything_in_order(port: Port, tmp_path: Path, size: int) -> None:
    data = content(size)
    store(port, tmp_path / "zip", data)
    port.answer("rsc.io/quote/@v/list", Ask(Kind.LIST, ZIP.path), b"v1.5.2\n")
    client = await port.client(limit=4096)
    await client.ask(TARGET)
    await client.send((request(TARGET) + request("/rsc.io/quote/@v/list")) * 5)
    for _ in range(5):
        assert (await client.response()).body == data
        assert (await client.response()).body == b"v1.5.2\n"


async def test_a_file_that_was_changed_in_its_place_is_not_sent_although_it_is_open(port: Port, tmp_path: Path) -> None:
    data = content(200_000)
    store(port, tmp_path / "zip", data)
    client = await port.client()
    for _ in range(3):
        assert (await client.ask(TARGET)).body == data
    os.utime(tmp_path / "zip", ns=(0, 0))
    status = os.stat(tmp_path / "zip")
    with open(tmp_path / "zip", "r+b") as file:
        file.write(b"damage")
    os.utime(tmp_path / "zip", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (await client.ask(TARGET)).status == 503, "its time of change cannot be put back"


async def test_a_small_file_is_whole_each_time_over_tls(tmp_path: Path, authority: Authority) -> None:
    port = Port(tmp_path / "access.log", tls=Certificate(authority.cert, authority.key).context)
    await port.listener.start()
    data = content(200_000)
    store(port, tmp_path / "zip", data)
    client = await port.client(authority.trusting)
    for _ in range(3):
        assert (await client.ask(TARGET)).body == data
    assert len(port.source.asked) == 1, "the others came from the file that stays open"
    await port.close()


async def test_a_file_that_was_replaced_is_not_sent_from_memory_of_it(port: Port, tmp_path: Path) -> None:
    store(port, tmp_path / "zip", content(200_000))
    client = await port.client()
    await client.ask(TARGET)
    (tmp_path / "new").write_bytes(b"not proven")
    (tmp_path / "new").rename(tmp_path / "zip")
    assert (await client.ask(TARGET)).status == 503, "the source says what it is now"
    fresh = content(200_000, seed=5)
    store(port, tmp_path / "zip", fresh)
    assert (await client.ask(TARGET)).body == fresh


async def test_a_file_that_is_gone_is_asked_for_again(port: Port, tmp_path: Path) -> None:
    store(port, tmp_path / "zip", content(200_000))
    client = await port.client()
    await client.ask(TARGET)
    (tmp_path / "zip").unlink()
    assert (await client.ask(TARGET)).status == 503
    assert len(port.source.asked) == 2


async def test_a_client_that_goes_away_in_the_middle_leaves_nothing_behind(port: Port, tmp_path: Path) -> None:
    store(port, tmp_path / "zip", content(64 * MIB))
    other = await port.client()
    before = len(os.listdir("/proc/self/fd"))
    client = await port.client(limit=4096)
    await client.send(request(TARGET))
    await client.reader.readexactly(100_000)
    client.writer.transport.abort()
    await port.settle(lambda: len(port.edge.state.connections) == 1)
    await port.settle(lambda: not port.edge.tasks)
    assert len(os.listdir("/proc/self/fd")) == before
    assert not port.logged.entries, "that clients go away is no news"
    assert (await other.ask("/healthz")).status == 200


async def test_twenty_files_at_once_share_the_loop(port: Port, tmp_path: Path) -> None:
    data = content(4 * MIB)
    store(port, tmp_path / "zip", data)
    responses = await asyncio.gather(*(port.ask(TARGET) for _ in range(20)))
    assert all(response.body == data for response in responses)


async def test_a_file_that_becomes_shorter_while_it_is_sent_is_cut(port: Port, tmp_path: Path) -> None:
    store(port, tmp_path / "zip", content(64 * MIB))
    client = await port.client(limit=4096)
    await client.send(request(TARGET))
    await client.reader.readexactly(100_000)
    os.truncate(tmp_path / "zip", 100_000)
    rest = await client.reader.read()
    assert 100_000 + len(rest) < 64 * MIB
    await port.settle(lambda: not port.edge.tasks)


async def test_a_file_that_has_to_come_from_the_disk_is_whole(port: Port, tmp_path: Path) -> None:
    data = content(8 * MIB)
    store(port, tmp_path / "zip", data)
    with open(tmp_path / "zip", "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    assert (await port.ask(TARGET)).body == data
