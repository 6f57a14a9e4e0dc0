"""Where the control socket is: `control.sock` in the data directory, however long that directory's path is.

A Unix socket's address has at most 107 bytes. The kernel knows a directory that is open by a short name too, so that a
long path needs no other place for the socket, which somebody would have to find.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

NAME = "control.sock"
LOCK = f"{NAME}.lock"
"""Locked by the gateway that has the socket."""
LONGEST = 107
"""Bytes of sun_path on Linux, without its final zero."""


def listening(data: Path) -> socket.socket:
    """A socket that nobody but this user can connect to; what a dead gateway has left is replaced.

    Raises:
        OSError: it cannot be made.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK((data / NAME).lstat().st_mode):
                (data / NAME).unlink()
        _with_address(data, made.bind)
        # Before this nobody listens, so nobody can have connected.
        (data / NAME).chmod(0o600)
        made.listen(8)
        made.setblocking(False)
    except BaseException:
        made.close()
        raise
    return made


def connected(data: Path, seconds: float) -> socket.socket:
    """A connection to the gateway that runs on this data directory; `seconds` bounds each step on it.

    Raises:
        OSError: none does, or it is another user's.
    """
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.settimeout(seconds)
        _with_address(data, made.connect)
    except BaseException:
        made.close()
        raise
    return made


def _with_address(data: Path, use: Callable[[str], None]) -> None:
    address = str(data / NAME)
    if len(os.fsencode(address)) <= LONGEST:
        use(address)
        return
    with closing(_Opened(data)) as directory:
        use(f"/proc/self/fd/{directory.descriptor}/{NAME}")


class _Opened:
    def __init__(self, directory: Path) -> None:
        self.descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)

    def close(self) -> None:
        os.close(self.descriptor)
