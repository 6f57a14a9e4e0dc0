"""Single requests of the run itself: to fill a store, to warm a server up, to see that all answer the same.

Belongs here: one request and its answer. Not here: load (load/).
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass

from benchmarks.errors import Broken
from benchmarks.processes import LOOPBACK, trusting

SECONDS = 60.0
"""For one answer; the slowest is a cold zip of 36 MB with all its checks."""
WARM_SECONDS = 10.0
"""For a list that is stale to be fetched again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    cache: str
    """The X-Cache header; "" where a server sends none."""


def ask(port: int, target: str, *, secure: bool = False, seconds: float = SECONDS) -> Answer:
    """Ask once, over a connection of its own, with TLS if it is `secure`.

    Raises:
        Broken: there was no answer.
    """
    line = (
        http.client.HTTPSConnection(LOOPBACK, port, timeout=seconds, context=trusting())
        if secure
        else http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
    )
    try:
        line.request("GET", target)
        response = line.getresponse()
        return Answer(response.status, response.read(), response.getheader("X-Cache", ""))
    except (OSError, http.client.HTTPException) as error:
        raise Broken(f"GET {target}: {error!r}") from error
    finally:
        line.close()


def warm_up(port: int, target: str, *, secure: bool = False) -> Answer:
    """Ask until the answer comes from the server's own memory or disk.

    Raises:
        Broken: it does not.
    """
    until = time.monotonic() + WARM_SECONDS
    while time.monotonic() < until:
        answer = ask(port, target, secure=secure)
        if answer.cache in {"", "hit"} and ask(port, target, secure=secure).cache in {"", "hit"}:
            return answer
        time.sleep(0.01)
    raise Broken(f"GET {target} is no hit after {WARM_SECONDS:.0f} s")
