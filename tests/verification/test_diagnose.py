"""`modgate diagnose` says of each upstream what is wrong with what it sends."""

from __future__ import annotations

import gzip
import subprocess

import pytest

from tests.verification.conftest import LARGE, SMALL, Verify, files_of, keeps
from tests.verification.test_forks import MODGATE
from tests.world import Database, Gateway, Module, Upstream, World, faults
from tests.world.faults import Fault

EVIL = Module(SMALL.path, SMALL.version, {"m.go": "package small\n\nconst Evil = true\n", "evil.go": "package small\n"})
REPACKED = Module(SMALL.path, SMALL.version, {"m.go": SMALL.contents["m.go"]})

FAULTS: dict[str, tuple[str, Fault, str]] = {
    "nothing": ("zip", lambda _, given: given, "is the stored file, byte for byte"),
    "gzip": ("zip", faults.gzipped(), "came with Content-Encoding gzip, which nobody asked for"),
    "gzip, silently": ("zip", faults.body(gzip.compress(SMALL.zip_bytes)), "is compressed with gzip"),
    "a redirect": ("zip", faults.redirects("/elsewhere/{path}"), "redirects to "),
    "half of it": ("zip", faults.body(SMALL.zip_bytes[:150]), "is cut off after 150 bytes"),
    "almost all of it": ("zip", faults.body(SMALL.zip_bytes[:-60]), "is cut off after"),
    "something behind it": ("zip", faults.body(SMALL.zip_bytes + b"tail"), "has 4 bytes behind its end"),
    "a login page": ("mod", faults.login_page(), "is a page of HTML"),
    "other files": ("zip", faults.body(EVIL.zip_bytes), f"is a different file: it has {EVIL.h1}, and should have"),
    "their names": ("zip", faults.body(EVIL.zip_bytes), f"in the zip is there besides: {SMALL}/evil.go"),
    "the changed one": ("zip", faults.body(EVIL.zip_bytes), f"in the zip differs: {SMALL}/m.go"),
    "another go.mod": ("mod", faults.body(b"module example.com/other\n"), "is a different file: it has h1:"),
    "a new tag": (
        "info",
        faults.body(b'{"Version":"v1.0.0","Time":"2025-01-01T00:00:00Z"}'),
        "was perhaps tagged anew",
    ),
    "an error": ("zip", faults.status(500), "answered 500"),
}


def diagnosis(gateway: Gateway, database: Database, chain: str, module: Module = SMALL) -> str:
    settings = ("--data", str(gateway.data), "--upstream", chain, "--checksum", database.key)
    done = subprocess.run(
        [str(MODGATE), "diagnose", str(module), *settings],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def gateway(verify: Verify) -> Gateway:
    """Which has the right files."""
    gateway = verify()
    for kind in ("info", "mod", "zip"):
        assert gateway.get(f"{SMALL.name}.{kind}").status == 200
    keeps(gateway, *files_of(SMALL))
    return gateway


def test_it_says_how_each_upstream_differs(world: World, gateway: Gateway, database: Database) -> None:
    chain, expected = list[str](), list[str]()
    for kind, fault, told in FAULTS.values():
        upstream = world.upstream([SMALL], database=database)
        upstream.misbehaves(fault, on=f"{SMALL.name}.{kind}")
        chain.append(upstream.url)
        expected.append(f"  {upstream.url}: {told}")
    said = diagnosis(gateway, database, ",".join([*chain, "direct"]))
    assert "  direct: is not asked" in said
    assert said.startswith("record 300 of the checksum database\n")
    assert [line for line in expected if line not in said] == [], said


def test_it_says_how_the_stored_file_is_damaged(gateway: Gateway, database: Database, upstream: Upstream) -> None:
    place = gateway.data / "modules/public"
    whole = (place / f"{SMALL.name}.zip").read_bytes()
    (place / f"{SMALL.name}.zip").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (place / f"{SMALL.name}.mod").write_bytes(b"short")
    (place / f"{SMALL.name}.info").unlink()
    said = diagnosis(gateway, database, upstream.url)
    for told in ("its bits are not those that were stored", "it has 5 bytes", "is not there any more"):
        assert f"store: {told}" in said or told in said
    assert f"{upstream.url}: is right" in said


def test_it_needs_neither_store_nor_record(gateway: Gateway, database: Database, upstream: Upstream) -> None:
    said = diagnosis(gateway, database, f"{upstream.url},file:///nowhere", LARGE)
    assert "store: is not there" in said
    assert "is right" in said
    assert "file:///nowhere: No such file or directory" in said
    unknown = Module("example.com/unknown", "v1.0.0")
    said = diagnosis(gateway, database, upstream.url, unknown)
    assert said.startswith("no record: ") and f"{upstream.url}: answered 404" in said
