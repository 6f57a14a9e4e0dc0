"""Which gateways a request has passed, told from the requests that come in to those that go out because of them.

Two gateways that point at each other see their loop only if every request on it names all the gateways before it
(RFC 9110 §7.6.3). The names are no argument of asks: between the two kinds of requests lie caches, where one fetch
answers many asks. But a fetch is a task, a task has the context of the ask that began it, and that ask is its cause.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

MOST = 16
"""Names that are handed on, from the first: no sane chain of gateways is longer, and a loop comes back to the first."""

_NAME = re.compile(rb"modgate-[0-9a-f]{1,64}")
"""The pseudonym of a modgate. Others on the way are not handed on: the host names of a company's proxies are nobody's
business outside."""

_passed: ContextVar[tuple[str, ...]] = ContextVar("modgate_via", default=())


def passed(field: bytes) -> None:
    """The request that is being answered in this task came with this Via header."""
    _passed.set(tuple(name.decode() for name in _NAME.findall(field)[:MOST]))


def onward(entry: str) -> str:
    """The Via header of a request that goes out from this task; our own `entry` stands last in it."""
    return ", ".join([*(f"1.1 {name}" for name in _passed.get()), entry])
