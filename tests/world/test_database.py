"""The simulated checksum database convinces the go command, alone and through an upstream."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.world import Database, Module, World, get
from tests.world.delivery import Framing

MODULE = Module("example.com/M", "v1.0.0")


def answered(database: Database, rest: str) -> tuple[int, bytes]:
    given = database.answer(rest)
    assert given.framing is Framing.LENGTH
    return given.status, given.body


def test_a_lookup_has_the_record_and_the_head() -> None:
    database = Database()
    database.grows(3)
    database.records(MODULE)
    status, body = answered(database, "lookup/example.com/!m@v1.0.0")
    assert (status, body) == (200, f"3\n{MODULE.sums}\n".encode() + database.head())
    assert answered(database, "latest") == (200, database.head())
    assert b"go.sum database tree\n4\n" in database.head()


def test_a_version_is_recorded_once() -> None:
    database = Database()
    database.records(MODULE, MODULE, Module("example.com/M", "v1.0.0", payload=1))
    assert len(database) == 1


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("supported", 200),
        ("lookup/example.com/M@v1.0.0", 404),
        ("lookup/example.com/!m@v1.0.1", 404),
        ("tile/8/0/000", 200),
        ("tile/8/0/001.p/43", 200),
        ("tile/8/0/001.p/1", 200),  # of an older head
        ("tile/8/0/001.p/44", 404),  # not grown so far
        ("tile/8/0/001", 404),
        ("tile/8/1/000.p/1", 200),
        ("tile/8/1/000", 404),
        ("tile/8/data/000", 200),
        ("tile/8/data/001.p/43", 200),
        ("tile/8/0/x000/000", 400),
        ("tile/8/0/000.p/256", 400),
        ("tile/8/0/000.p/0", 404),
        ("tile/8/0/0", 404),
        ("tile/7/0/000", 404),
        ("nothing", 404),
    ],
)
def test_addresses(rest: str, status: int) -> None:
    database = Database()
    database.grows(299)
    assert answered(database, rest)[0] == status


def test_data_tiles_hold_the_records_that_the_hash_tiles_hash() -> None:
    database = Database()
    database.records(MODULE)
    _, data = answered(database, "tile/8/data/000.p/1")
    _, hashes = answered(database, "tile/8/0/000.p/1")
    assert data == f"{MODULE.sums}\n".encode()
    assert hashes == hashlib.sha256(b"\x00" + data[:-1]).digest()


def test_the_key_names_the_database_and_its_public_half() -> None:
    name, number, key = Database("sum.corp.example/go").key.split("+", 2)
    assert name == "sum.corp.example/go"
    assert number == hashlib.sha256(f"{name}\n".encode() + base64.b64decode(key)).hexdigest()[:8]


def test_an_upstream_relays_its_database_only(world: World) -> None:
    database = world.database("sum.corp.example/go")
    upstream = world.upstream([MODULE], database=database)
    assert get(f"{upstream.url}/sumdb/sum.corp.example/go/supported").status == 200
    assert get(f"{upstream.url}/sumdb/sum.corp.example/go/lookup/{MODULE.name.replace('/@v/', '@')}").status == 200
    assert get(f"{upstream.url}/sumdb/sum.golang.org/supported").status == 404
    assert upstream.asked_for("supported") == 2
