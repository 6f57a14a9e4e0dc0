"""The artifact tree: complete, checked, immutable files below modules/<namespace>/, named as in the protocol.

The layout is that of $GOMODCACHE/cache/download, so nginx or GOPROXY=file:// can serve a namespace, and moving a cache
in or out is a copy. A file gets here only by the rename in commit.py.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

from modgate.errors import Trouble, Unavailable

PATH_BYTES = 3000
"""The longest name: 4096 is the kernel's bound for a whole path, and the data directory has one of its own."""
NAME_BYTES = 255
"""The longest element of a path that Linux file systems take. Go's own cache has the same bound."""
SPENT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
"""What says nothing about the file: this process, or the machine, has nothing left just now to open it with."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells that a file is the one that was proven: a change of any of these means a new proof."""

    size: int
    modified: int
    """Nanoseconds since the epoch."""
    changed: int
    """Likewise, of content, name or permissions: nobody can put this one back, as backups do with the other."""
    inode: int

    def is_of(self, descriptor: int) -> bool:
        """Whether an open file has it; asked for each small zip that is sent, so that nothing is made for it."""
        status = os.fstat(descriptor)
        return (
            status.st_ctime_ns == self.changed
            and status.st_mtime_ns == self.modified
            and status.st_size == self.size
            and status.st_ino == self.inode
        )


class Tree:
    """The files of all namespaces of one data directory."""

    def __init__(self, modules: Path, quarantine: Path) -> None:
        self._modules = str(modules)
        self._quarantine = quarantine

    def path(self, namespace: str, name: str) -> str:
        return f"{self._modules}/{namespace}/{name}"

    def holds(self, name: str) -> bool:
        """Whether a file of this name can exist at all."""
        return len(name) <= PATH_BYTES and all(len(element) <= NAME_BYTES for element in name.split("/"))

    def identity(self, namespace: str, name: str) -> Identity | None:
        """Of a file as it is now; None if it is not here."""
        try:
            status = os.stat(self.path(namespace, name))
        except OSError:
            return None
        return _identity(status)

    def read(self, namespace: str, name: str, most: int) -> tuple[bytes, Identity] | None:
        """A small file and its identity, at most `most` bytes and one, so that the caller sees when it is too long.

        None if it is not here. One that cannot be read (permissions, a bad sector) is empty: no proof will accept it.

        Raises:
            Unavailable: no file can be opened just now.
        """
        try:
            descriptor = os.open(self.path(namespace, name), os.O_RDONLY)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise_spent(error)
            identity = self.identity(namespace, name)
            return (b"", identity) if identity is not None else None
        try:
            identity = identity_of(descriptor)
            return _read_all(descriptor, min(identity.size, most) + 1), identity
        except OSError:
            return b"", identity_of(descriptor)
        finally:
            os.close(descriptor)

    def names(self, namespace: str, folder: str) -> list[str]:
        """What lies directly below a folder; nothing if it is not there."""
        try:
            return os.listdir(self.path(namespace, folder))
        except OSError:
            return []

    def quarantine(self, namespace: str, name: str, inode: int) -> None:
        """Move a damaged file out of the way, unless another process has already put a good one there.

        Raises:
            OSError: it cannot be moved.
        """
        path = self.path(namespace, name)
        try:
            if os.stat(path).st_ino == inode:
                os.rename(path, self._quarantine / f"{time.time_ns()}-{name.replace('/', '~')[-200:]}")
        except FileNotFoundError:
            pass


def raise_spent(error: OSError) -> None:
    """Pass if a file could not be opened for what it is.

    Raises:
        Unavailable: nothing can be opened just now; the file may be as good as ever.
    """
    if error.errno in SPENT:
        reason = f"cannot open what is stored just now ({(error.strerror or '').lower()})"
        raise Unavailable(reason=reason, trouble=Trouble.OURS, retry_after=1.0) from error


def identity_of(descriptor: int) -> Identity:
    return _identity(os.fstat(descriptor))


def _identity(status: os.stat_result) -> Identity:
    return Identity(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _read_all(descriptor: int, size: int) -> bytes:
    pieces = []
    while size > 0 and (piece := os.read(descriptor, size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
