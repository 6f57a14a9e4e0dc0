"""The gateway's own database as it is seen over HTTP, on both ports and by operators."""

from __future__ import annotations

import base64
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from modgate.tlog.tree import parse_lookup, parse_signed_head
from tests.cli.command import run
from tests.ownlog.blobs import Blobs, Trouble
from tests.ownlog.company import NAME, PRIVATE, PUBLIC, Company, founded, free_port, grow, log_file
from tests.world import Module, World, client, eventually, faults

BASE = f"sumdb/{NAME}"


def lookup(module: Module) -> str:
    return f"{BASE}/lookup/{module.name.replace('/@v/', '@')}"


SCOPES = {
    lookup(PRIVATE): "private",
    lookup(PUBLIC): "public",
    f"{BASE}/tile/8/data/000.p/2": "private",
    f"{BASE}/tile/8/0/000.p/2": "public",
}


def test_supported_latest_lookup_and_tiles_are_answered(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC)
    gateway = company.gateway()
    assert gateway.get(f"{BASE}/supported").status == 200
    assert parse_signed_head(gateway.get(f"{BASE}/latest").body).size == 0
    first, second = gateway.get(lookup(PRIVATE)), gateway.get(lookup(PUBLIC))
    assert [parse_lookup(answer.body).text for answer in (first, second)] == [PRIVATE.sums, PUBLIC.sums]
    assert parse_signed_head(gateway.get(f"{BASE}/latest").body).size == 2
    assert len(gateway.get(f"{BASE}/tile/8/0/000.p/2").body) == 64
    assert gateway.get(f"{BASE}/tile/8/data/000.p/1").text == f"{PRIVATE.sums}\n"
    scopes = [gateway.get(path).headers["cache-control"].partition(",")[0] for path in SCOPES]
    assert scopes == list(SCOPES.values()), "no cache that others share keeps what tells of private modules"


def test_a_known_lookup_is_a_hit_from_memory(world: World) -> None:
    company = founded(world, PRIVATE)
    gateway = company.gateway()
    assert [gateway.get(lookup(PRIVATE)).cache for _ in range(3)] == ["miss", "hit", "hit"]


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ("lookup/corp.example/none@v1.0.0", 404),
        ("lookup/rsc.io/none@v1.0.0", 404),
        ("lookup/corp.example/secret@main", 400),
        ("lookup/corp.example/secret@v2.0.0", 404),
        ("lookup/corp.example/Secret@v1.2.0", 400),
        ("tile/8/0/000.p/5", 404),
        ("tile/4/0/000.p/1", 404),
        ("tile/8/0/000.p/0", 400),
        ("nonsense", 400),
    ],
)
def test_what_there_is_not_is_told_and_nothing_is_appended(world: World, what: str, status: int) -> None:
    gateway = founded(world, PRIVATE, PUBLIC).gateway()
    assert gateway.get(f"{BASE}/{what}").status == status
    assert parse_signed_head(gateway.get(f"{BASE}/latest").body).size == 0


def test_while_the_public_database_is_away_its_modules_are_503_and_what_is_recorded_stays(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC)
    gateway = company.gateway(breaker={"probe_every": "100ms"})
    gateway.get(lookup(PRIVATE))
    company.upstream.goes_down()
    answer = gateway.get(lookup(PUBLIC))
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    assert "not recorded here yet" in answer.text
    assert gateway.get(lookup(PRIVATE)).status == 200
    assert parse_signed_head(gateway.get(f"{BASE}/latest").body).size == 1


def test_a_private_lookup_fetches_the_module_once_and_never_asks_the_public_database(world: World) -> None:
    company = founded(world, PRIVATE)
    gateway = company.gateway()
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: gateway.get(lookup(PRIVATE)).status, range(8)))
    assert answers == [200] * 8
    assert (company.upstream.asked_for("zip"), company.upstream.asked_for("mod")) == (1, 1)
    assert company.upstream.asked_for("lookup") == 0


def test_a_request_that_wants_nothing_fetched_records_nothing(world: World) -> None:
    gateway = founded(world, PRIVATE).gateway()
    assert gateway.get(lookup(PRIVATE), disable_module_fetch="true").status == 404
    assert gateway.get(lookup(PRIVATE)).status == 200
    assert gateway.get(lookup(PRIVATE), disable_module_fetch="true").status == 200


def test_a_record_stands_even_where_its_module_changes_in_the_upstream(world: World) -> None:
    company = founded(world, PRIVATE)
    gateway = company.gateway()
    gateway.get(lookup(PRIVATE))
    gateway.stop()
    company.upstream.publishes(Module(PRIVATE.path, PRIVATE.version, files={"s.go": "package other\n"}))
    for path in (gateway.data / "modules").rglob("*.zip"):
        path.unlink()
    for path in gateway.data.glob("records.db*"):
        path.unlink()
    again = company.gateway(gateway.data)
    assert parse_lookup(again.get(lookup(PRIVATE)).body).text == PRIVATE.sums
    answer = again.get(f"{PRIVATE.name}.zip")
    assert answer.status == 502
    assert f"has recorded {PRIVATE.h1} for ever" in answer.text


def test_a_tile_beyond_the_log_is_an_event(world: World) -> None:
    gateway = founded(world).gateway()
    for _ in range(3):
        gateway.get(f"{BASE}/tile/8/0/000.p/9")
    assert gateway.metric("modgate_events_total", event="tile_beyond_log") == 1


@pytest.mark.workers(1, 2)
def test_operators_see_what_is_recorded_and_why(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC)
    gateway = company.gateway()
    for module in (PRIVATE, PUBLIC):
        gateway.get(lookup(module))
    private, public = (client.get(f"{gateway.admin_url}/api/checksums/{module}").json() for module in (PRIVATE, PUBLIC))
    assert (private["zip"], private["record"], private["evidence"]["from"]) == (PRIVATE.h1, 0, "store")
    assert (public["zip"], public["record"], public["evidence"]["from"]) == (PUBLIC.h1, 1, company.public.name)
    assert public["evidence"]["record"] == 300
    assert public["evidence"]["head"].startswith("go.sum database tree\n301\n")
    assert public["head"]["size"] == 2
    assert len(base64.b64decode(public["head"]["root"])) == 32
    assert public["head"]["signatures"][0].startswith(f"— {NAME} ")
    missing = client.get(f"{gateway.admin_url}/api/checksums/corp.example/none@v1.0.0")
    assert (missing.status, "not in our own checksum database" in missing.text) == (404, True)


def test_a_port_of_its_own_has_the_database_at_its_root_and_no_modules(world: World) -> None:
    address = f"127.0.0.1:{free_port()}"
    gateway = founded(world, PRIVATE).gateway(own={"listen": address}, base_path="/go")
    paths = ("supported", "latest", f"lookup/{PRIVATE}", "tile/8/0/000.p/1", "", "health/ready", "version")
    assert [client.get(f"http://{address}/{path}").status for path in paths] == [200] * len(paths)
    assert client.get(f"http://{address}/lookup/{PRIVATE}").cache == "hit"
    assert gateway.get(lookup(PRIVATE)).body == client.get(f"http://{address}/lookup/{PRIVATE}").body
    for path in (f"{PRIVATE.name}.mod", "lookup/nonsense", f"{BASE}/latest"):
        assert client.get(f"http://{address}/{path}").status == 400


def test_without_a_name_there_is_none(world: World) -> None:
    gateway = world.gateway(world.upstream())
    assert gateway.get(f"{BASE}/supported").status == 404
    assert client.get(f"{gateway.admin_url}/api/checksums/corp.example/m@v1.0.0").status == 404
    assert not (gateway.data / "log").exists()


@pytest.mark.workers(3)
def test_workers_write_one_log(world: World) -> None:
    modules = [Module("corp.example/many", f"v1.0.{number}") for number in range(40)]
    gateway = founded(world, *modules).gateway()
    with ThreadPoolExecutor(20) as clients:
        found = [parse_lookup(one.body) for one in clients.map(lambda module: gateway.get(lookup(module)), modules * 2)]
    numbers = [one.record_id for one in found]
    assert sorted(numbers) == sorted([*range(40), *range(40)])
    assert [one.text for one in found] == [module.sums for module in modules * 2]
    assert parse_signed_head(gateway.get(f"{BASE}/latest").body).size == 40


def command(company: Company, data: Path, *arguments: str, upstream: str = "off") -> tuple[int, str]:
    done = run(
        *arguments, "--data", str(data), "--upstream", upstream, "--checksum", company.public.key,
        "--private", "corp.example", "--set", f"own_database.name={NAME}", "--set", f"own_database.key={company.key}",
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_why_and_diagnose_tell_of_our_own_record_and_ask_no_database_about_private_modules(world: World) -> None:
    company = founded(world, PRIVATE)
    gateway = company.gateway()
    gateway.get(lookup(PRIVATE))
    code, said = command(company, gateway.data, "why", str(PRIVATE))
    assert (code, "record 0 of our own database" in said, said.count(PRIVATE.h1)) == (0, True, 2)
    assert "needs no public record" in said and "not verified yet" not in said
    company.upstream.misbehaves(faults.body(b"module corp.example/else\n"), on=f"{PRIVATE.name}.mod")
    code, said = command(company, gateway.data, "diagnose", str(PRIVATE), upstream=company.upstream.url)
    assert (code, "record 0 of our own one" in said) == (0, True)
    assert f"and should have {PRIVATE.mod_h1}" in said
    assert company.upstream.asked_for("lookup") == 0
    with sqlite3.connect(gateway.data / "records.db") as records:
        records.execute("UPDATE artifacts SET h1 = 'h1:else' WHERE name LIKE '%.zip'")
    assert command(company, gateway.data, "why", str(PRIVATE))[0] == 1, "the log has another one"


def test_what_each_client_fetches_for_itself_is_not_recorded(world: World) -> None:
    company = founded(world, PRIVATE)
    upstream = f'upstream = "{company.upstream.url}"\n'
    route = f'[[route]]\nmatch = "corp.example"\nprivate = true\nforward_token = "X-Token"\n{upstream}'
    answer = company.gateway(tables=route).get(lookup(PRIVATE), x_token="right")
    assert (answer.status, "fetched for each client anew" in answer.text) == (404, True)
    assert company.upstream.asked == 0


def audit(company: Company, data: Path) -> tuple[int, str]:
    done = run(
        "checksum", "audit", "--data", str(data), "--upstream", "off", "--checksum", "off",
        "--private", "corp.example", "--set", f"own_database.name={NAME}", "--set", f"own_database.key={company.key}",
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_an_audit_reads_the_log_of_a_running_gateway(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC)
    gateway = company.gateway()
    for module in (PRIVATE, PUBLIC):
        gateway.get(lookup(module))
    assert audit(company, gateway.data) == (0, "2 records, 2 of them covered by the published head\n")


def test_an_audit_tells_of_a_store_that_has_something_else(world: World) -> None:
    company = founded(world, PRIVATE)
    gateway = company.gateway()
    gateway.get(lookup(PRIVATE))
    gateway.stop()
    with sqlite3.connect(gateway.data / "records.db") as records:
        records.execute("UPDATE artifacts SET h1 = 'h1:else' WHERE name LIKE '%.zip'")
    with sqlite3.connect(log_file(gateway.data)) as log:
        log.execute("DELETE FROM hashes")
    code, said = audit(company, gateway.data)
    assert code == 1
    assert f"record 0: {PRIVATE} zip: the log has {PRIVATE.h1}, the store h1:else" in said
    assert "of the hashes of records 0 to 0: our own log has lost the hash at place 0\n" in said


@pytest.mark.parametrize("on_the_web", [False, True], ids=["file", "URL"])
def test_a_log_restored_from_an_older_day_is_refused_and_told_what_to_do(world: World, on_the_web: bool) -> None:
    company = founded(world, PRIVATE)
    with Blobs() as blobs:
        witness = blobs.url() if on_the_web else world.home / "head"
        gateway = company.gateway(own={"witness": witness})
        gateway.stop()
        older = log_file(gateway.data).read_bytes()
        gateway = company.gateway(gateway.data, own={"witness": witness})
        gateway.get(lookup(PRIVATE))
        gateway.stop()
        log_file(gateway.data).write_bytes(older)
        for name in ("-wal", "-shm"):
            Path(f"{log_file(gateway.data)}{name}").unlink(missing_ok=True)
        with pytest.raises(AssertionError) as refused:
            company.gateway(gateway.data, own={"witness": witness})
    assert "it is an older copy; bring back the newest copy of the log" in str(refused.value)


@pytest.mark.workers(1, 2)
def test_while_the_witness_is_away_nothing_new_is_published_and_what_was_is_served(world: World) -> None:
    company = founded(world, PRIVATE, PUBLIC)
    with Blobs() as blobs:
        gateway = company.gateway(own={"witness": blobs.url(user="modgate:secret")})
        assert gateway.get(lookup(PRIVATE)).status == 200
        known = blobs.files["/head"]
        blobs.trouble = Trouble.FAILS
        refused = gateway.get(lookup(PUBLIC))
        assert (refused.status, "the witness at 127.0.0.1 cannot be used (answered 500)" in refused.text) == (503, True)
        assert "retry-after" in refused.headers
        assert gateway.get(lookup(PRIVATE)).status == 200
        assert gateway.get(f"{PUBLIC.name}.zip").status == 200
        assert gateway.get(f"{BASE}/latest").body == blobs.files["/head"] == known
        assert gateway.metric("modgate_events_total", event="witness_unavailable") >= 1
        blobs.trouble = Trouble.NOTHING
        eventually(lambda: gateway.get(lookup(PUBLIC)).status == 200, "it heals by itself")
        assert parse_signed_head(blobs.files["/head"]).size == 2
        if world.workers == 1:  # of several, each tells of what it has seen itself
            assert gateway.metric("modgate_events_total", event="witness_available") == 1
        assert blobs.authorizations == {"Basic bW9kZ2F0ZTpzZWNyZXQ="}
        gateway.stop()
        assert "secret@" not in gateway.log_text() and "modgate:secret" not in gateway.log_text()


def test_it_does_not_start_without_a_key_or_a_witness_that_can_be_reached(world: World) -> None:
    company = founded(world)
    with pytest.raises(AssertionError, match=r"own_database\.key: .* is not there; make a key: modgate checksum init"):
        company.gateway(own={"key": world.home / "none"})
    with pytest.raises(AssertionError, match="the witness head cannot be used"):
        company.gateway(own={"witness": world.home / "not" / "mounted" / "head"})
    with pytest.raises(
        AssertionError, match=r"own_database: the witness at 127\.0\.0\.1 cannot be used \(could not be r"
    ):
        company.gateway(own={"witness": f"http://127.0.0.1:{free_port()}/head"})


def test_a_log_that_has_grown_elsewhere_is_followed(world: World) -> None:
    company = founded(world, PRIVATE)
    gateway = company.gateway()
    grow(company, gateway.data, 257)
    assert parse_signed_head(gateway.get(f"{BASE}/latest").body).size == 257
    assert len(gateway.get(f"{BASE}/tile/8/0/000").body) == 256 * 32
    assert parse_lookup(gateway.get(lookup(PRIVATE)).body).record_id == 257
