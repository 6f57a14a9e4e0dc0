"""From an answer on the ordinary path to an entry for the fast path.

Belongs here: what may be kept, and how it is spelled for the next asker. Not here: how long an entry holds (table.py).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from modgate.errors import Absent, Unavailable
from modgate.serve import response
from modgate.serve.errors import failure_of
from modgate.serve.exchange import Exchange, Outcome, Reporter, log_fragment
from modgate.serve.openfiles import OpenFile, OpenFiles
from modgate.serve.response import WHOLE, Content, head_bytes
from modgate.serve.table import LARGEST_BODY, LARGEST_FILE, Entry, Principals, Table
from modgate.source.base import FOREVER, Cached, Stored


class Keeper:
    """Keeps for the fast path what the ordinary path answered."""

    def __init__(self, principals: Principals, reporter: Reporter, files: OpenFiles) -> None:
        self._principals = principals
        self._reporter = reporter
        self._files = files

    def place(self, exchange: Exchange) -> Place:
        """Where the answer to `exchange` may be kept; to be taken before anybody is asked."""
        if not exchange.plain or not exchange.target.startswith(b"/") or b"?" in exchange.target:
            # Otherwise a client could fill the memory with spellings of one question.
            return Place(self._reporter, exchange, self._files, None, 0)
        table = self._principals.register(exchange.principal)
        return Place(self._reporter, exchange, self._files, table, table.epoch)


@dataclass(frozen=True, slots=True)
class Place:
    """The place of one answer."""

    reporter: Reporter
    exchange: Exchange
    files: OpenFiles
    table: Table | None
    """None: it is not kept."""
    epoch: int

    def keep(
        self, content: Content, body: bytes, outcome: Outcome, stamp: tuple[int, int] | None, fresh_until: float
    ) -> None:
        """Keep a 200 for as long as it is fresh."""
        if content.cached is Cached.STALE:
            return
        content = replace(content, cached=Cached.HIT)
        status, headers = response.success(content, WHOLE)
        outcome = replace(outcome, status=status)
        packed = response.packed(content, body) if len(body) <= LARGEST_BODY else None
        smaller = None
        if packed is not None:
            smaller = self._entry(head_bytes(status, packed[0]), packed[1], outcome, stamp, fresh_until)
        entry = self._entry(head_bytes(status, headers), body, outcome, stamp, fresh_until)
        self._keep(entry and replace(entry, packed=smaller))

    def keep_file(self, content: Content, file: Stored, outcome: Outcome, stamp: tuple[int, int] | None) -> None:
        """Keep the way to a file; its bytes are in the page cache, which every process shares.

        The bytes of a very small one are kept too: opening it would cost more than sending it.
        """
        status, headers = response.success(replace(content, cached=Cached.HIT), WHOLE)
        outcome = replace(outcome, status=status)
        body = _bytes_of(file) if file.size <= LARGEST_BODY else b""
        self._keep(self._entry(head_bytes(status, headers), body, outcome, stamp, FOREVER, None if body else file))

    def keep_absence(self, error: Absent, outcome: Outcome) -> None:
        """Keep a 404: the go command asks for every prefix of an import path, so that these are most answers."""
        failure = failure_of(error, "")
        headers, body = response.failure(failure, Cached.HIT)
        told = replace(outcome, status=failure.status)
        self._keep(self._entry(head_bytes(failure.status, headers), body, told, error.stamp, error.fresh_until))

    def _entry(
        self,
        head: bytes,
        body: bytes,
        outcome: Outcome,
        stamp: tuple[int, int] | None,
        valid_until: float,
        file: Stored | None = None,
    ) -> Entry | None:
        """What is kept; None if it may not be."""
        clock = self.reporter.clock
        until = clock.until(valid_until)
        if self.table is None or stamp is None or until <= clock.monotonic():
            return None
        length = len(body) if file is None else file.size
        hit = replace(outcome, cache=Cached.HIT, source="", bytes_sent=length)
        return Entry(
            head=head,
            body=body,
            log=log_fragment(self.exchange, hit, hit.status),
            tally=self.reporter.tally(hit.kind, hit.status, hit.cache),
            stamp=stamp,
            valid_until=until,
            file=OpenFile(file, self.files) if file is not None and length <= LARGEST_FILE else None,
            large=file if length > LARGEST_FILE else None,
            length=length,
        )

    def _keep(self, entry: Entry | None) -> None:
        if entry is not None and self.table is not None:
            self.table.keep(self.exchange.target, entry, self.epoch)


def _bytes_of(file: Stored) -> bytes:
    """The whole of a very small file; b"" if it is not there any more."""
    try:
        descriptor = file.fileno()
    except Unavailable:
        return b""
    if descriptor is None:
        return b""
    try:
        data = os.pread(descriptor, file.size, 0)
        return data if len(data) == file.size else b""
    except OSError:
        return b""
    finally:
        os.close(descriptor)
