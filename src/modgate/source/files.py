"""Small files of an upstream that belong to no module: those of a checksum database, asked with the same care.

Belongs here: the circuit and the second try around a file. Not here: what the file is (checksum/).
"""

from __future__ import annotations

from typing import Protocol

from modgate.observe.metrics import Metrics
from modgate.source.breaker import Circuit
from modgate.source.retry import retried


class Files(Protocol):
    """Whoever has them (goproxy.py)."""

    @property
    def name(self) -> str: ...

    async def fetch(self, name: str, most: int, label: str) -> bytes: ...


class GuardedFiles:
    """Fetches from `files`, again after an error that says so, and not while the circuit is open."""

    def __init__(self, files: Files, circuit: Circuit, metrics: Metrics) -> None:
        self._files = files
        self._circuit = circuit
        self._metrics = metrics

    @property
    def name(self) -> str:
        return self._files.name

    async def fetch(self, name: str, most: int, label: str) -> bytes:
        """The file `name`, at most `most` bytes; `label` is what it is for, as a person would say it.

        Raises:
            Absent, Forbidden, Unavailable: it cannot be had.
        """

        async def again() -> bytes:
            return await retried(lambda: self._files.fetch(name, most, label), self._metrics, self.name)

        return await self._circuit.ask(label, name, again)
