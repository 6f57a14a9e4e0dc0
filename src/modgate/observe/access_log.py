"""The access log: one JSON line per request, written in batches.

Belongs here: the line's fields and spelling, and how lines reach a descriptor without ever holding up a request. Not
here: what a request is (serve/ hands over plain values), who flushes (the gateway's task, every 200 ms).

A line costs the hot path one formatted string and one append, well below a microsecond, against 8 µs for a call of the
standard library's logging (measured).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from modgate.observe.sink import Sink, open_sink

BATCH_BYTES = 64 * 1024
"""A batch that large is written at once; smaller ones wait for the next flush. One write of a pipe's usual capacity."""
PENDING_BYTES = 1024 * 1024
"""What a reader that does not read may keep waiting; lines beyond that are dropped and counted."""

NEWLINE = 0x0A

_JSON = json.JSONEncoder(separators=(",", ":"))

_SENT = re.compile(r',"bytes_sent":\d+,')
"""Not in a target: the quotes there are escaped."""
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)?[^/]*@")


class AccessLog:
    """Lines on their way to one sink. A full disk or a reader that has gone costs lines, never a request."""

    def __init__(self, target: str) -> None:
        """`target` is "-" for the standard output, "off", or a path, which is made where it does not exist.

        Raises:
            OSError: the file cannot be opened.
        """
        self._target = target
        self._sink: Sink | None = None if target == "off" else open_sink(target)
        self.enabled = self._sink is not None
        """False: nobody needs to prepare lines."""
        self.begins: Callable[[], None] = _nobody
        """Called when a line comes and none waits: it is to be flushed."""
        self.dropped = 0
        """Lines that could not be written since the start."""
        self._lines: list[str] = []
        self._size = 0
        self._pending = b""
        self._midline = False
        # Spelled once for all requests of one millisecond: at 100,000 a second that saves half of the line's cost.
        self._millisecond = -1
        self._time = ""

    def add(self, at: float, request_id: str, fragment: str, seconds: float, client_ip: str) -> None:
        """Put one line into the batch. `at` is in seconds since the epoch, `fragment` comes from `fragment()`."""
        if not self.enabled:
            return
        millisecond = int(at * 1000)
        if millisecond != self._millisecond:
            self._millisecond = millisecond
            self._time = _rfc3339(millisecond)
        line = (
            f'{{"time":"{self._time}","request_id":"{request_id}"{fragment},'
            f'"request_time":{seconds:.6f},"client_ip":"{client_ip}"}}\n'
        )
        if not self._lines:
            self.begins()
        self._lines.append(line)
        self._size += len(line)
        if self._size >= BATCH_BYTES:
            self.flush()

    @property
    def waits(self) -> bool:
        """Whether there is something to flush."""
        return bool(self._lines or self._pending)

    def flush(self) -> None:
        """Write what is there. What the sink does not take now waits for the next call, within PENDING_BYTES."""
        if self._sink is None:
            return
        # A line that was written half and then lost is ended here, so that it does not spoil the next one.
        lead = b"\n" if self._midline and not self._pending else b""
        data = lead + self._pending + "".join(self._lines).encode()
        self._lines.clear()
        self._size = 0
        if len(data) == len(lead):
            return
        try:
            written = self._sink.write(data)
        except OSError:
            self._pending = b""
            self.dropped += data.count(b"\n", len(lead))
            return
        if written:
            self._midline = data[written - 1] != NEWLINE
        self._pending = data[written:]
        if len(self._pending) > PENDING_BYTES:
            self._shorten()

    def reopen(self) -> None:
        """Open the path anew, for log rotation (SIGHUP). If that fails, the old file goes on being written.

        Raises:
            OSError: the new file cannot be opened.
        """
        if self._sink is None or self._target == "-":
            return
        self.flush()
        fresh = open_sink(self._target)
        self._sink.close()
        self._sink = fresh
        if self._midline:
            # The old file has the first half of this line; the new one must not begin with the second.
            self._pending = self._pending.partition(b"\n")[2]
            self._midline = False
            self.dropped += 1

    def close(self) -> None:
        """Write what is there and let go of the descriptor."""
        if self._sink is None:
            return
        self.flush()
        self.dropped += self._pending.count(b"\n")
        self._sink.close()
        self._sink = None
        self.enabled = False

    def _shorten(self) -> None:
        """Drop all but the first line, which may be half written already."""
        first = self._pending.index(b"\n") + 1
        self.dropped += self._pending.count(b"\n", first)
        self._pending = self._pending[:first]


def _nobody() -> None:
    """Nobody flushes by himself."""


def cut(fragment: str, sent: int) -> str:
    """The fragment of a response of which only `sent` bytes went out."""
    return _SENT.sub(f',"bytes_sent":{sent},', fragment, count=1)


def _rfc3339(millisecond: int) -> str:
    second, fraction = divmod(millisecond, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{fraction:03d}Z"


def fragment(
    *,
    method: str,
    target: str,
    module_path: str = "",
    version: str = "",
    kind: str,
    user_id: str = "",
    status_code: int,
    bytes_sent: int,
    cache: str,
    upstream_name: str = "",
) -> str:
    """What of a line does not change from one request to the next like it; ready responses keep theirs.

    The query and the userinfo of `target` are left out: both may hold secrets.
    """
    fields = {
        "method": method,
        "target": _USERINFO.sub(lambda match: match[1] or "", target.partition("?")[0]),
        "module_path": module_path,
        "version": version,
        "kind": kind,
        "user_id": user_id,
        "status_code": status_code,
        "bytes_sent": bytes_sent,
        "cache": cache,
        "upstream_name": upstream_name,
    }
    return "," + _JSON.encode(fields)[1:-1]
