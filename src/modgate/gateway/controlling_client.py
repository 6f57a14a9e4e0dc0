"""The other end of the control socket, for commands. Blocking: a command has nothing else to do meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from modgate.errors import SetupError
from modgate.gateway.controlling_path import NAME, connected

SECONDS = 15.0
"""For one answer; the gateway gives up after ten."""
LONGEST = 16 << 20
"""Bytes of an answer."""


class Control:
    """A connection to the gateway that runs on a data directory. `close` it: that undoes what it has ordered."""

    def __init__(self, data: Path) -> None:
        """Connect.

        Raises:
            SetupError: no gateway runs there, or it is not ours to control.
        """
        try:
            self._socket = connected(data, SECONDS)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            problem = f"no gateway runs on {data}"
            raise SetupError("data", problem, "start one with modgate serve, or give its --data") from error
        except OSError as error:
            problem = f"the gateway on {data} cannot be controlled ({NAME}: {error.strerror or error})"
            raise SetupError("data", problem, "run this as the gateway's user") from error
        self._lines = self._socket.makefile("rb")

    def ask(self, do: str, **fields: object) -> Any:
        """The answer.

        Raises:
            SetupError: the gateway says no, or nothing.
        """
        try:
            self._socket.sendall(json.dumps({"do": do, **fields}).encode() + b"\n")
            line = self._lines.readline(LONGEST)
        except OSError as error:
            raise SetupError("data", f"the gateway does not answer ({error})", "see its log") from error
        if not line:
            raise SetupError("data", "the gateway ended the conversation", "see its log; it takes few at once")
        answer = json.loads(line)
        if "error" in answer:
            raise SetupError(do, answer["error"], "see modgate --help")
        return answer["ok"]

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
