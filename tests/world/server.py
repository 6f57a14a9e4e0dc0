"""A real HTTP server on the loopback address that counts what it is asked and fails as it is told.

It runs in a thread of its own, so that tests with and without an event loop use it alike, and holds some hundred
connections. Belongs here: counting, rules for faults, going down and coming back. Not here: how a delivery is put on
the wire (wire.py), what is answered (subclasses).
"""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Self

from tests.world import faults
from tests.world.delivery import PATIENCE, Delivery, Gate, Request
from tests.world.faults import Fault
from tests.world.loops import TURNS, settled
from tests.world.wire import deliver, read_request

LOOPBACK = "127.0.0.1"


@dataclass
class _Rule:
    fault: Fault
    on: str
    times: int | None

    def strikes(self, request: Request) -> bool:
        """Whether it is this request's turn; uses up one of its times."""
        if self.times == 0 or not _is_about(request, self.on):
            return False
        self.times = self.times if self.times is None else self.times - 1
        return True


class Server(ABC):
    """Answers requests with what a subclass says, until told otherwise."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self._lock = threading.Condition()
        self._requests: list[Request] = []
        self._rules: list[_Rule] = []
        self._gates: list[Gate] = []
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._most_connections = 0
        self._listening: asyncio.Server | None = None
        self._is_up = False
        # Bound for the server's whole life and never listening: keeps the port while the server is down.
        self._place = _bound(0)
        self.port: int = self._place.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"upstream-{self.port}", daemon=True)
        self._thread.start()
        self._do(self._listen())

    @abstractmethod
    def answer(self, request: Request) -> Delivery:
        """What a well-behaved server delivers. Called in the server's thread."""

    @property
    def url(self) -> str:
        """Base URL, without a slash at the end."""
        return f"{'http' if self._tls is None else 'https'}://{LOOPBACK}:{self.port}"

    # What was asked.

    @property
    def requests(self) -> list[Request]:
        """All requests whose headers have come in, in their order."""
        with self._lock:
            return list(self._requests)

    @property
    def asked(self) -> int:
        """How many requests there were."""
        return len(self.requests)

    def asked_for(self, what: str) -> int:
        """How many requests there were for a kind ("zip"), a path or a pattern of paths ("*.mod")."""
        return sum(_is_about(request, what) for request in self.requests)

    def wait_until_asked(self, count: int = 1) -> None:
        """Return when `count` requests have come in."""
        with self._lock:
            came = self._lock.wait_for(lambda: len(self._requests) >= count, PATIENCE)
            assert came, f"{len(self._requests)} requests instead of {count} came within {PATIENCE:.0f} s"

    def forgets(self) -> None:
        """Count from 0 again."""
        with self._lock:
            self._requests.clear()

    @property
    def most_connections(self) -> int:
        """The largest number of connections that were open at once."""
        return self._most_connections

    # How it misbehaves.

    def misbehaves(self, fault: Fault, *, on: str = "*", times: int | None = None) -> None:
        """Let `fault` strike requests for a kind, a path or a pattern of paths, so many times; None is always.

        Where several would strike, the one that was named last does.
        """
        with self._lock:
            self._rules.insert(0, _Rule(fault, on, times))

    def hangs(self, *, on: str = "*", times: int | None = None) -> Gate:
        """Take requests and do not answer; the gate lets the answers go."""
        gate = self._gate()
        self.misbehaves(faults.hangs(gate), on=on, times=times)
        return gate

    def pauses(
        self, *, after: int, on: str = "zip", times: int | None = None, chunked: bool = False, body: bytes | None = None
    ) -> Gate:
        """Send `after` bytes of a body, and when the gate opens the rest.

        `chunked` does not say its length; `body` is sent instead of what is right.
        """
        gate = self._gate()
        steps = [faults.pauses(gate, after=after)]
        steps += [faults.chunked()] if chunked else []
        steps += [] if body is None else [faults.body(body)]
        self.misbehaves(faults.together(*steps), on=on, times=times)
        return gate

    def behaves(self) -> None:
        """Answer well from now on; what is held back goes on."""
        with self._lock:
            self._rules.clear()
        for gate in self._gates:
            gate.open()

    def goes_down(self) -> None:
        """Refuse connections; those that are open are reset. The port stays this server's."""
        self._do(self._stop_listening())

    def comes_back(self) -> None:
        """Listen on the same port again."""
        self._do(self._listen())

    def close(self) -> None:
        """Release everything. Nothing is asked of it after this."""
        self.behaves()
        self._do(self._stop_listening())
        self._do(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()
        self._place.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gate(self) -> Gate:
        gate = Gate()
        self._gates.append(gate)
        return gate

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        self._is_up = True
        self._listening = await asyncio.start_server(self._serve, sock=_bound(self.port), ssl=self._tls, backlog=1024)

    async def _stop_listening(self) -> None:
        if self._listening is None:
            return
        listening, self._listening, self._is_up = self._listening, None, False
        # Nobody more is accepted; those who were find nobody here. Only then may it be closed: asyncio leaves a
        # connection open that it accepted just before.
        for one in listening.sockets:
            asyncio.get_running_loop().remove_reader(one.fileno())
        for _ in range(TURNS):
            await asyncio.sleep(0)
        listening.close()
        for task, writer in dict(self._connections).items():
            writer.transport.abort()
            task.cancel()
        # Some may be under way from the listening socket still: they find nobody here.
        await settled(PATIENCE)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if not self._is_up:
            writer.transport.abort()
            return
        self._connections[task] = writer
        self._most_connections = max(self._most_connections, len(self._connections))
        # What was written is with the kernel before anything else happens: a cut comes where the test wants it.
        # (asyncio's TLS transport takes a limit of 0 for "never write again".)
        writer.transport.set_write_buffer_limits(0 if self._tls is None else 1)
        try:
            while (request := await read_request(reader)) and await deliver(writer, request, self._decide(request)):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # the client went away, or the server goes down
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()
            del self._connections[task]

    def _decide(self, request: Request) -> Delivery:
        with self._lock:
            self._requests.append(request)
            self._lock.notify_all()
            rule = next((rule for rule in self._rules if rule.strikes(request)), None)
        given = self.answer(request)
        return given if rule is None else rule.fault(request, given)


def _is_about(request: Request, what: str) -> bool:
    return what == request.kind or fnmatch.fnmatchcase(request.path, what)


def _bound(port: int) -> socket.socket:
    # Only where the protocol is named does asyncio send small pieces at once; else each answer takes 40 ms.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((LOOPBACK, port))
    bound.setblocking(False)
    return bound
