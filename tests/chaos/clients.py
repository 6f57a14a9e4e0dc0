"""Clients that ask for anything all the time, and what they may never be told.

Belongs here: the modules of these tests, the truth about them, the judgement of an answer. Not here: what happens to
the upstreams (weather.py).
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from tests.world import Gateway, Module, Response
from tests.world.client import get

PATIENCE = 90.0
"""Seconds that an answer may take: far more than all the deadlines of the gateway together."""
SIZES = (0, 20_000, 60_000, 130_000, 400_000)
"""Bytes of payload: zips below and above the 64 KiB that are held back until a zip has been verified."""
TROUBLE = frozenset({502, 503, 504})
CORRUPT = "corrupt"


@dataclass(frozen=True)
class Truth:
    """What is right: bodies by name, and names that nobody has."""

    modules: tuple[Module, ...]
    bodies: dict[str, bytes]
    absent: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.bodies)


def truth(count: int) -> Truth:
    """About `count` modules with two versions each."""
    modules, bodies = list[Module](), dict[str, bytes]()
    for number in range(count):
        path, size = f"example.com/m{number}", SIZES[number % len(SIZES)]
        pair = [Module(path, version, payload=size) for version in ("v1.0.0", "v1.1.0")]
        modules += pair
        bodies[f"{path}/@v/list"] = b"v1.0.0\nv1.1.0\n"
        bodies[f"{path}/@latest"] = pair[1].info_bytes
        for module in pair:
            bodies[f"{module.name}.info"] = module.info_bytes
            bodies[f"{module.name}.mod"] = module.mod_bytes
            bodies[f"{module.name}.zip"] = module.zip_bytes
    absent = [f"example.com/none{number}/@v/list" for number in range(count)]
    absent += [f"example.com/m{number}/@v/v9.9.9.{kind}" for number in range(count) for kind in ("info", "mod", "zip")]
    return Truth(tuple(modules), bodies, tuple(absent))


def complaint(about: Truth, name: str, answer: Response, *, cached: bool = False) -> str:
    """What is wrong with an answer; "" if it may be.

    An answer that was cut tells nothing: whoever asked knows that it is not whole.
    """
    right = about.bodies.get(name)
    if answer.status == 200 and right is not None:
        if answer.cut:
            return "it was in the cache, and was cut" if cached else ""
        return "" if answer.body == right else f"wrong body of {len(answer.body)} bytes: {answer.body[:80]!r}"
    if answer.status == 404 and right is None:
        return ""
    if answer.status in TROUBLE and not cached:
        return ""
    return f"status {answer.status}: {answer.body[:300]!r}"


@dataclass
class Crowd:
    """So many clients, each in its thread, from `with` to its end."""

    gateway: Gateway
    about: Truth
    cached: frozenset[str]
    """Names that were in the cache before the first of them came."""
    seed: int
    count: int
    wrong: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    _ends: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._threads = [threading.Thread(target=self._asks, args=(number,)) for number in range(self.count)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _asks(self, number: int) -> None:
        chance = random.Random(f"{self.seed} {number}")
        while not self._ends.is_set():
            known = chance.random() < 0.9
            self._judges(chance.choice(self.about.names if known else self.about.absent))
            # Clients that never rest would keep the machine from what they wait for.
            self._ends.wait(chance.uniform(0.0, 0.2))

    def _judges(self, name: str) -> None:
        try:
            answer = get(f"{self.gateway.url}/{name}", timeout=PATIENCE)
        except OSError as error:
            self.wrong.append(f"{name}: no answer: {error!r}")
            return
        self.statuses.append(answer.status)
        said = complaint(self.about, name, answer, cached=name in self.cached)
        if said:
            self.wrong.append(f"{name}: {said}")


def asks_each(gateway: Gateway, names: Iterable[str], judge: Callable[[str, Response], bool]) -> list[str]:
    """Ask for each name once; those whose answer `judge` does not like, with it."""
    asked = [(name, get(f"{gateway.url}/{name}", timeout=PATIENCE)) for name in names]
    return [f"{name}: {answer.status} {answer.body[:200]!r}" for name, answer in asked if not judge(name, answer)]


def some(names: Sequence[str], seed: int, share: float) -> frozenset[str]:
    """A part of them, chosen at random."""
    return frozenset(random.Random(seed).sample(names, int(len(names) * share)))
