"""The control socket: how commands act on a gateway that runs. JSON lines, each answered by one.

    {"do": "upstreams"}                                   {"ok": [...]}
    {"do": "drill", "upstream": …, "seconds": …, …}       {"ok": {...}}        until the connection ends
    anything else                                         {"error": "…"}

Belongs here: who is listened to, for how long, and how much. Not here: what a command does (upstreams_control.py,
drill_control.py), and where the socket is (controlling_path.py).
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modgate.errors import ModgateError
from modgate.gateway.controlling_path import LOCK, NAME, listening

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

LONGEST = 65536
"""Bytes of a request: a name and some numbers."""
MOST = 8
"""Connections at once: people, not programs, are at their other ends."""
PATIENCE = 10.0
"""Seconds for a request to come, and for its answer to be made and taken."""
LEASE = 3660.0
"""Seconds that a connection may stay open without a word: a drill lasts as long as its client, an hour at most."""

Request = Mapping[str, Any]
Command = Callable[[Request, AsyncExitStack], Awaitable[object]]
"""Makes the answer, something that JSON knows. What it puts onto the stack is undone when the connection ends.

Raises ModgateError: it cannot be done; the text is for the operator.
"""


async def controlled(
    stack: AsyncExitStack, data: Path, commands: Mapping[str, Command], log: FilteringBoundLogger
) -> None:
    """Listen until `stack` is closed. A gateway that cannot be controlled serves all the same, and says so once."""
    try:
        # A file of its own: the directory's lock is that of the databases (storage/locks.py).
        turn = os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        stack.callback(os.close, turn)
        # The kernel gives it back when we die; so whoever has it may replace what it finds.
        fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sockets = listening(data)
    except BlockingIOError:
        log.warning("no control socket: another gateway on this data directory has it", path=str(data / NAME))
        return
    except OSError as error:
        log.warning("no control socket", path=str(data / NAME), reason=error.strerror or str(error))
        return
    control = _Control(commands, log)
    server = await asyncio.start_unix_server(control.serve, sock=sockets, limit=LONGEST)
    stack.push_async_callback(control.close)
    stack.callback(server.close)
    stack.callback(_remove, data / NAME)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


class _Control:
    def __init__(self, commands: Mapping[str, Command], log: FilteringBoundLogger) -> None:
        self._commands = commands
        self._log = log
        self._open: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """End every connection, and undo what they had ordered."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until its other end is gone."""
        task = asyncio.current_task()
        assert task is not None
        if len(self._open) >= MOST:
            writer.close()
            return
        self._open.add(task)
        try:
            async with AsyncExitStack() as held:
                held.callback(writer.close)
                await self._converse(reader, writer, held)
        except (OSError, TimeoutError, ValueError):
            pass  # it went away, says nothing, or what it says is no line
        except asyncio.CancelledError:
            pass  # the gateway ends
        finally:
            self._open.discard(task)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: AsyncExitStack) -> None:
        patience = PATIENCE
        while True:
            async with asyncio.timeout(patience):
                line = await reader.readline()
            if not line:
                return
            async with asyncio.timeout(PATIENCE):
                answer = await self._answer(line, held)
                writer.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
                await writer.drain()
            patience = LEASE

    async def _answer(self, line: bytes, held: AsyncExitStack) -> dict[str, object]:
        try:
            request = json.loads(line)
            command = self._commands.get(request.get("do", "")) if isinstance(request, dict) else None
            if command is None:
                return {"error": f"this gateway knows only {', '.join(self._commands)} here"}
            return {"ok": await command(request, held)}
        except (ValueError, TypeError, RecursionError):
            return {"error": "that is no request: write one JSON object in a line"}
        except ModgateError as error:
            return {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - the boundary: a defect here must not end the gateway
            self._log.error("a control request failed", exc_info=error)
            return {"error": f"unexpected {type(error).__name__}; see the gateway's log"}
