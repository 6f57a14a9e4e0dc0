"""What tests need that go out into the world: the way there, as this machine knows it."""

from __future__ import annotations

import json
import re
import subprocess

import pytest

from tests.toolchain import go_command

CERTIFICATES = frozenset({"SSL_CERT_FILE", "SSL_CERT_DIR"})


@pytest.fixture(scope="session")
def mirror(machine_environ: dict[str, str]) -> str:
    """The chain of mirrors that this machine's Go is set to, without `direct` and `off`."""
    environ = {**machine_environ, "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    command = [str(go_command()), "env", "-json", "GOPROXY"]
    said = subprocess.run(command, cwd="/", env=environ, capture_output=True, check=True).stdout
    entries = [entry.strip() for entry in re.split(r"[,|]", json.loads(said)["GOPROXY"])]
    chain = ",".join(entry for entry in entries if entry not in {"", "direct", "off"})
    assert chain, "go env GOPROXY names no mirror; set one for the tests that are marked real"
    return chain


@pytest.fixture(scope="session")
def outside(machine_environ: dict[str, str]) -> dict[str, str]:
    """The variables of this machine that programs need to reach the network."""
    return {
        name: value
        for name, value in machine_environ.items()
        if name in CERTIFICATES or name.lower().endswith("_proxy")
    }
