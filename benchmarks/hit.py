"""One hot request without a network: `python -m benchmarks.hit COUNT` answers so many, under whatever counts.

Times depend on the machine and its neighbours, numbers of steps do not: bytecodes and calls of C functions are counted
here, instructions by valgrind (scenarios/steps.py).

Belongs here: a connection of the gateway whose other end is nobody, and counting. Not here: the budget (targets.py).
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, cast

from modgate.gomod import ModulePath
from modgate.serve.protocol import Connection
from modgate.source.base import Ask, Kind
from tests.serve.fakes import Port

MOD = Ask(Kind.MOD, ModulePath("example.com/team/service"), "v1.20.0")
DATA = b"module example.com/team/service\n\ngo 1.21\n" + b"require example.com/library/part v1.0.0\n" * 8
REQUEST = (
    f"GET /{MOD.name} HTTP/1.1\r\nHost: proxy.example\r\n"
    "User-Agent: Go-http-client/1.1\r\nAccept-Encoding: gzip\r\n\r\n"
).encode()
"""As the go command asks."""


class Nobody(asyncio.Transport):
    """The other end: takes everything."""

    def __init__(self) -> None:
        super().__init__({"peername": ("192.0.2.1", 1234), "sockname": ("192.0.2.2", 80)})
        self.answers = 0

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Count an answer."""
        self.answers += 1

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def close(self) -> None:
        """Nothing is left open."""

    def abort(self) -> None:
        """Nor is anything cut off."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What one hot request takes, access-log line included."""

    bytecodes: float
    c_calls: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.bytecodes + self.c_calls


async def connection(folder: Path) -> tuple[Port, Connection, Nobody]:
    """A connection whose next request for MOD is a hit; the caller closes the port."""
    port, nobody = Port(folder / "access.log"), Nobody()
    port.answer(MOD.name, MOD, DATA)
    await port.listener.start()
    for _ in range(2):
        await port.ask(f"/{MOD.name}")
    hot = Connection(port.edge, asyncio.get_running_loop())
    hot.connection_made(nobody)
    return port, hot, nobody


async def answer(count: int) -> None:
    """Answer so many hot requests."""
    with tempfile.TemporaryDirectory() as folder:
        port, hot, nobody = await connection(Path(folder))
        for _ in range(count):
            hot.data_received(REQUEST)
        assert nobody.answers == count, "each request is answered at once, by one write"
        await port.close()


async def steps(count: int = 200) -> Steps:
    """Count what a hot request takes: the mean of so many."""
    counted = {"opcode": 0, "c_call": 0}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            counted["opcode"] += 1
        return trace

    def profile(_: FrameType, event: str, __: object) -> None:
        if event == "c_call":
            counted["c_call"] += 1

    with tempfile.TemporaryDirectory() as folder:
        port, hot, _ = await connection(Path(folder))
        before = sys.gettrace(), sys.getprofile()
        for install, hook in ((sys.settrace, trace), (sys.setprofile, profile)):
            cast("Any", install)(hook)
            for _ in range(count):
                hot.data_received(REQUEST)
            cast("Any", install)(before[install is sys.setprofile])
        await port.close()
    return Steps(counted["opcode"] / count, counted["c_call"] / count)


if __name__ == "__main__":
    asyncio.run(answer(int(sys.argv[1])))
