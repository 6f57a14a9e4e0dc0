"""The stage of a run: an upstream, a store that has been filled from it, and the servers that share it.

Belongs here: what has to be there before anything is measured. Not here: measuring (scenarios/).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.asking import ask
from benchmarks.errors import Broken
from benchmarks.processes import Cores, Running, free_port, installed, wait_until_answered
from benchmarks.project import ESCAPED, HOT, LARGE, PATH, Project, publish
from benchmarks.servers import Server
from benchmarks.servers.modgate import Modgate
from benchmarks.servers.nginx import PLAIN, TUNED, Nginx, plant
from benchmarks.targets import LOGGING, MODGATE, NGINX, NGINX_TUNED
from benchmarks.upstream import FORGET, Upstream
from tests.world.modules import escaped

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
"""One is the aim; a machine that does something else beside this may need some."""

STORED = f"/{PATH}/@v/{HOT}.mod"
"""The target of a .mod file that is in the store."""
LISTED, LATEST = f"/{PATH}/@v/list", f"/{PATH}/@latest"
FILES = (
    *(f"/{PATH}/@v/{HOT}.{extension}" for extension in ("info", "mod", "zip")),
    f"/{PATH}/@v/{LARGE}.zip",
    f"/{escaped(ESCAPED)}/@v/{HOT}.mod",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How long a run takes."""

    rounds: int
    seconds: int
    latency: float
    """Of the upstream, in seconds."""


@dataclass(frozen=True, slots=True)
class Started:
    """A server that answers."""

    server: Server
    process: Running
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Stage:
    """What scenarios find."""

    options: Options
    home: Path
    cores: Cores
    project: Project
    upstream: Upstream
    store: Path
    wrk: str
    servers: tuple[Server, ...]
    """On the filled store."""

    def server(self, name: str) -> Server:
        """The one of this name."""
        return next(one for one in self.servers if one.name == name)

    def start(self, server: Server, target: str = STORED) -> Started:
        """Start a server; return as soon as `target` has been answered 200. The caller ends the process.

        Raises:
            Broken: that took too long.
        """
        port = free_port()
        command = self.cores.pinned(server.command(port))
        process = Running(command, environ=server.environ(), log=self.home / "output.log")
        try:
            request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
            wait_until_answered(process, port, request.encode(), within=START_SECONDS)
        except BaseException:
            process.stop()
            raise
        return Started(server, process, port)

    @contextlib.contextmanager
    def running(self, server: Server) -> Iterator[Started]:
        """A server until the end of the block."""
        started = self.start(server)
        with started.process:
            yield started


@contextlib.contextmanager
def built(options: Options) -> Iterator[Stage]:
    """Build the stage below a temporary folder, which goes with it.

    Raises:
        Missing: a program is not installed.
        Broken: something does not start or does not answer.
    """
    nginx, wrk = installed("nginx", "nginx"), installed("wrk", "wrk")
    # First of all, so that everything which is started from here stays away from the servers' core.
    cores = Cores.claim()
    with tempfile.TemporaryDirectory(prefix="modgate-bench-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        project = publish(home / "upstream")
        port = free_port()
        command = Upstream.command(port, project.root, options.latency)
        environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)}
        process = stack.enter_context(Running(command, environ=environ, log=home / "upstream.log"))
        wait_until_answered(process, port, b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % FORGET, within=START_SECONDS)
        upstream, store, tree = Upstream(port), home / "store", home / "tree"
        stage = Stage(
            options=options,
            home=home,
            cores=cores,
            project=project,
            upstream=upstream,
            store=store,
            wrk=wrk,
            servers=(
                Nginx(NGINX, nginx, home / "nginx", tree, PLAIN),
                Nginx(NGINX_TUNED, nginx, home / "nginx-tuned", tree, TUNED),
                Modgate(MODGATE, store, upstream.url),
                Modgate(LOGGING, store, upstream.url, home / "access.log"),
            ),
        )
        _fill(stage, tree)
        yield stage


def _fill(stage: Stage, tree: Path) -> None:
    """Ask a gateway for everything that is hot; what it stored and answered is what nginx serves."""
    with stage.running(stage.server(MODGATE)) as started:
        bodies = {target: _good(started.port, target) for target in (*FILES, LISTED, LATEST)}
    answers = {target.lstrip("/"): bodies[target] for target in (LISTED, LATEST)}
    plant(tree, stage.store / "modules" / "public", answers)


def _good(port: int, target: str) -> bytes:
    answer = ask(port, target)
    if answer.status != 200:
        raise Broken(f"GET {target}: status {answer.status}: {answer.body[:200]!r}")
    return answer.body
