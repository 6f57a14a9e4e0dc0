"""The URL space of the port that our own checksum database has for itself: it begins at the root (protocol.md §5.1).

Belongs here: what a target means there. Not here: what is answered (checksum/), the data port's space (target.py).
"""

from __future__ import annotations

from collections.abc import Callable

from modgate.serve.target import HEALTH, LONGEST_TARGET, Place, Target, decode_path


def at_the_root_of(name: str, longest: int = LONGEST_TARGET) -> Callable[[bytes], Target]:
    """A parser of targets for the database `name`: what stands below `/sumdb/<name>/` of the data port stands here at
    the root, beside the health endpoints. There is no base path here: a go command takes the address as it is.

    The parser raises BadTarget as parse_target does.
    """

    def parse(raw: bytes) -> Target:
        path = decode_path(raw, longest)
        if path == "/":
            return Target(Place.ROOT)
        return HEALTH.get(path) or Target(Place.SUMDB, rest=f"{name}{path}")

    return parse
