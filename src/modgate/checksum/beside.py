"""Another directory of checksum databases, in the form of our own and of the go command's.

It is read and never written, and what is in it is believed as little as what comes from outside.
"""

from __future__ import annotations

from pathlib import Path


class Beside:
    """The files of one database in it; without a directory there are none."""

    def __init__(self, directory: Path | None, database: str) -> None:
        self._place = None if directory is None else directory / database

    def read(self, name: str, most: int) -> bytes | None:
        """A file, at most `most` bytes and one, so that the caller sees when it is too long."""
        if self._place is None:
            return None
        try:
            with (self._place / name).open("rb") as file:
                return file.read(most + 1)
        except OSError:
            return None

    def names(self, folder: str) -> list[str]:
        """What lies directly below a folder."""
        if self._place is None:
            return []
        try:
            return [path.name for path in (self._place / folder).iterdir()]
        except OSError:
            return []
