"""What every test of delivery gets: a served port over a fake source, on both event loops that people run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.serve.fakes import Authority, Port


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The gateway runs on uvloop; the standard loop is stricter about what a transport may be told."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """It has issued one certificate."""
    made = Authority(tmp_path)
    made.issue("first")
    return made


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    """A data port on the loopback interface."""
    served = Port(tmp_path / "access.log")
    await served.listener.start()
    yield served
    await served.close()
