"""A log of 268 records, and clients of it that end with the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from modgate.checksum.client import SumClient
from tests.checksum.fakes import MemoryOps
from tests.checksum.log import NAME, Log, verifiers

Client = Callable[[MemoryOps], SumClient]


@pytest.fixture
def log() -> Log:
    """Two modules far apart; the edge has two tiles."""
    log = Log()
    log.records("example.com/early", "v1.0.0")
    log.grows(260)
    log.records("example.com/Late", "v1.2.3")
    log.grows(6)
    return log


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    clients: list[SumClient] = []
    defects: list[BaseException] = []

    def make(ops: MemoryOps) -> SumClient:
        clients.append(SumClient(NAME, verifiers(Log()), ops, defects.append))
        return clients[-1]

    yield make
    for one in clients:
        await one.close(grace=5.0)
    assert defects == []
