"""Whoever lies about a public module's record gets nothing into our own log, and it stays what it was."""

from __future__ import annotations

import pytest

from modgate.tlog.tree import parse_signed_head
from tests.ownlog.company import NAME, founded
from tests.verification.conftest import LARGE, SMALL, events
from tests.verification.test_attackers import ATTACKS
from tests.world import World, eventually

LOOKUP = f"sumdb/{NAME}/lookup/{SMALL}"
LATEST = f"sumdb/{NAME}/latest"


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_false_record_is_not_copied(world: World, attack: str) -> None:
    on, make = ATTACKS[attack]
    company = founded(world, SMALL, LARGE)
    company.upstream.misbehaves(make(company.public), on=on)
    nobody = world.upstream()
    nobody.goes_down()
    gateway = company.gateway(checksum=f"{company.public.key}", deadlines={"connect": "1s"})
    answer = gateway.get(LOOKUP)
    assert answer.status in {502, 503, 504}, answer.text
    assert parse_signed_head(gateway.get(LATEST).body).size == 0
    assert events(gateway, "corrupt_answer") >= 1
    company.upstream.behaves()
    eventually(lambda: gateway.get(LOOKUP).text.startswith("0\n" + SMALL.sums), "it is recorded when the truth is back")


def test_nothing_is_copied_from_a_database_that_has_signed_two_histories(world: World) -> None:
    company = founded(world, SMALL)
    gateway = company.gateway()
    assert gateway.get(LOOKUP).status == 200
    other = company.public.forked(300)
    other.records(LARGE)
    other.grows(5)
    company.upstream.publishes(LARGE)
    company.upstream.database = other
    answer = gateway.get(f"sumdb/{NAME}/lookup/example.com/!large@v1.0.0")
    assert answer.status == 502 and "has signed two histories" in answer.text
    assert events(gateway, "checksum_fork") == 1
    assert parse_signed_head(gateway.get(LATEST).body).size == 1
    assert gateway.get(LOOKUP).status == 200, "what is recorded is served"
