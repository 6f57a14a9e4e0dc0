"""Who has to go where there are more connections than descriptors allow.

Belongs here: the choice. Not here: when it has to be made, and how a connection ends (protocol.py).

A connection costs a descriptor, and a file or an upstream that it needs costs others. Idle clients must not use up what
those need who ask: those that have never asked for anything go first, and then those that have been silent for
longest, as a server may let them at any time (RFC 9112 §9.5).
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import nsmallest
from typing import Protocol, TypeVar

SHARE, AT_ONCE = 8, 64
"""One of so many goes, and at most so many go, together: then not each newcomer costs a look at all of them."""


class Silent(Protocol):
    """What the choice needs to know of a connection."""

    @property
    def is_busy(self) -> bool:
        """Whether something that it asked for is being answered."""

    @property
    def has_asked(self) -> bool:
        """Whether anything that it asked for has been answered."""

    @property
    def silent_since(self) -> float:
        """Monotonic seconds."""


C = TypeVar("C", bound=Silent)


def who_goes(connections: Collection[C]) -> list[C]:
    """Some of the connections, those first that can best be done without; none if all of them are busy."""
    number = max(1, min(AT_ONCE, len(connections) // SHARE))
    silent = (one for one in connections if not one.is_busy)
    return nsmallest(number, silent, key=lambda one: (one.has_asked, one.silent_since))
