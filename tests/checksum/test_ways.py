"""Whether an upstream supports a checksum database is asked seldom, and what it denied is asked again soon."""

from __future__ import annotations

from dataclasses import dataclass, field

from modgate.checksum.ways import SUPPORT_SECONDS, UNSUPPORTED_SECONDS, Proxy, Ways
from modgate.errors import Absent

NAME = "sum.example.com"


@dataclass
class Relay:
    """An upstream that relays the database when it is there."""

    name: str
    is_there: bool = True
    asked: list[str] = field(default_factory=list)

    async def fetch(self, name: str, most: int, label: str) -> bytes:
        self.asked.append(name.removeprefix(f"sumdb/{NAME}/"))
        if not self.is_there:
            raise Absent(asked=label, source=self.name, reason="answered 404")
        return self.name.encode()


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def told_by(ways: Ways) -> str:
    return await ways.fetch("latest", 100, lambda data, _: data.decode())


async def test_a_yes_is_believed_for_long() -> None:
    relay, clock = Relay("relay"), Clock()
    ways = Ways(NAME, [Proxy(relay, ",")], Relay("database"), clock=clock)
    assert await told_by(ways) == "relay"
    clock.now += SUPPORT_SECONDS - 1
    assert await told_by(ways) == "relay"
    assert relay.asked.count("supported") == 1


async def test_a_no_is_believed_for_a_minute() -> None:
    relay, clock = Relay("relay", is_there=False), Clock()
    ways = Ways(NAME, [Proxy(relay, ",")], Relay("database"), clock=clock)
    assert await told_by(ways) == "database"
    relay.is_there = True
    clock.now += UNSUPPORTED_SECONDS - 1
    assert await told_by(ways) == "database"
    assert relay.asked.count("supported") == 1
    clock.now += 1
    assert await told_by(ways) == "relay"
