"""What the verifying client needs of the world: files of a database, a place to keep them, and one remembered head.

All names are those of the protocol below the database's address: `lookup/<module>@<version>` escaped, `tile/8/0/000`.
The contract stands in tests/checksum/ops_contract.py and holds for every implementation and for the fake.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Ops(Protocol):
    """One database, as it is reached and kept here. Its methods are used by many tasks at once."""

    async def fetch(self, name: str, use: Callable[[bytes, str], T]) -> T:
        """What `use` makes of the file `name`. It gets the bytes and the name of the way that they came, and judges
        them: where it raises a GatewayError the next way is tried, and where that is Corrupt an event tells of the way.

        Raises:
            Absent: every way that was asked says that the database does not have it.
            Unavailable, Corrupt, Forbidden: no way told; the worst of what came back.
        """

    async def kept(self, name: str) -> bytes | None:
        """The file as it is kept here, verified or not: who reads it verifies it."""

    async def keep(self, name: str, data: bytes) -> None:
        """Keep a verified file; what was kept under this name is replaced. Whoever awaits it may be cancelled.

        Raises:
            Unavailable: it cannot be kept; that spoils nothing.
        """

    async def drop(self, name: str) -> None:
        """What is kept under this name was proven wrong: put it out of the way, if it is still there."""

    async def head(self) -> bytes | None:
        """The remembered signed head, shared by all processes; None at the very beginning.

        Raises:
            Unavailable: it cannot be read.
        """

    async def advance(self, old: bytes | None, new: bytes) -> bool:
        """Remember `new` durably if `old` is what is remembered; False if something else is.

        Raises:
            Unavailable: it cannot be written.
        """
