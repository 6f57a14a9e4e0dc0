"""Two gateways on one store are killed again and again while many clients ask: nobody ever gets a wrong byte."""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress

import pytest

from tests.world import Gateway, Module, World, faults

SECONDS = 30.0
SIZES = (100, 50_000, 70_000, 400_000, 1_500_000)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("ranges", [True, False])
def test_nothing_wrong_is_answered_or_kept(world: World, seed: int, ranges: bool) -> None:
    chance = random.Random(seed)
    modules = [Module(f"example.com/m{number}", "v1.0.0", payload=chance.choice(SIZES)) for number in range(60)]
    upstream = world.upstream(modules, ranges=ranges)
    upstream.misbehaves(faults.trickles(4_000_000), on="zip")
    right = {
        f"{module.name}.{kind}": body
        for module in modules
        for kind, body in (("zip", module.zip_bytes), ("mod", module.mod_bytes), ("info", module.info_bytes))
    }
    data = world.place("data")
    gateways = [world.gateway(upstream, data=data) for _ in range(2)]
    wrong, ends = list[str](), threading.Event()
    clients = [threading.Thread(target=asks, args=(gateways, right, wrong, ends, number)) for number in range(8)]
    for client in clients:
        client.start()
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        time.sleep(chance.random() * 0.8)
        which = chance.randrange(2)
        gateways[which].kill()
        gateways[which] = world.gateway(upstream, data=data)
    ends.set()
    for client in clients:
        client.join()
    assert wrong == []
    gateways[0].tidies_up()
    assert gateways[0].files("quarantine") == []
    lists = {f"example.com/m{number}/@v/list": b"v1.0.0\n" for number in range(len(modules))}
    for name in gateways[0].files("modules/public"):
        assert (data / "modules/public" / name).read_bytes() == (right | lists)[name]


def asks(
    gateways: list[Gateway], right: dict[str, bytes], wrong: list[str], ends: threading.Event, number: int
) -> None:
    """Ask for anything until it is over; a cut answer is no wrong one."""
    chance, names = random.Random(number), sorted(right)
    while not ends.is_set():
        name = chance.choice(names)
        with suppress(OSError):  # this gateway is dead just now
            answer = chance.choice(gateways).get(name)
            if answer.status != 200 or (not answer.cut and answer.body != right[name]):
                wrong.append(f"{name}: {answer.status}: {answer.body[:200]!r}")
