"""How upstreams change under the feet of a gateway: at random, and the same way again for the same seed.

Belongs here: the states of an upstream, and who changes them when. Not here: what clients may be answered meanwhile
(clients.py).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence

from tests.world import Upstream, faults

State = Callable[[Upstream], None]

CUT_ANYWHERE = 30_000
"""Bytes: zips of these tests are smaller and larger than that, so that a cut comes before their end and in it."""


def well(upstream: Upstream) -> None:
    """It answers as it should."""


def slow(upstream: Upstream) -> None:
    """It thinks first, and its zips trickle."""
    upstream.misbehaves(faults.slow_first_byte(0.3))
    upstream.misbehaves(faults.trickles(400_000), on="zip")


def hanging(upstream: Upstream) -> None:
    """It takes requests and says nothing until its state changes."""
    upstream.hangs()


def resetting(upstream: Upstream) -> None:
    """Connections are reset, those of zips in the midst of the body."""
    upstream.misbehaves(faults.resets())
    upstream.misbehaves(faults.resets(after=CUT_ANYWHERE), on="zip")


def unavailable(upstream: Upstream) -> None:
    """503 to everything."""
    upstream.misbehaves(faults.status(503))


def truncating(upstream: Upstream) -> None:
    """Bodies end early, though their whole length is promised; of zips that end is not even to be seen."""
    upstream.misbehaves(faults.cuts(after=10))
    upstream.misbehaves(faults.until_close(cut_after=CUT_ANYWHERE), on="zip")


def captive(upstream: Upstream) -> None:
    """A page to log in, with status 200, whatever was asked for."""
    upstream.misbehaves(faults.login_page())


def lying(upstream: Upstream) -> None:
    """Zips, go.mod files and the checksum database are not what they were; of lists and infos nobody could tell."""
    for kind in ("zip", "mod", "sumdb/*"):
        upstream.misbehaves(faults.flipped_bit(), on=kind)


def denying(upstream: Upstream) -> None:
    """404 to everything, though it has it."""
    upstream.misbehaves(faults.status(404, "not found: never heard of it"))


def gone(upstream: Upstream) -> None:
    """Connections are refused."""
    upstream.goes_down()


STATES: tuple[State, ...] = (
    well,
    slow,
    hanging,
    resetting,
    unavailable,
    truncating,
    captive,
    lying,
    denying,
    gone,
)


class Weather:
    """Changes the upstreams, one at a time."""

    def __init__(self, upstreams: Sequence[Upstream], seed: int, states: Sequence[Sequence[State]]) -> None:
        """`states` are those that each of the upstreams may come into."""
        self._upstreams = tuple(upstreams)
        self._states = tuple(states)
        self._chance = random.Random(seed)
        self._down = set[Upstream]()
        self.seen: list[str] = []
        """What has happened: "1 hanging" is the second upstream."""

    def rages(self, seconds: float) -> None:
        """Go on for so long."""
        until, pause = time.monotonic() + seconds, threading.Event()
        while time.monotonic() < until:
            number = self._chance.randrange(len(self._upstreams))
            self.turns(number, self._chance.choice(self._states[number]))
            pause.wait(self._chance.uniform(0.02, 0.8))

    def turns(self, number: int, state: State) -> None:
        """Let one upstream be in this state."""
        upstream = self._upstreams[number]
        upstream.behaves()
        if upstream in self._down:
            upstream.comes_back()
            self._down.discard(upstream)
        state(upstream)
        if state is gone:
            self._down.add(upstream)
        self.seen.append(f"{number} {state.__name__}")

    def clears(self) -> None:
        """All of them are well again."""
        for number in range(len(self._upstreams)):
            self.turns(number, well)
