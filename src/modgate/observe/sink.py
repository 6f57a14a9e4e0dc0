"""Where batches of log lines go: a file, a pipe or terminal, a socket. None of them may block the caller.

Belongs here: how each kind of descriptor is written without waiting. Not here: what is written.
"""

from __future__ import annotations

import os
import select
import socket
import stat
from typing import Protocol

STDOUT, STDERR = 1, 2


class Sink(Protocol):
    """A place for bytes."""

    def write(self, data: bytes) -> int:
        """Write as much as fits without waiting, and return how much that was.

        Raises:
            OSError: it takes no more: a full disk, a reader that has gone.
        """

    def close(self) -> None: ...


def open_sink(target: str) -> Sink:
    """Open "-", the standard output, or a path for appending.

    Raises:
        OSError: it cannot be opened.
    """
    if target == "-":
        return inherited(STDOUT)
    return _of(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o640))


def inherited(descriptor: int) -> Sink:
    """A sink over a descriptor that others share.

    O_NONBLOCK belongs to the open file, so setting it would surprise everybody else who writes there. A pipe or a
    terminal is opened anew through /proc instead; a socket has a flag for the single call; a file never waits long.

    Raises:
        OSError: it is closed.
    """
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        return _Socket(socket.socket(fileno=os.dup(descriptor)))
    if stat.S_ISFIFO(mode) or stat.S_ISCHR(mode):
        try:
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            return _of(os.open(f"/proc/self/fd/{descriptor}", flags))
        except OSError:
            # No /proc, or somebody else's terminal: then a reader that stops reading can hold us up.
            return _Descriptor(os.dup(descriptor))
    return _Descriptor(os.dup(descriptor))


def _of(descriptor: int) -> Sink:
    return (_Pipe if stat.S_ISFIFO(os.fstat(descriptor).st_mode) else _Descriptor)(descriptor)


class _Descriptor:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        os.close(self._descriptor)


class _Pipe(_Descriptor):
    """Other workers write into it too. Of what is longer than PIPE_BUF it may take a part, and then theirs (pipe(7)):
    so whole lines are written, as many as fit into that."""

    def write(self, data: bytes) -> int:
        went = 0
        while went < len(data):
            most = went + select.PIPE_BUF
            end = len(data) if len(data) <= most else data.rfind(b"\n", went, most) + 1 or most
            taken = super().write(data[went:end])
            went += taken
            if went < end:
                break
        return went


class _Socket:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def write(self, data: bytes) -> int:
        try:
            return self._channel.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0

    def close(self) -> None:
        self._channel.close()
