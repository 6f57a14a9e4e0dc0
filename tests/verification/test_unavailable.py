"""With the database down, new modules are refused until it is back, or served and verified later, as it is set."""

from __future__ import annotations

import pytest

from tests.verification.conftest import LARGE, SMALL, Verify, assert_nothing_kept, events, files_of, keeps
from tests.verification.test_evidence import evidence
from tests.world import Database, Gateway, Module, Upstream, World, eventually, faults

EVIL = Module(SMALL.path, SMALL.version, {"m.go": "package small\n\nconst Evil = true\n"})
LENIENT = {"on_checksum_unavailable": "serve-unverified"}
SUMDB = "sumdb/*"


def goes_down(upstream: Upstream) -> None:
    """The database, and not the modules."""
    upstream.misbehaves(faults.status(503), on=SUMDB)


def is_verified(gateway: Gateway, name: str) -> bool:
    return "database" in evidence(gateway).get(name, {})


@pytest.mark.workers(1, 2)
@pytest.mark.parametrize("kind", ["mod", "zip"])
def test_it_is_refused_and_heals_by_itself(verify: Verify, upstream: Upstream, kind: str) -> None:
    goes_down(upstream)
    gateway = verify()
    for _ in range(2):
        answer = gateway.get(f"{SMALL.name}.{kind}")
        assert answer.status in {502, 503}
        assert answer.text.startswith(f"unavailable: {SMALL} {kind}: sum.example.com: is not verified")
        assert "try again" in answer.text
    assert_nothing_kept(gateway)
    assert events(gateway, "checksum_unavailable") >= 1
    assert gateway.metric("modgate_checksum_up") < gateway.metric("modgate_workers")
    upstream.behaves()
    assert gateway.get(f"{SMALL.name}.{kind}").status == 200


def test_while_it_is_down_no_zip_is_downloaded_in_vain(verify: Verify, upstream: Upstream) -> None:
    goes_down(upstream)
    gateway = verify()
    assert gateway.get(f"{LARGE.name}.zip").cut, "nobody knew yet"
    upstream.forgets()
    answer = gateway.get(f"{LARGE.name}.zip")
    assert answer.status == 502 and "is not verified" in answer.text
    assert upstream.asked_for("zip") == 0


def test_what_is_verified_is_served_all_the_same(verify: Verify, upstream: Upstream) -> None:
    gateway = verify()
    assert gateway.get(f"{SMALL.name}.zip").status == 200
    goes_down(upstream)
    gateway.get(f"{LARGE.name}.mod")
    again = verify(data=gateway.data)
    for one in (gateway, again):
        assert one.get(f"{SMALL.name}.zip").body == SMALL.zip_bytes


@pytest.mark.workers(1, 2)
def test_it_is_served_and_verified_later(verify: Verify, upstream: Upstream) -> None:
    goes_down(upstream)
    gateway = verify(**LENIENT)
    for _ in range(2):
        assert gateway.get(f"{SMALL.name}.mod").body == SMALL.mod_bytes
        assert gateway.get(f"{LARGE.name}.zip").body == LARGE.zip_bytes
    keeps(gateway, *files_of(SMALL, "mod"), *files_of(LARGE, "zip"))
    assert evidence(gateway)[f"{SMALL.name}.mod"]["unverified"] == "sum.example.com"
    upstream.behaves()
    for name in (f"{SMALL.name}.mod", f"{LARGE.name}.zip"):
        eventually(lambda name=name: is_verified(gateway, name), f"{name} is verified later")  # type: ignore[misc]
    assert gateway.get(f"{LARGE.name}.zip").cache == "hit"


@pytest.mark.parametrize("kind", ["mod", "zip"])
def test_what_was_let_through_wrongly_goes_when_the_database_is_back(
    verify: Verify, upstream: Upstream, kind: str
) -> None:
    goes_down(upstream)
    bad = EVIL.zip_bytes if kind == "zip" else SMALL.mod_bytes + b"// evil\n"
    good = SMALL.zip_bytes if kind == "zip" else SMALL.mod_bytes
    upstream.misbehaves(faults.body(bad), on=kind)
    gateway = verify(**LENIENT)
    assert gateway.get(f"{SMALL.name}.{kind}").body == bad
    keeps(gateway, *files_of(SMALL, kind))
    upstream.behaves()
    gateway.get(f"{LARGE.name}.mod")  # which shows that the database is back
    assert gateway.get(f"{SMALL.name}.{kind}").body == good
    assert events(gateway, "pin_replaced") == 1
    assert gateway.files("quarantine")


def test_garbage_is_no_excuse(verify: Verify, upstream: Upstream) -> None:
    upstream.misbehaves(faults.flipped_bit(at=0.1), on="*/lookup/*")
    gateway = verify(**LENIENT)
    assert gateway.get(f"{SMALL.name}.zip").status == 502
    assert_nothing_kept(gateway)


# What is in the store already.


@pytest.mark.workers(1, 2)
def test_what_was_stored_before_is_verified_before_its_next_serving(
    world: World, verify: Verify, upstream: Upstream
) -> None:
    before = world.gateway(upstream)
    for kind in ("mod", "zip"):
        before.get(f"{SMALL.name}.{kind}")
    keeps(before, *files_of(SMALL, "mod", "zip"))
    before.stop()
    assert evidence(before)[f"{SMALL.name}.zip"] == {}
    upstream.forgets()
    gateway = verify(data=before.data)
    for kind, body in (("mod", SMALL.mod_bytes), ("zip", SMALL.zip_bytes)):
        assert gateway.get(f"{SMALL.name}.{kind}").body == body
        assert is_verified(gateway, f"{SMALL.name}.{kind}")
    assert (upstream.asked_for("mod"), upstream.asked_for("zip")) == (0, 0)


@pytest.mark.workers(1, 2)
@pytest.mark.parametrize("kind", ["mod", "zip"])
def test_a_verified_record_outranks_what_was_first_seen(
    world: World, verify: Verify, upstream: Upstream, kind: str
) -> None:
    bad = EVIL.zip_bytes if kind == "zip" else SMALL.mod_bytes + b"// evil\n"
    good = SMALL.zip_bytes if kind == "zip" else SMALL.mod_bytes
    upstream.misbehaves(faults.body(bad), on=kind)
    before = world.gateway(upstream)
    assert before.get(f"{SMALL.name}.{kind}").body == bad
    keeps(before, *files_of(SMALL, kind))
    before.stop()
    upstream.behaves()
    gateway = verify(data=before.data)
    assert gateway.get(f"{SMALL.name}.{kind}").body == good
    assert events(gateway, "pin_replaced") == 1
    assert [path.read_bytes() for path in (gateway.data / "quarantine").iterdir()] == [bad]
    keeps(gateway, *files_of(SMALL, kind))
    assert is_verified(gateway, f"{SMALL.name}.{kind}")


@pytest.mark.parametrize("kind", ["mod", "zip"])
def test_a_pin_without_its_file_gives_way_to_the_record(
    world: World, verify: Verify, upstream: Upstream, kind: str
) -> None:
    bad = EVIL.zip_bytes if kind == "zip" else SMALL.mod_bytes + b"// evil\n"
    upstream.misbehaves(faults.body(bad), on=kind)
    before = world.gateway(upstream)
    before.get(f"{SMALL.name}.{kind}")
    keeps(before, *files_of(SMALL, kind))
    before.stop()
    (before.data / "modules/public" / f"{SMALL.name}.{kind}").unlink()
    upstream.behaves()
    gateway = verify(data=before.data)
    assert gateway.get(f"{SMALL.name}.{kind}").status == 200
    assert events(gateway, "pin_replaced") == 1


@pytest.mark.parametrize("kind", ["mod", "zip"])
def test_an_imported_file_is_verified_or_goes(verify: Verify, upstream: Upstream, kind: str) -> None:
    gateway = verify()
    good = SMALL.zip_bytes if kind == "zip" else SMALL.mod_bytes
    bad = EVIL.zip_bytes if kind == "zip" else SMALL.mod_bytes + b"// evil\n"
    place = gateway.data / "modules/public" / f"{SMALL.name}.{kind}"
    place.parent.mkdir(parents=True)
    place.write_bytes(bad)
    assert gateway.get(f"{SMALL.name}.{kind}").body == good
    assert upstream.asked_for(kind) == 1
    assert events(gateway, "pin_replaced") == 1


def test_evidence_of_another_database_is_none(
    world: World, verify: Verify, database: Database, upstream: Upstream
) -> None:
    gateway = verify()
    gateway.get(f"{SMALL.name}.mod")
    gateway.stop()
    other = world.database("sum.corp.example")
    other.records(SMALL)
    upstream.database = other
    again = world.gateway(upstream, checksum=other.key, data=gateway.data)
    assert again.get(f"{SMALL.name}.mod").status == 200
    assert evidence(again)[f"{SMALL.name}.mod"]["database"] == other.name
