"""Waiting for what another process does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from tests.world.delivery import PATIENCE

STEP = 0.01
"""Seconds between two looks."""

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], what: str, *, within: float = PATIENCE) -> Found:
    """Look until the result is true, and return it; fail after `within` seconds, saying `what` did not happen."""
    until = time.monotonic() + within
    while not (found := look()):
        assert time.monotonic() < until, f"{what}: not within {within:.0f} s"
        time.sleep(STEP)
    return found
