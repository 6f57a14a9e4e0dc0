"""Who owns the temporary files in the spool, and the removal of what dead processes left.

A small file that is on its way carries its process's session as the first part of its name (`<session>.<n>`); a
download carries its key (`<key>.part`, `<key>.json`). Both owners hold a lock while they live (an flock on
`<session>.session`, that of the key), so the living can be told from the dead whatever killed them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modgate.storage.locks import Locks


@contextmanager
def session(spool: Path) -> Iterator[str]:
    """A prefix for this process's temporary files; what the dead left is swept first.

    Raises:
        OSError: the spool cannot be written.
    """
    sweep(spool)
    name = secrets.token_hex(6)
    path = spool / f"{name}.session"
    descriptor = _locked(path)
    try:
        yield name
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(path: Path) -> int:
    """Make the file and lock it. Somebody who sweeps between the two takes it for a dead one: then once more."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def sweep(spool: Path) -> int:
    """Remove what dead processes left in the spool; returns how many files that were. Another process may do the
    same."""
    stems, locks = {path.name.partition(".")[0] for path in spool.iterdir()}, Locks(spool)
    return sum(_sweep_owner(spool, stem, locks) for stem in stems)


def _sweep_owner(spool: Path, stem: str, locks: Locks) -> int:
    if (spool / f"{stem}.session").exists():
        return _remove_if_free(spool, stem)
    if not locks.try_hold(stem):
        return 0  # a living process downloads it
    try:
        return _remove(spool, stem)
    finally:
        locks.release(stem)


def _remove_if_free(spool: Path, stem: str) -> int:
    try:
        descriptor = os.open(spool / f"{stem}.session", os.O_RDWR)
    except FileNotFoundError:
        return 0  # its owner ended in good order just now
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 0
    else:
        return _remove(spool, stem)
    finally:
        os.close(descriptor)


def _remove(spool: Path, stem: str) -> int:
    owned = list(spool.glob(f"{stem}.*"))
    for path in owned:
        path.unlink(missing_ok=True)
    return len(owned)
