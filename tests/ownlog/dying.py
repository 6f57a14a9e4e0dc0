"""A process that writes a log and dies at an arrow: `python -m tests.ownlog.dying FOLDER ARROW`.

It prints each head that it could have served, as a line of base64, and each record with its number.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from modgate.checksum.log import OwnLog
from modgate.storage.log import SqliteLog
from modgate.storage.witness import FileWitness
from modgate.tlog.ed25519 import Ed25519Verifier
from tests.checksum.log import NAME, key_of, record_text

KEY = key_of(NAME)
BATCHES = ((0, 1, 2), (3,))
WRITES = 3
"""Whoever comes first is written alone, and the others meanwhile gather: 0, then 1 and 2, then 3."""
ARROWS = 4 + 6 * WRITES
"""Of the empty head two, and two of the witness that is told of it; of each write two more, for its records."""


def opened(folder: Path, arrow: Callable[[str], None]) -> OwnLog:
    """A log on the files of `folder`."""
    store, witness = SqliteLog(folder / "log.db", arrow), FileWitness(folder / "witness", arrow)
    return OwnLog(NAME, store, [KEY], [Ed25519Verifier(KEY.verifier_key)], witness)


async def record(log: OwnLog, numbers: Sequence[int]) -> list[int]:
    """Record modules by numbers, all at one time."""
    path = "example.com/m"
    asks = (log.record(f"{path}@v1.0.{number}", record_text(path, f"v1.0.{number}")) for number in numbers)
    return list(await asyncio.gather(*asks))


async def write(folder: Path, last: int) -> None:
    """Write all batches, and die at arrow number `last`."""
    passed = itertools.count()

    def arrow(_: str) -> None:
        if next(passed) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    log = opened(folder, arrow)
    await log.start()
    say("head", log)
    for batch in BATCHES:
        for number, place in zip(batch, await record(log, batch), strict=True):
            print("record", number, place, flush=True)
        say("head", log)


def say(what: str, log: OwnLog) -> None:
    print(what, base64.b64encode(log.published.note).decode(), flush=True)


if __name__ == "__main__":
    asyncio.run(write(Path(sys.argv[1]), int(sys.argv[2])))
