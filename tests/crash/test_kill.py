"""A gateway that was killed leaves nothing half done, nothing that piles up, and all that it had answered."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.world import Gateway, Module, Response, World, eventually

pytestmark = pytest.mark.workers(1, 2, soak=4)

LARGE = Module("example.com/large", "v1.0.0", payload=2_000_000)
MANY = [Module(f"example.com/m{number}", "v1.0.0", payload=number * 1000) for number in range(40)]


def test_a_download_that_was_cut_off_by_a_kill_leaves_no_partial_file_and_no_growing_litter(world: World) -> None:
    upstream = world.upstream([LARGE])
    data = world.place("data")
    for _ in range(3):
        rest = upstream.pauses(after=1_500_000, times=1)
        gateway = world.gateway(upstream, data=data)
        with gateway.connect() as client:
            client.asks(f"{LARGE.name}.zip")
            assert client.begins().read(1_000_000)
            gateway.kill()
        rest.open()
        assert gateway.files("modules") == []
        assert len(gateway.spool()) <= 3, "one lock, one file and its note"
    last = world.gateway(upstream, data=data)
    eventually(lambda: len(last.files("spool")) == world.workers, "nothing but its own marks are left")
    answer = last.get(f"{LARGE.name}.zip")
    assert (answer.body, answer.cache) == (LARGE.zip_bytes, "miss")
    assert last.files("modules") == [f"public/{LARGE.path}/@v/list", f"public/{LARGE.name}.zip"]


def test_whatever_was_answered_half_a_second_before_a_kill_is_there(world: World) -> None:
    database = world.database()
    upstream = world.upstream(MANY, database=database)
    upstream.branch(MANY[0].path, "main", "v1.0.0")
    gateway = world.gateway(upstream, checksum=database.key)
    lookup = f"sumdb/{database.name}/lookup/{MANY[0]}"
    targets = [f"{module.name}.{kind}" for module in MANY for kind in ("info", "mod", "zip")]
    targets += [f"{module.path}/@v/list" for module in MANY] + [f"{MANY[0].path}/@latest"]
    targets += [f"{MANY[0].path}/@v/main.info", lookup, f"sumdb/{database.name}/tile/8/0/000.p/{len(MANY)}"]
    answers = [gateway.get(target) for target in targets]
    assert {answer.status for answer in answers} == {200}
    time.sleep(0.5)  # what is promised is a time
    gateway.kill()
    upstream.goes_down()
    after = world.gateway(upstream, checksum=database.key, data=gateway.data)
    for target, before in zip(targets, answers, strict=True):
        assert (after.get(target).status, after.get(target).body) == (200, before.body), target


@pytest.mark.parametrize("count", [1, 40])
def test_a_kill_in_the_middle_of_many_answers_leaves_whole_files_only(world: World, count: int) -> None:
    upstream = world.upstream(MANY)
    gateway = world.gateway(upstream)
    with asking(gateway) as answered:
        eventually(lambda: len(answered) >= count, f"{count} answers came")
        gateway.kill()
    whole = {f"public/{module.name}.{kind}": body for module in MANY for kind, body in bodies(module).items()}
    whole |= {f"public/{module.path}/@v/list": f"{module.version}\n".encode() for module in MANY}
    for name in gateway.files("modules"):
        assert (gateway.data / "modules" / name).read_bytes() == whole[name]
    after = world.gateway(upstream, data=gateway.data)
    assert after.spool() == []
    for name, body in whole.items():
        assert after.get(name.removeprefix("public/")).body == body


@contextmanager
def asking(gateway: Gateway) -> Iterator[list[Response]]:
    """While it lasts, many clients ask for everything there is; yields what they have got so far."""
    answered: list[Response] = []
    turns = itertools.cycle([f"{module.name}.{kind}" for module in MANY for kind in bodies(module)])

    def ask() -> None:
        with suppress(OSError):  # until it is killed
            while True:
                answered.append(gateway.get(next(turns)))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    yield answered
    for thread in threads:
        thread.join()


def bodies(module: Module) -> dict[str, bytes]:
    return {"zip": module.zip_bytes, "mod": module.mod_bytes, "info": module.info_bytes}
