"""Two histories under one key are evidence: it is kept, new public modules are refused, and an operator decides."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.verification.conftest import LARGE, SMALL, Verify, events, files_of, keeps
from tests.world import Database, Gateway, Module, Upstream, eventually

NEW = Module("example.com/new", "v1.0.0")
LATER = Module("example.com/later", "v1.0.0")
MODGATE = Path(sys.executable).with_name("modgate")


def command(
    gateway: Gateway, database: Database, *arguments: str, stdin: str = "", chain: str = "off"
) -> subprocess.CompletedProcess[str]:
    """`modgate` on the data directory of a gateway, without another way out than `chain`."""
    settings = ("--data", str(gateway.data), "--upstream", chain, "--checksum", database.key)
    return subprocess.run(
        [str(MODGATE), *arguments, *settings],
        cwd=gateway.home,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def other(database: Database, upstream: Upstream) -> Database:
    """The database as its dishonest keeper shows it to some: from record 300 on it is another one."""
    other = database.forked(300)
    other.records(NEW)
    other.grows(20)
    other.records(SMALL, LARGE)
    upstream.publishes(NEW)
    database.records(LATER)
    return other


def forks(gateway: Gateway, upstream: Upstream, other: Database) -> None:
    """The gateway has seen the one history, and is shown the other."""
    assert gateway.get(f"{SMALL.name}.mod").status == 200
    keeps(gateway, *files_of(SMALL, "mod"))
    upstream.database = other
    answer = gateway.get(f"{NEW.name}.zip")
    assert answer.status == 502, answer.text
    assert answer.text.startswith(f"corrupt: {NEW} zip: sum.example.com: has signed two histories")


@pytest.mark.workers(1, 2)
def test_a_fork_is_recorded_and_stops_what_is_new(
    verify: Verify, database: Database, upstream: Upstream, other: Database
) -> None:
    gateway = verify()
    forks(gateway, upstream, other)
    (folder,) = (gateway.data / "checksum/sum.example.com").iterdir()
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {kept["older"], kept["newer"]} >= {other.head()}
    proof = json.loads(kept["proof.json"])
    assert proof["database"] == database.name and "two histories" in proof["reason"]
    assert events(gateway, "checksum_fork") == 1
    assert gateway.metric("modgate_checksum_forked") == 1

    upstream.database = database
    upstream.publishes(LATER)
    for _ in range(4):  # by every worker, and although the truth is back
        answer = gateway.get(f"{LATER.name}.mod")
        assert answer.status == 502 and "two histories" in answer.text
        assert gateway.get(f"{SMALL.name}.mod").body == SMALL.mod_bytes, "what is verified is served"
    assert gateway.get(f"{LATER.name}.info").status == 200
    assert upstream.asked_for(f"{LATER.name}.mod") == 0


@pytest.mark.workers(1, 2)
def test_an_operator_decides_and_it_goes_on(
    verify: Verify, database: Database, upstream: Upstream, other: Database
) -> None:
    gateway = verify()
    forks(gateway, upstream, other)
    said = command(gateway, database, "checksum", "status")
    assert said.returncode == 1
    assert "fork        checksum/sum.example.com/fork-" in said.stdout and "checksum accept" in said.stdout
    upstream.database = database
    done = command(gateway, database, "checksum", "accept")
    assert (done.returncode, done.stderr) == (0, "")
    upstream.publishes(LATER)
    assert gateway.get(f"{LATER.name}.zip").body == LATER.zip_bytes
    assert gateway.metric("modgate_checksum_forked") == 0
    assert command(gateway, database, "checksum", "status").returncode == 0
    assert "no fork" in command(gateway, database, "checksum", "accept").stdout


def test_the_other_history_may_be_the_one_that_is_believed(
    verify: Verify, database: Database, upstream: Upstream, other: Database
) -> None:
    gateway = verify()
    forks(gateway, upstream, other)
    assert command(gateway, database, "checksum", "accept", "--trust", "newer").returncode == 0

    def goes_on() -> bool:
        return gateway.get(f"{NEW.name}.zip", cache_control="no-cache").body == NEW.zip_bytes

    eventually(goes_on, "the other history is believed")
    assert gateway.get(f"{LARGE.name}.mod").status == 200
    assert events(gateway, "checksum_fork") == 1


def test_a_fork_that_a_command_meets_is_recorded_too(
    verify: Verify, database: Database, upstream: Upstream, other: Database
) -> None:
    gateway = verify()
    assert gateway.get(f"{SMALL.name}.mod").status == 200
    upstream.database = other
    arguments = ("checksum", "preload", "--from", "-")
    done = command(gateway, database, *arguments, stdin=f"{NEW}\n", chain=upstream.url)
    assert done.returncode == 1 and f"{NEW}: has signed two histories" in done.stderr
    assert "fork        checksum/sum.example.com/fork-" in command(gateway, database, "checksum", "status").stdout
    answer = gateway.get(f"{LARGE.name}.mod")
    assert (answer.status, "two histories" in answer.text) == (502, True)


def test_a_database_with_a_new_key_is_accepted(verify: Verify, database: Database, upstream: Upstream) -> None:
    gateway = verify()
    assert gateway.get(f"{SMALL.name}.mod").status == 200
    assert "no head to forget" in command(gateway, database, "checksum", "accept", "--new-key").stdout
    gateway.stop()
    renewed = Database(database.name, bytes(31) + b"\7")
    renewed.grows(300)
    upstream.database = renewed
    upstream.publishes(SMALL, LARGE)
    again = verify(data=gateway.data, checksum=renewed.key)
    answer = again.get(f"{LARGE.name}.mod")
    assert (answer.status, "remembers a head that is not signed with its key" in answer.text) == (503, True)
    assert "run modgate checksum accept --new-key" in again.log_text(), "operators read it whole"
    assert "accept --new-key" in command(again, renewed, "checksum", "status").stderr
    done = command(again, renewed, "checksum", "accept", "--new-key")
    assert (done.returncode, "the history begins anew" in done.stdout) == (0, True)
    assert again.get(f"{LARGE.name}.mod").body == LARGE.mod_bytes
    assert command(again, renewed, "checksum", "status").returncode == 0
    assert events(again, "checksum_fork") == 0


def test_a_fork_outlives_a_restart(verify: Verify, database: Database, upstream: Upstream, other: Database) -> None:
    gateway = verify()
    forks(gateway, upstream, other)
    gateway.stop()
    upstream.database = database
    again = verify(data=gateway.data)
    assert again.get(f"{LARGE.name}.mod").status == 502
    assert again.get(f"{SMALL.name}.mod").status == 200
