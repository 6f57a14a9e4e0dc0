"""The commit order: bytes → fsync → durable row → rename into the tree → fsync of the directory.

One thread commits whatever waits, as one batch: while one batch is being made durable the next one gathers, so a
hundred small files cost few transactions and each is durable well within 200 ms. A crash

- before the row: the temporary file is swept at the next start; nothing was visible;
- between row and rename: the row is a pin without bytes, which the next fetch has to match; the file is swept;
- between rename and fsync of the directory: the file is visible, complete and checked, though perhaps not in `@v/list`
  yet; after a power cut it may be gone, and then the row is a pin without bytes.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from modgate.storage.lists import write_list
from modgate.storage.records import Records, Row

GATHER_SECONDS = 0.05
"""How long a batch of small files may grow: they are durable well within 200 ms, and the file system's journal is
written once for all of them (400 cold .mod files: 1.5 ms of system time each one by one)."""
MOST = 512
"""Jobs of one batch."""
KEPT = 32
"""Files of a batch that stay open from being written until they are durable. Each call of the kernel gives the GIL
away, and to get it back disturbs the serving thread: with 26 of them for a new file a cold graph took 12 % longer than
without any commit, with 17 it takes 4 %."""


@dataclass(frozen=True, slots=True)
class Move:
    """A file that becomes visible with its row."""

    source: str
    """In the spool."""
    target: str
    data: bytes | None = None
    """What is written to `source` first; None if that is there and durable already (a zip is synced before it comes
    here, so that it does not hold up small files)."""

    @property
    def is_zip(self) -> bool:
        return self.target.endswith(".zip")


@dataclass(slots=True)
class _Job:
    row: Row
    move: Move | None
    done: asyncio.Future[None]
    loop: asyncio.AbstractEventLoop
    error: OSError | None = field(default=None)
    descriptor: int | None = None
    """Of a small file that is being written."""

    @property
    def is_urgent(self) -> bool:
        """Somebody waits for it: for the end of a zip, or until a list is known to be out of date.

        A small file has been handed out already.
        """
        return self.move is None or self.move.data is None

    def settle(self) -> None:
        """Tell whoever waits; in its loop."""
        if self.done.done():
            return
        if self.error is not None:
            self.done.set_exception(self.error)
        else:
            self.done.set_result(None)


def _nothing(arrow: str) -> None:
    """What happens at an arrow outside of the crash tests."""


class Commits:
    """The one writer of a process."""

    def __init__(self, records: Records, arrow: Callable[[str], None] = _nothing) -> None:
        """`arrow` is called between any two steps with the name of the step that is over; crash tests die there."""
        self.waiting = 0
        """What is not durable yet."""
        self._records = records
        self._arrow = arrow
        self._queue: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="commits", daemon=True)
        self._thread.start()

    async def commit(self, row: Row, move: Move | None = None) -> None:
        """Make `row` durable, and the file of `move` visible; returns when both have happened.

        Raises:
            OSError: the store could not be written; the temporary file is still there.
        """
        loop = asyncio.get_running_loop()
        job = _Job(row, move, loop.create_future(), loop)
        self.waiting += 1
        job.done.add_done_callback(self._settled)
        self._queue.put(job)
        await asyncio.shield(job.done)

    def _settled(self, _: asyncio.Future[None]) -> None:
        self.waiting -= 1

    def close(self) -> None:
        """Commit what waits and end the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            jobs, ends = self._gathered(first)
            try:
                self._batch(jobs)
            except Exception as error:  # noqa: BLE001 the one writer has to live: whoever waits is told, and asks again
                for job in jobs:
                    job.error = job.error or OSError(f"commit failed: {error}")
                    _close(job)
            _settle(jobs)
            if ends:
                return

    def _gathered(self, first: _Job) -> tuple[list[_Job], bool]:
        """One batch that begins with `first`, and whether it is the last one."""
        jobs = [first]
        until = time.monotonic() + GATHER_SECONDS
        while len(jobs) < MOST and not jobs[-1].is_urgent:
            try:
                job = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _batch(self, jobs: list[_Job]) -> None:
        """One batch; a job that fails does not stop the others."""
        for number, job in enumerate(jobs):
            _guarded(job, _write)
            if number >= KEPT:
                _close(job)
        self._arrow("written")
        for job in jobs:
            _guarded(job, _sync)
            _close(job)
        self._arrow("synced")
        self._write_rows([job for job in jobs if job.error is None])
        self._arrow("recorded")
        made: set[str] = set()
        for job in jobs:
            _guarded(job, lambda _, move: _rename(move, made))
        self._arrow("renamed")
        moves = [job.move for job in jobs if job.move is not None and job.error is None]
        visible = [move.target for move in moves]
        for folder, spooled in {os.path.dirname(one.target): one.source for one in moves if one.is_zip}.items():
            with suppress(OSError):  # nobody in here reads it, and the next zip writes it again
                write_list(folder, f"{spooled}.list")
        # All of them after all changes: they go into the file system's journal together.
        for folder in made | {os.path.dirname(target) for target in visible}:
            _sync_directory(folder)
        self._arrow("directory synced")

    def _write_rows(self, jobs: list[_Job]) -> None:
        if not jobs:
            return
        try:
            self._records.write(job.row for job in jobs)
        except OSError as error:
            for job in jobs:
                job.error = error


def _settle(jobs: Sequence[_Job]) -> None:
    """Each loop is woken up once."""
    for loop in {job.loop for job in jobs}:
        loop.call_soon_threadsafe(_settle_in, loop, jobs)


def _settle_in(loop: asyncio.AbstractEventLoop, jobs: Sequence[_Job]) -> None:
    for job in jobs:
        if job.loop is loop:
            job.settle()


def _guarded(job: _Job, step: Callable[[_Job, Move], None]) -> None:
    if job.move is None or job.error is not None:
        return
    try:
        step(job, job.move)
    except OSError as error:
        job.error = error


def _write(job: _Job, move: Move) -> None:
    if move.data is None:
        return
    job.descriptor = os.open(move.source, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    data = memoryview(move.data)
    while data:
        data = data[os.write(job.descriptor, data) :]


def _sync(job: _Job, move: Move) -> None:
    if move.data is None:
        return
    if job.descriptor is None:
        job.descriptor = os.open(move.source, os.O_RDONLY)
    os.fsync(job.descriptor)


def _close(job: _Job) -> None:
    if job.descriptor is not None:
        with suppress(OSError):  # what fsync has said counts
            os.close(job.descriptor)
        job.descriptor = None


def _rename(move: Move, made: set[str]) -> None:
    """`made` gets the folders that have new ones in them."""
    try:
        os.rename(move.source, move.target)
    except FileNotFoundError:
        _make_directories(os.path.dirname(move.target), made)
        os.rename(move.source, move.target)


def _make_directories(path: str, made: set[str]) -> None:
    """Make a folder and what is missing of those above it; they are tried at once, for a look costs as much."""
    above = os.path.dirname(path)
    try:
        os.mkdir(path)
    except FileExistsError:
        return
    except FileNotFoundError:
        _make_directories(above, made)
        with suppress(FileExistsError):
            os.mkdir(path)
    made.add(above)


def _sync_directory(path: str) -> None:
    """Best effort: the entry is visible already, and a row without bytes is a pin."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)
