"""The stage of a run: an upstream, a store that has been filled from it, and the servers that share it.

Belongs here: what has to be there before anything is measured. Not here: measuring (scenarios/).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.asking import ask
from benchmarks.certificates import issue
from benchmarks.errors import Broken
from benchmarks.processes import Cores, Running, free_port, installed, wait_until_answered
from benchmarks.project import ESCAPED, HOT, HUGE, LARGE, ONCE, PATH, Project, publish
from benchmarks.servers import Certificate, Server
from benchmarks.servers.modgate import Modgate
from benchmarks.servers.nginx import LOGGED, PLAIN, TUNED, Nginx, Tuning, plant
from benchmarks.servers.peer import Template
from benchmarks.targets import MODGATE, NGINX, NGINX_LOG, NGINX_TUNED, NO_LOG
from benchmarks.upstream import FORGET, Upstream
from tests.world.modules import escaped

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30.0
"""One is the aim; a machine that does something else beside this may need some."""

STORED = f"/{PATH}/@v/{HOT}.mod"
"""The target of a .mod file that is in the store."""
LISTED, LATEST = f"/{PATH}/@v/list", f"/{PATH}/@latest"
HUGE_TARGET = f"/{HUGE}/@v/{ONCE}.zip"
FILES = (
    *(f"/{PATH}/@v/{HOT}.{extension}" for extension in ("info", "mod", "zip")),
    f"/{PATH}/@v/{LARGE}.zip",
    HUGE_TARGET,
    f"/{escaped(ESCAPED)}/@v/{HOT}.mod",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How long a run takes, and who takes part."""

    rounds: int
    seconds: int
    latency: float
    """Of the upstream, in seconds."""
    workers: int = 1
    """Processes of each server."""
    full: bool = False
    """Measure what takes long, too."""
    peers: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Started:
    """A server that answers."""

    server: Server
    process: Running
    port: int

    @property
    def url(self) -> str:
        return f"{'https' if self.server.secure else 'http'}://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Stage:
    """What scenarios find."""

    options: Options
    home: Path
    cores: Cores
    project: Project
    upstream: Upstream
    store: Path
    tree: Path
    """The store's files, with list and @latest beside them, for servers of files."""
    certificate: Certificate
    nginx: str
    wrk: str

    @property
    def servers(self) -> list[Server]:
        """Everybody on filled stores; what others are compared with comes first."""
        servers: list[Server] = [self.nginx_as(NGINX, PLAIN), self.nginx_as(NGINX_LOG, LOGGED)]
        if self.options.full:
            servers.append(self.nginx_as(NGINX_TUNED, TUNED))
        servers += [self.modgate(), replace(self.modgate(), name=NO_LOG, access_log=None)]
        return servers + [one.on(self.home / "peers" / one.name, self.upstream.url) for one in self.options.peers]

    def nginx_as(self, name: str, tuning: Tuning, *, secure: bool = False) -> Nginx:
        """nginx on the filled store."""
        home = self.home / f"{name}{' tls' if secure else ''}".replace(" ", "-").replace(",", "")
        certificate = self.certificate if secure else None
        return Nginx(name, self.nginx, home, self.tree, tuning, self.options.workers, certificate)

    def modgate(self, store: Path | None = None, *settings: str, secure: bool = False) -> Modgate:
        """modgate on the filled store, or on another one."""
        at = store or self.store
        return Modgate(
            MODGATE,
            at,
            self.upstream.url,
            at.parent / f"{at.name}.log",
            workers=self.options.workers,
            certificate=self.certificate if secure else None,
            settings=settings,
        )

    def newcomers(self, folder: Path, *settings: str, checksum: str = "off") -> list[Server]:
        """modgate and its peers, with stores below a folder that does not exist yet: nothing is in them."""
        folder.mkdir()
        peers = [one.on(folder / one.name, self.upstream.url) for one in self.options.peers]
        return [replace(self.modgate(folder / "store", *settings), checksum=checksum), *peers]

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
            wait_until_answered(process, port, request.encode(), within=START_SECONDS, secure=server.secure)
        except BaseException:
            process.stop()
            raise
        return Started(server, process, port)

    @contextlib.contextmanager
    def running(self, server: Server, target: str = STORED) -> Iterator[Started]:
        """A server until the end of the block."""
        started = self.start(server, target)
        with started.process:
            yield started

    @contextlib.contextmanager
    def awake(self, server: Server) -> Iterator[Started]:
        """A newcomer that has fetched a .mod file and a zip: it lacks only what it is going to be asked for."""
        with self.running(server) as started:
            _good(started.port, f"/{PATH}/@v/{HOT}.zip")
            yield started

    @contextlib.contextmanager
    def anywhere(self) -> Iterator[Stage]:
        """For as long as the block, what is started may use all cores, as on a machine where nobody is measuring."""
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, mine | set(self.cores.servers))
        try:
            yield replace(self, cores=Cores(()))
        finally:
            os.sched_setaffinity(0, mine)

    @contextlib.contextmanager
    def all_running(self, servers: Sequence[Server]) -> Iterator[list[Started]]:
        """Several of them."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.running(server)) for server in servers]


@contextlib.contextmanager
def built(options: Options) -> Iterator[Stage]:
    """Build the stage below a temporary folder, which goes with it.

    Raises:
        Missing: a program is not installed.
        Broken: something does not start or does not answer.
    """
    nginx, wrk = installed("nginx", "nginx"), installed("wrk", "wrk")
    # First of all, so that everything which is started from here stays away from the servers' cores.
    cores = Cores.claim(options.workers)
    with tempfile.TemporaryDirectory(prefix="modgate-bench-") as folder, contextlib.ExitStack() as stack:
        home = Path(folder)
        project = publish(home / "upstream")
        port = free_port()
        command = Upstream.command(port, project.root, options.latency)
        environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT)}
        process = stack.enter_context(Running(command, environ=environ, log=home / "upstream.log"))
        wait_until_answered(process, port, b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % FORGET, within=START_SECONDS)
        stage = Stage(
            options=options,
            home=home,
            cores=cores,
            project=project,
            upstream=Upstream(port),
            store=home / "store",
            tree=home / "tree",
            certificate=issue(home / "certificates"),
            nginx=nginx,
            wrk=wrk,
        )
        _fill(stage)
        yield stage


def _fill(stage: Stage) -> None:
    """Ask a gateway for everything that is hot; what it stored and answered is what nginx serves."""
    with stage.running(stage.modgate()) as started:
        bodies = {target: _good(started.port, target) for target in (*FILES, LISTED, LATEST)}
    answers = {target.lstrip("/"): bodies[target] for target in (LISTED, LATEST)}
    plant(stage.tree, stage.store / "modules" / "public", answers)


def _good(port: int, target: str) -> bytes:
    answer = ask(port, target)
    if answer.status != 200:
        raise Broken(f"GET {target}: status {answer.status}: {answer.body[:200]!r}")
    return answer.body
