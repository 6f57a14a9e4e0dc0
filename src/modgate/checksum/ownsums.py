"""Which sums our own log records, and why they are believed.

Private modules: the hashes of what our store has, which is fetched into it where it is missing. Public modules and
toolchains: what the public database has recorded, proven to be in its log; the proof is kept with our record.

Belongs here: the grounds of one new record. Not here: the log (log.py), who asks for it (own.py).
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from modgate.errors import Absent, Corrupt, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.source.base import Ask, Kind, Source, Terms
from modgate.storage.records import ArtifactRow

AT_ONCE = 32
"""Private versions that are fetched for a lookup at one time. Each may bring a zip, and the zips that go commands wait
for shall come first."""
TRIES = 2
"""A download that was under way when we came may fail; the second one is asked for by us, and its error is ours."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """A record, and why it is made."""

    text: str
    """Lines of go.sum: the zip's and the go.mod's."""
    evidence: str
    """JSON."""


class PublicRecord(Protocol):
    """What the public database has, proven to be in its log (client.Verified)."""

    @property
    def sums(self) -> Mapping[str, str]: ...
    @property
    def record_id(self) -> int: ...
    @property
    def tree_size(self) -> int: ...
    @property
    def head(self) -> bytes: ...


Verified = Callable[[ModulePath, str], Awaitable[PublicRecord]]
"""Looks a path and version up in the public database, for as long as it has patience. Raises Absent where the database
says that it has no such record, other GatewayErrors where that could not be found out."""


class Store(Protocol):
    """The rows of a namespace (storage/namespace.py)."""

    def pin(self, name: str) -> ArtifactRow | None: ...
    def hold(self, name: str) -> AbstractAsyncContextManager[bool]: ...


def record_text(path: str, version: str, sums: Mapping[str, str]) -> str:
    """The lines of go.sum, as the public database writes them; `sums` as in client.Verified."""
    places = (("zip", version), ("mod", f"{version}/go.mod"))
    return "".join(f"{path} {place} {sums[kind]}\n" for kind, place in places if kind in sums)


class StoreSums:
    """Of private modules."""

    def __init__(
        self, source: Source, store: Callable[[ModulePath], Store | None], clock: Callable[[], float] = time.time
    ) -> None:
        """`source` keeps what it fetches of a module in its `store`, or keeps nothing of it where that is None; `clock`
        gives seconds since the epoch.
        """
        self._source = source
        self._store = store
        self._clock = clock
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def grounds(self, path: ModulePath, version: str, terms: Terms) -> Grounds:
        """Raises:
        Absent, Refused, Unavailable, Corrupt: the module cannot be had.
        """
        store = self._store(path)
        if store is None:
            reason = "is fetched for each client anew, and nothing of it is recorded; set GONOSUMDB for it"
            raise Absent(asked=f"{path}@{version}", reason=reason)
        rows = {kind: await self._row(store, Ask(kind, path, version), terms) for kind in (Kind.MOD, Kind.ZIP)}
        text = record_text(path, version, {kind.value: row.h1 for kind, row in rows.items()})
        evidence = {"recorded": self._clock(), "from": "store", "source": rows[Kind.ZIP].source}
        return Grounds(text, json.dumps(evidence))

    async def _row(self, store: Store, ask: Ask, terms: Terms) -> ArtifactRow:
        row = store.pin(ask.name)
        if row is not None:
            return row
        async with self._turns:
            for _ in range(TRIES):
                await self._source.get(ask, terms)
                # Whoever fetches it holds this until its row is durable: nothing is recorded that could be lost again.
                async with store.hold(ask.name):
                    row = store.pin(ask.name)
                if row is not None:
                    return row
        raise Unavailable(asked=str(ask), reason="could not be fetched whole", trouble=Trouble.OURS)


class PublicSums:
    """Of everything else."""

    def __init__(self, database: str, verified: Verified, clock: Callable[[], float] = time.time) -> None:
        """`database` is the public one's name; `clock` gives seconds since the epoch."""
        self._database = database
        self._verified = verified
        self._clock = clock

    async def grounds(self, path: ModulePath, version: str, _terms: Terms) -> Grounds:
        """Raises:
        Absent: the public database has no such record.
        Corrupt: what it says cannot be proven, or lacks a sum.
        Unavailable: it could not be asked.
        """
        try:
            record = await self._verified(path, version)
        except Unavailable as error:
            # We are up and could answer, if it could: 503, whatever kept it from us.
            reason = f"not recorded here yet, and {self._database} could not be asked: {error.reason}"
            raise Unavailable(
                asked=f"{path}@{version}", source=error.source, reason=reason, trouble=Trouble.OPEN
            ) from error
        if "zip" not in record.sums or "mod" not in record.sums:
            reason = f"record {record.record_id} lacks the sum of the zip or of the go.mod"
            raise Corrupt(asked=f"{path}@{version}", source=self._database, reason=reason)
        evidence = {
            "recorded": self._clock(),
            "from": self._database,
            "record": record.record_id,
            "tree": record.tree_size,
            "head": base64.b64encode(record.head).decode(),
        }
        return Grounds(record_text(path, version, record.sums), json.dumps(evidence))
