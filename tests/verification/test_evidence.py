"""What becomes visible has matched a verified record before, and its row says which."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from tests.verification.conftest import LARGE, SMALL, Verify, events, files_of, keeps
from tests.world import Database, Gateway, Module, Upstream, World, at_once, client


def evidence(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """By name, of all stored modules, whichever route they took."""
    with sqlite3.connect(gateway.data / "records.db") as connection:
        rows = connection.execute("SELECT name, evidence FROM artifacts WHERE namespace NOT LIKE 'sumdb/%'").fetchall()
    return {name: json.loads(text) if text else {} for name, text in rows}


@pytest.mark.workers(1, 2)
def test_what_is_kept_carries_its_record(verify: Verify, database: Database, upstream: Upstream) -> None:
    gateway = verify()
    for module in (SMALL, LARGE):
        for kind, body in (("info", module.info_bytes), ("mod", module.mod_bytes), ("zip", module.zip_bytes)):
            assert gateway.get(f"{module.name}.{kind}").body == body
    keeps(gateway, *files_of(SMALL), *files_of(LARGE))
    found = evidence(gateway)
    for number, module in enumerate((SMALL, LARGE), 300):
        assert found[f"{module.name}.info"] == {}, "no record speaks of it"
        for kind in ("mod", "zip"):
            said = found[f"{module.name}.{kind}"]
            assert (said["database"], said["record"], said["tree"]) == (database.name, number, 302)
    assert gateway.metric("modgate_verifications_total", verdict="verified") == 4


def test_a_cold_go_mod_costs_its_lookup_and_never_the_zip(verify: Verify, upstream: Upstream) -> None:
    gateway = verify()
    assert gateway.get(f"{SMALL.name}.mod").status == 200
    assert (upstream.asked_for("lookup"), upstream.asked_for("mod"), upstream.asked_for("zip")) == (1, 1, 0)
    gateway.get(f"{SMALL.name}.zip")
    assert upstream.asked_for("lookup") == 1, "its zip needs the same record"


@pytest.mark.workers(1, 2)
def test_a_crowd_costs_one_download_and_few_lookups(world: World, verify: Verify, upstream: Upstream) -> None:
    gateway = verify()
    answers = at_once(50, lambda number: gateway.get(f"{SMALL.name}.{('mod', 'zip')[number % 2]}"))
    assert {answer.status for answer in answers} == {200}
    assert (upstream.asked_for("mod"), upstream.asked_for("zip")) == (1, 1)
    assert upstream.asked_for("lookup") <= world.workers, "each process asks by itself"


def test_the_lookup_runs_beside_the_download(verify: Verify, upstream: Upstream) -> None:
    gateway = verify()
    waiting = upstream.hangs(on="*.mod")
    with gateway.connect() as client:
        client.sends(f"GET /{SMALL.name}.mod HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        waiting.wait_for()
        upstream.misbehaves(lambda _, given: given)
        upstream.wait_until_asked(3)  # the file, supported and the lookup
        assert upstream.asked_for("lookup") == 1
        waiting.open()
        assert b"200 OK" in client.rest()


@pytest.mark.workers(1, 2)
def test_a_kill_leaves_nothing_unverified(world: World, verify: Verify, database: Database, upstream: Upstream) -> None:
    many = [Module(f"example.com/m{number}", "v1.0.0") for number in range(30)]
    upstream.publishes(*many)
    names = [name for module in many for name in files_of(module, "mod", "zip")]
    gateway = verify()
    for name in names[:20]:
        assert gateway.get(name).status == 200
    gateway.kill()
    left = evidence(gateway)
    assert all(said["database"] == database.name for said in left.values())
    database.grows(300)
    after = verify(data=gateway.data)
    answers = at_once(len(names), lambda number: after.get(names[number]))
    assert {answer.status for answer in answers} == {200}
    keeps(after, *names)
    assert {said["database"] for said in evidence(after).values()} == {database.name}
    assert events(after, "checksum_fork") == events(after, "unproven_file") == 0


def test_an_info_file_needs_no_database(verify: Verify, upstream: Upstream) -> None:
    gateway = verify(fetch_ahead="off")
    assert gateway.get(f"{SMALL.name}.info").status == 200
    assert upstream.asked_for("sumdb/*") == 0


def test_a_lookup_that_was_made_for_a_check_is_a_hit_for_the_client(verify: Verify, upstream: Upstream) -> None:
    gateway = verify()
    gateway.get(f"{SMALL.name}.mod")
    upstream.forgets()
    name = f"{upstream.database.name}/lookup/{SMALL.name.replace('/@v/', '@')}"  # type: ignore[union-attr]
    assert gateway.get(f"sumdb/{name}").cache in {"hit", "coalesced"}, "it may still be made durable"
    assert upstream.asked_for("lookup") == 0


@pytest.mark.parametrize("setting", ["private", "no_checksum"])
def test_exempt_modules_are_not_looked_up(world: World, verify: Verify, upstream: Upstream, setting: str) -> None:
    secret = Module("corp.example/secret", "v1.0.0")
    upstream.publishes(secret)
    gateway = verify(**{setting: "corp.example"})
    assert gateway.get(f"{secret.name}.zip").body == secret.zip_bytes
    assert upstream.asked_for("sumdb/*") == 0


@pytest.mark.parametrize("environ", [{"PROXY_SKIP_CHECKSUM": "true"}, {}], ids=["skipped", "not skipped"])
def test_a_toolchain_is_always_verified(
    world: World, database: Database, upstream: Upstream, environ: dict[str, str]
) -> None:
    toolchain = Module("golang.org/toolchain", "v0.0.1-go1.22.0.linux-amd64")
    upstream.publishes(toolchain)
    other = Module(toolchain.path, toolchain.version, {"bin/go": "evil"})
    gateway = world.gateway(
        upstream,
        checksum=database.key,
        private="golang.org",
        no_checksum="golang.org",
        on_checksum_unavailable="serve-unverified",
        environ=environ,
    )
    assert gateway.get(f"{toolchain.name}.zip").status == 200
    assert evidence(gateway)[f"{toolchain.name}.zip"]["database"] == database.name
    upstream.database = None
    upstream.publishes(Module(toolchain.path, "v0.0.1-go1.23.0.linux-amd64"))
    bad = f"{other.name}.zip".replace("1.22", "1.23")
    assert gateway.get(bad).status == 502, "nor is it served unverified"


@pytest.mark.workers(1, 2)
def test_to_skip_the_check_is_warned_about(world: World, database: Database, upstream: Upstream) -> None:
    unknown = Module("example.com/unknown", "v1.0.0")
    upstream.database = None
    upstream.publishes(unknown)
    gateway = world.gateway(upstream, checksum=database.key, environ={"PROXY_SKIP_CHECKSUM": "true"})
    assert gateway.get(f"{unknown.name}.zip").status == 200
    assert "PROXY_SKIP_CHECKSUM is set" in gateway.log_text()
    for _ in range(3):
        assert gateway.metric("modgate_checksum_skipped") == 1
    assert upstream.asked_for("lookup") == 0


def test_every_scrape_says_that_the_check_is_not_skipped(verify: Verify) -> None:
    assert "\nmodgate_checksum_skipped 0" in client.get(f"{verify().admin_url}/metrics").text


def test_where_no_database_is_used_there_is_nothing_to_skip(world: World) -> None:
    gateway = world.gateway("off", environ={"PROXY_SKIP_CHECKSUM": "true"})
    assert "\nmodgate_checksum_skipped 0" in client.get(f"{gateway.admin_url}/metrics").text
    assert "PROXY_SKIP_CHECKSUM" not in gateway.log_text()


def test_a_restart_believes_what_was_remembered(
    world: World, verify: Verify, database: Database, upstream: Upstream
) -> None:
    gateway = verify()
    gateway.get(f"{SMALL.name}.mod")
    gateway.stop()
    again = verify(data=gateway.data)
    database.grows(600)
    assert again.get(f"{LARGE.name}.zip").status == 200
    assert evidence(again)[f"{LARGE.name}.zip"]["tree"] == 902
    assert events(again, "checksum_fork") == 0


def test_without_a_database_nothing_is_looked_up(world: World, database: Database, upstream: Upstream) -> None:
    gateway = world.gateway(upstream, checksum="off", checksum_database=(database.name,))
    assert gateway.get(f"{SMALL.name}.zip").status == 200
    assert upstream.asked_for("sumdb/*") == 0
