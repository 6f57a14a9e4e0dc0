"""The data directory: what lies where, and this gateway's identity.

modules/<namespace>/…   the artifact tree, laid out as $GOMODCACHE/cache/download
sumdb/<name>/…          lookups and tiles of checksum databases
checksum/<name>/…       evidence against checksum databases that have signed two histories
log/<name>/             our own checksum database: its log, which cannot be found again
spool/                  what is still arriving; everything in it may be lost
spool.locks             locks on names, across processes
quarantine/             files that were found damaged, for the operator to look at and remove
records.db              rows (SQLite)
generations             invalidation across processes
id                      this gateway's identity in Via headers
control.sock            how commands act on a gateway that runs; control.sock.lock is locked by the one that has it
ballast                 room that a start on a full disk takes back
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

BALLAST = 1 << 20
"""Bytes: SQLite's log and its index take 32 KiB and more when a database is opened."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one data directory."""

    root: Path

    @property
    def modules(self) -> Path:
        return self.root / "modules"

    @property
    def sumdb(self) -> Path:
        return self.root / "sumdb"

    @property
    def checksum(self) -> Path:
        return self.root / "checksum"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def quarantine(self) -> Path:
        return self.root / "quarantine"

    @property
    def records(self) -> Path:
        return self.root / "records.db"

    @property
    def generations(self) -> Path:
        return self.root / "generations"

    def own_log(self, name: str) -> Path:
        """The log of our own checksum database of this name, which may hold slashes."""
        return self.root / "log" / name / "log.db"

    @property
    def ballast(self) -> Path:
        return self.root / "ballast"

    def take_ballast(self) -> None:
        """Keep room for a start on a full disk, where there is room."""
        with suppress(OSError), self.ballast.open("xb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, BALLAST)
            except OSError:
                self.ballast.unlink()

    def drop_ballast(self) -> bool:
        """Make that room; False if there is none to make."""
        try:
            self.ballast.unlink()
        except OSError:
            return False
        return True

    def create(self) -> None:
        """Make the directories; the root is readable by its owner only, because private modules may lie in it.

        Raises:
            OSError: the directory cannot be made.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self.modules, self.sumdb, self.spool, self.quarantine):
            folder.mkdir(exist_ok=True)

    def identity(self) -> str:
        """This gateway's id, made once for the data directory: 16 hex digits.

        Raises:
            OSError: it cannot be read or written.
        """
        descriptor = os.open(self.root / "id", os.O_RDWR | os.O_CREAT, 0o644)
        with os.fdopen(descriptor, "r+") as file:
            # Of several processes that start at once the first one writes it; one that died before it could is no harm.
            fcntl.flock(file, fcntl.LOCK_EX)
            known = file.read().strip()
            if not known:
                known = secrets.token_hex(8)
                file.write(known)
            return known
