"""Many versions of one repository in direct mode: whether a gateway reads it once, or anew for each version.

The go command clones once and for each developer; the peers call it, and throw its clone away. A host that sends little
is one that does not throttle, and time is what developers wait for the first time that anybody wants a version.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.asking import ask
from benchmarks.errors import Broken
from benchmarks.results import Metric, Results
from benchmarks.servers.modgate import Modgate
from benchmarks.stage import Stage
from benchmarks.targets import CLONING, MODGATE, REPOSITORY
from tests.git.repositories import ENVIRON, with_history
from tests.git.smart import Host
from tests.hosts.authority import Company
from tests.world.wayout import WayOut

NAME = "git.example.com"
MODULE = f"{NAME}/team/m.git"
TAGS, WANTED = 300, 50
SIZE = 100_000
"""Bytes that each version changes: a clone has 32 MB, as that of a module with some years behind it."""
CLONED = 10
"""So many are cloned; the time counts WANTED / CLONED times, because each takes the same."""
ALIVE = "/healthz"


@dataclass(frozen=True, slots=True)
class Direct(Modgate):
    """modgate that reads repositories, and the way to their host."""

    way: dict[str, str] = field(default_factory=dict)

    def environ(self) -> dict[str, str]:
        return {**Modgate.environ(self), **self.way}


def run(stage: Stage, results: Results) -> None:
    """In one round: a clone for each version, and a gateway that is asked for each. The host is on this machine, so
    that what is measured is work, and a real host's distance comes on top of it for both."""
    with tempfile.TemporaryDirectory(dir=stage.home) as folder, _host(Path(folder)) as (host, company, way):
        tags = with_history(host.place / "team/m.git", MODULE, TAGS, SIZE)
        wanted = tags[:: TAGS // WANTED]
        one = _cloned(Path(folder), host, wanted[:CLONED], results)
        environ = {"HTTPS_PROXY": way.url, "SSL_CERT_FILE": str(company.ca)}
        settings = (f"git.private_hosts={NAME}",)
        server = Direct(MODGATE, Path(folder) / "store", "direct", Path(folder) / "log", settings=settings, way=environ)
        with stage.running(server, ALIVE) as started:
            host.sent, began = 0, time.perf_counter()
            for version in wanted:
                answer = ask(started.port, f"/{MODULE}/@v/{version}.zip")
                if answer.status != 200:
                    raise Broken(f"{version}: status {answer.status}: {answer.body[:200]!r}")
            results.add(REPOSITORY, MODGATE, Metric.SECONDS, time.perf_counter() - began)
            results.add(REPOSITORY, MODGATE, Metric.CLONES, host.sent / one)


@contextmanager
def _host(folder: Path) -> Iterator[tuple[Host, Company, WayOut]]:
    company = Company(folder)
    (folder / "repositories").mkdir()
    with Host(folder / "repositories", company.tls(NAME)) as host, WayOut(names={NAME: host.port}) as way:
        yield host, company, way


def _cloned(folder: Path, host: Host, versions: list[str], results: Results) -> float:
    """Clone for each version, as whoever throws clones away does, and archive it; the bytes of one clone."""
    url, host.sent, began = f"https://127.0.0.1:{host.port}/team/m.git", 0, time.perf_counter()
    for version in versions:
        clone = folder / f"clone-{version}"
        for command in (
            ["git", "-c", "http.sslVerify=false", "clone", "-q", "--bare", url, str(clone)],
            ["git", "-C", str(clone), "archive", "--format=zip", "-o", str(clone / "m.zip"), version],
        ):
            if subprocess.run(command, env=ENVIRON, check=False).returncode:
                raise Broken(f"{command[0]} cannot clone {version}")
    times = WANTED / len(versions)
    results.add(REPOSITORY, CLONING, Metric.SECONDS, times * (time.perf_counter() - began))
    results.add(REPOSITORY, CLONING, Metric.CLONES, float(WANTED))
    return host.sent / len(versions)
