"""Whoever lies about a module or about its record is refused: nothing is kept, an event tells, and when the truth comes
back it is served. Only a fork stops more than that (test_forks.py)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.verification.conftest import LARGE, SMALL, Verify, assert_nothing_kept, events
from tests.world import Database, Gateway, Module, Upstream, World, eventually, faults
from tests.world.faults import Fault

EVIL = Module(SMALL.path, SMALL.version, {"m.go": "package small\n\nconst Evil = true\n"})
EVIL_LARGE = replace(LARGE, files={"evil.go": "package large\n"})
LOOKUP = "*/lookup/*"
TILE = "*/tile/*"


def refused(gateway: Gateway, module: Module, kind: str) -> str:
    """The text that says so."""
    answer = gateway.get(f"{module.name}.{kind}")
    assert answer.status in {502, 503, 504}, answer.text
    assert len(answer.body) <= 600 and answer.text.count("\n") <= 8
    return answer.text


def heals(gateway: Gateway, upstream: Upstream, module: Module, kind: str = "zip") -> None:
    upstream.behaves()
    body = module.zip_bytes if kind == "zip" else module.mod_bytes

    def is_right() -> bool:  # a verdict about a zip holds for a minute, or until somebody asks anew
        return gateway.get(f"{module.name}.{kind}", cache_control="no-cache").body == body

    eventually(is_right, "it heals by itself")


# Modules that are not what was recorded.


@pytest.mark.workers(1, 2)
def test_a_tampered_small_zip_is_told_with_both_hashes(verify: Verify, upstream: Upstream) -> None:
    upstream.misbehaves(faults.body(EVIL.zip_bytes), on="zip")
    gateway = verify()
    for _ in range(2):
        text = refused(gateway, SMALL, "zip")
        assert text.startswith(
            f"corrupt: {SMALL} zip: {upstream.url}: sent {EVIL.h1}, but sum.example.com has {SMALL.h1}"
        )
        assert "Likely: something on the way" in text and "request id" in text
    assert_nothing_kept(gateway)
    assert events(gateway, "checksum_mismatch") >= 1
    heals(gateway, upstream, LARGE)


@pytest.mark.workers(1, 2)
def test_a_tampered_large_zip_is_cut_and_the_next_ask_is_told(verify: Verify, upstream: Upstream) -> None:
    upstream.misbehaves(faults.body(EVIL_LARGE.zip_bytes), on="zip")
    gateway = verify()
    answer = gateway.get(f"{LARGE.name}.zip")
    assert answer.cut and len(answer.body) <= len(EVIL_LARGE.zip_bytes) - 65536

    def is_told() -> bool:  # by the other worker too, which finds out by itself
        told = gateway.get(f"{LARGE.name}.zip")
        return told.status == 502 and LARGE.h1 in told.text and EVIL_LARGE.h1 in told.text

    eventually(is_told, "the next ask is told why")
    assert_nothing_kept(gateway)
    assert events(gateway, "checksum_mismatch") >= 1


def test_a_tampered_go_mod_is_refused_and_not_for_long(world: World, verify: Verify, upstream: Upstream) -> None:
    upstream.misbehaves(faults.body(SMALL.mod_bytes + b"// evil\n"), on="mod")
    gateway = verify()
    assert SMALL.mod_h1 in refused(gateway, SMALL, "mod")
    assert_nothing_kept(gateway)
    assert events(gateway, "checksum_mismatch") == 1
    said = world.go(gateway).fails("mod", "download", str(SMALL))
    assert f"corrupt: {SMALL} mod" in said and SMALL.mod_h1 in said
    heals(gateway, upstream, SMALL, "mod")


# Records that are not what the database has signed.


def other_record(world: Database) -> Fault:
    return faults.body(world.answer(f"lookup/{LARGE.name.replace('/@v/', '@')}").body)


def stranger_signs(database: Database) -> Fault:
    """The right record, under a head that somebody else has signed."""
    stranger = Database(database.name, bytes(31) + b"\1")
    for _ in range(3):
        stranger.grows(1)
    record = database.answer(f"lookup/{SMALL.name.replace('/@v/', '@')}").body.partition(b"\n\n")[0]
    return faults.body(record + b"\n\n" + stranger.head())


def swapped_signature(database: Database) -> Fault:
    """The signature of another head of the same database."""
    body = database.answer(f"lookup/{SMALL.name.replace('/@v/', '@')}").body
    text = body.rpartition(b"\n\n")[0]
    return faults.body(text + b"\n\n" + database.head(100).rpartition(b"\n\n")[2])


def replayed_head(database: Database) -> Fault:
    """The right record, with a head from before it was there."""
    body = database.answer(f"lookup/{SMALL.name.replace('/@v/', '@')}").body
    return faults.body(body.partition(b"\n\n")[0] + b"\n\n" + database.head(200))


def evil_record(database: Database) -> Fault:
    """Sums that fit the tampered module, under the true head."""
    body = database.answer(f"lookup/{SMALL.name.replace('/@v/', '@')}").body
    number = body.partition(b"\n")[0]
    return faults.body(number + b"\n" + EVIL.sums.encode() + b"\n" + body.partition(b"\n\n")[2])


ATTACKS: dict[str, tuple[str, Callable[[Database], Fault]]] = {
    "a tampered lookup": (LOOKUP, lambda _: faults.flipped_bit(at=0.1)),
    "a login page as lookup": (LOOKUP, lambda _: faults.login_page()),
    "the record of another module": (LOOKUP, other_record),
    "a head that a stranger signed": (LOOKUP, stranger_signs),
    "the signature of another head": (LOOKUP, swapped_signature),
    "an old head": (LOOKUP, replayed_head),
    "a record that was never made": (LOOKUP, evil_record),
    "wrong tiles": (TILE, lambda _: faults.flipped_bit(at=0.9)),
    "short tiles": (TILE, lambda _: faults.body(b"x" * 32)),
    "a login page as tile": (TILE, lambda _: faults.login_page()),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_false_record_verifies_nothing(verify: Verify, database: Database, upstream: Upstream, attack: str) -> None:
    on, make = ATTACKS[attack]
    upstream.misbehaves(make(database), on=on)
    upstream.misbehaves(faults.body(EVIL.zip_bytes), on=f"{EVIL.name}.zip")
    gateway = verify(url="", deadlines={"connect": "1s"})
    for _ in range(2):
        assert refused(gateway, SMALL, "zip").startswith(f"unavailable: {SMALL} zip: {database.name}")
    assert_nothing_kept(gateway)
    assert events(gateway, "corrupt_answer") >= 1
    heals(gateway, upstream, SMALL)
    assert events(gateway, "checksum_fork") == 0


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_go_command_is_told_why_and_gets_nothing(
    world: World, verify: Verify, database: Database, upstream: Upstream, attack: str
) -> None:
    """It checks nothing itself here: all that stands between it and the evil zip is the gateway."""
    on, make = ATTACKS[attack]
    upstream.misbehaves(make(database), on=on)
    upstream.misbehaves(faults.body(EVIL.zip_bytes), on=f"{EVIL.name}.zip")
    gateway = verify(url="", deadlines={"connect": "1s"})
    go = world.go(gateway)
    said = go.fails("mod", "download", str(SMALL))
    assert f"unavailable: {SMALL} " in said and f"{database.name}: is not verified" in said
    assert not list(go.module_cache.rglob("*.zip")) and not list(go.module_cache.rglob("*.mod"))
    assert_nothing_kept(gateway)


@pytest.mark.parametrize("attack", ["a tampered lookup", "wrong tiles"])
@pytest.mark.workers(1, 2)
def test_a_way_that_lies_is_passed_over(
    world: World, verify: Verify, database: Database, upstream: Upstream, attack: str
) -> None:
    on, make = ATTACKS[attack]
    honest = world.upstream(database=database)
    upstream.misbehaves(make(database), on=on)
    gateway = verify(f"{upstream.url},{honest.url}")
    assert gateway.get(f"{SMALL.name}.zip").body == SMALL.zip_bytes
    assert events(gateway, "corrupt_answer") >= 1


def test_lookups_that_hang_end_in_a_504(verify: Verify, upstream: Upstream) -> None:
    upstream.hangs(on=LOOKUP)
    gateway = verify(deadlines={"first_byte": "1s", "small_total": "2s"})
    answer = gateway.get(f"{SMALL.name}.mod")
    assert answer.status == 504
    assert answer.text.startswith(f"unavailable: {SMALL} mod: sum.example.com: is not verified")
    assert_nothing_kept(gateway)
    assert events(gateway, "checksum_unavailable") == 1
    heals(gateway, upstream, SMALL, "mod")
    assert events(gateway, "checksum_available") == 1


def test_what_was_never_recorded_is_refused_and_says_what_to_do(
    verify: Verify, database: Database, upstream: Upstream
) -> None:
    unknown = Module("example.com/unknown", "v1.0.0")
    upstream.database = None
    upstream.publishes(unknown)
    upstream.database = database
    gateway = verify()
    text = refused(gateway, unknown, "zip")
    assert "has no record of it" in text and "no_checksum" in text
    assert_nothing_kept(gateway)
    database.records(unknown)
    heals(gateway, upstream, unknown)


def test_what_a_client_had_relayed_is_verified_before_it_is_believed(
    verify: Verify, database: Database, upstream: Upstream
) -> None:
    upstream.misbehaves(evil_record(database), on=LOOKUP, times=1)
    gateway = verify()
    relayed = gateway.get(f"sumdb/{database.name}/lookup/{SMALL.name.replace('/@v/', '@')}")
    assert EVIL.h1 in relayed.text, "the form is right, and whoever relays verifies no more"
    eventually(lambda: gateway.files(f"sumdb/{database.name}/lookup"), "it is kept")
    upstream.misbehaves(faults.body(EVIL.zip_bytes), on="zip", times=1)
    assert SMALL.h1 in refused(gateway, SMALL, "zip")
    assert events(gateway, "unproven_file") == 1
    heals(gateway, upstream, SMALL)


@pytest.mark.workers(1, 2)
def test_a_wrong_tile_is_not_relayed_where_it_can_be_proven_wrong(
    verify: Verify, database: Database, upstream: Upstream
) -> None:
    database.grows(300)
    gateway = verify()
    assert gateway.get(f"{SMALL.name}.mod").status == 200
    name = f"sumdb/{database.name}/tile/8/0/000.p/7"
    upstream.misbehaves(faults.body(bytes(256 * 32)), on="*/tile/8/0/000")
    upstream.misbehaves(faults.body(bytes(7 * 32)), on=f"*{name}")
    answer = gateway.get(name)
    assert (answer.status, "sent what cannot be it" in answer.body.decode()) == (502, True)
    assert events(gateway, "corrupt_answer") >= 1
    upstream.behaves()
    right = database.answer("tile/8/0/000.p/7").body
    assert [gateway.get(name).body for _ in range(3)] == [right] * 3


# What the go command makes of it.


@pytest.mark.workers(1, 2)
def test_the_go_command_shows_our_text_and_never_accepts_a_bad_byte(
    world: World, verify: Verify, database: Database, upstream: Upstream
) -> None:
    upstream.misbehaves(faults.body(EVIL.zip_bytes), on=f"{SMALL.name}.zip")
    upstream.misbehaves(faults.body(EVIL_LARGE.zip_bytes), on="*arge/@v/v1.0.0.zip")
    gateway = verify()
    go = world.go(gateway)
    said = go.fails("mod", "download", str(SMALL))
    assert "corrupt: example.com/small@v1.0.0 zip" in said and "Likely: something on the way" in said

    def is_told() -> bool:  # the other worker finds out by itself
        return "corrupt: example.com/Large@v1.0.0 zip" in go.fails("mod", "download", str(LARGE))

    eventually(is_told, "the ask after a large one was cut is told why")
    assert not list(go.module_cache.rglob("*.zip"))
    good = Module("example.com/good", "v1.0.0")
    upstream.publishes(good)
    world.go(gateway, sumdb=database.key).run("mod", "download", str(good))
