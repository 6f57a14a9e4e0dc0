"""Whether a database may still be believed: forks are recorded, and an operator decides what to do about them.

A fork is evidence against whoever holds the database's key. Both signed heads, and the proof that they exclude each
other, are written below `checksum/<name>/` of the data directory before anybody is refused for it; they stay there.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modgate.checksum.kept import head_cell
from modgate.errors import Fork
from modgate.storage.cells import Cells

Trust = Literal["known", "older", "newer"]


@dataclass(frozen=True, slots=True)
class State:
    """What is held against a database."""

    fork: str = ""
    """The folder with the evidence, from the data directory; "" where there is none that nobody has decided on."""
    decided: int = 0
    """How many forks an operator has decided on: whoever remembers the database from before begins anew."""


class Standing:
    """The standing of one database, the same for all processes."""

    def __init__(self, database: str, cells: Cells, root: Path, clock: Callable[[], float] = time.time) -> None:
        """`root` is the data directory."""
        self._database = database
        self._cells = cells
        self._root = root
        self._clock = clock
        self._cell = f"standing/{database}"
        self._last: tuple[bytes | None, State] = None, State()

    @property
    def state(self) -> State:
        """As it is now.

        Raises:
            OSError: it cannot be read.
        """
        data = self._cells.get(self._cell)
        if data != self._last[0]:
            self._last = data, State() if data is None else State(**json.loads(data))
        return self._last[1]

    @property
    def is_forked(self) -> bool:
        """Whether a fork waits for a decision, as far as it can be read: for metrics."""
        try:
            return bool(self.state.fork)
        except OSError:
            return bool(self._last[1].fork)

    def record(self, fork: Fork) -> str:
        """Keep the evidence and refuse from now on; the folder that it lies in. Only the first of several is kept.

        Raises:
            OSError: it cannot be written.
        """
        state = self.state
        if state.fork:
            return state.fork
        folder = self._folder("fork")
        self._keep(self._root / folder, fork)
        # If we die here, the next one who meets the fork writes another folder.
        self._change(state, State(folder, state.decided))
        return folder

    def accept(self, trust: Trust) -> bool:
        """An operator has decided which history is believed from now on; False if there is no fork to decide on.

        Raises:
            OSError: it cannot be written.
        """
        state = self.state
        if not state.fork:
            return False
        if trust != "known":
            head = (self._root / state.fork / trust).read_bytes()
            self._set(head_cell(self._database), head)
        self._change(state, State("", state.decided + 1))
        return True

    def begin_anew(self) -> str:
        """An operator says that the database has another key: what was known of it is forgotten, and kept as evidence.
        The file with the head that was known; "" if none was.

        Raises:
            OSError: it cannot be written.
        """
        state, cell = self.state, head_cell(self._database)
        while (note := self._cells.get(cell)) is not None:
            file = f"{self._folder('head')}/known"
            _write(self._root / file, note)
            # If we die here, the head is still known, and the file says so too.
            if self._cells.forget(cell, note):
                self._change(state, State("", state.decided + 1))
                return file
        return ""

    def _folder(self, kind: str) -> str:
        return f"checksum/{self._database.replace('/', '~')}/{kind}-{int(self._clock())}"

    def _change(self, old: State, new: State) -> None:
        """Where another process was first, its word stands."""
        before = self._last[0] if self._last[1] is old else self._cells.get(self._cell)
        text = json.dumps({"fork": new.fork, "decided": new.decided}).encode()
        self._cells.swap(self._cell, before, text)

    def _set(self, cell: str, value: bytes) -> None:
        while not self._cells.swap(cell, self._cells.get(cell), value):
            pass  # a process that still follows the other history was first, and stops at its next look

    def _keep(self, folder: Path, fork: Fork) -> None:
        proof = {
            "database": self._database,
            "reason": fork.reason,
            "root": base64.b64encode(fork.root).decode(),
            "proof": [base64.b64encode(one).decode() for one in fork.proof],
        }
        contents = {"older": fork.older, "newer": fork.newer, "proof.json": json.dumps(proof, indent=1).encode()}
        for name, data in contents.items():
            _write(folder / name, data)


def _write(place: Path, data: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
