"""The gateway under test: the real `modgate serve`, as a process of its own.

Belongs here: starting it, ending it in good and bad ways, and what it shows to the outside. Not here: asking it for
modules (client.py, gocommand.py), what it should answer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.world import client
from tests.world.client import Response
from tests.world.waiting import eventually

PROGRAM = Path(sys.executable).parent / "modgate"

START_SECONDS = 30.0
"""One second is the aim; a machine that runs other tests beside this one may need some."""
STOP_SECONDS = 15.0
"""For the end of an idle gateway, again with much to spare."""

Setting = str | int | float | Path | tuple[str, ...] | Mapping[str, Any]


class Gateway:
    """One running gateway. `home` keeps its data, unless the settings name another directory, and its logs."""

    def __init__(
        self, home: Path, settings: Mapping[str, Setting], environ: Mapping[str, str], through: Sequence[str] = ()
    ) -> None:
        """Start it, with the settings as flags; return when it is ready.

        Args:
            home: a directory of its own.
            settings: top-level ones by name, groups as mappings: `{"limits": {"zip": "1MiB"}}`.
            environ: its whole environment besides what is needed to find out where it listens.
            through: a program, with its arguments, that becomes the gateway, such as `setpriv`.
        """
        self.home = home
        home.mkdir(parents=True)
        self.data = Path(str(settings.get("data", home / "data")))
        self._ready = home / "ready.json"
        self._access_log = home / "access.log"
        given = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "access_log": self._access_log, **settings}
        command = [*through, str(PROGRAM), "serve", *_flags({**given, "data": self.data})]
        with (home / "output.log").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=home,
                env={**environ, "MODGATE_READY_FILE": str(self._ready)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # so that its children can be ended with it
            )
        self.pid = self._process.pid
        self._may_have_ended = False
        self._children: list[psutil.Process] = []
        try:
            eventually(self._is_ready, "the gateway started", within=START_SECONDS)
        except AssertionError:
            self.kill()
            raise
        said = json.loads(self._ready.read_text())
        self.url: str = said["listen"]
        """Base URL of the data port, without a slash at the end."""
        self.admin_url: str = said["admin"] or ""
        """Base URL of the admin port; "" where it has none."""

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, f"modgate serve ended with {self._process.returncode}:\n{self.log_text()}"
        return self._ready.exists()

    # Asking it.

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Response:
        """Ask the data port; `headers` are written with underscores: `cache_control="no-cache"`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.get(f"{self.url}/{path}", method=method, headers=named)

    def connect(self) -> client.Connection:
        """A connection to the data port."""
        return client.Connection(self.url)

    # How it ends.

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def signals(self, number: signal.Signals) -> None:
        """Send a signal to the gateway itself, as a service manager does."""
        self._process.send_signal(number)

    def ended(self, within: float = STOP_SECONDS) -> int:
        """Wait for its end, which this test expects; the exit status."""
        self._may_have_ended = True
        return self._process.wait(within)

    def stop(self) -> None:
        """End it in good order, and see that it says so and did not end before by itself."""
        if not self.is_running:
            assert self._may_have_ended, f"modgate ended with {self._process.returncode}:\n{self.log_text()}"
            return
        self.signals(signal.SIGTERM)
        try:
            status = self.ended()
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end it in {STOP_SECONDS:.0f} s:\n{self.log_text()}") from None
        assert status == 0, f"modgate ended with status {status}:\n{self.log_text()}"

    def kill(self, *, alone: bool = False) -> None:
        """End it and its children with SIGKILL, as a power cut would; `alone` leaves the children to themselves."""
        if self.is_running:
            if alone:
                self._children = self.processes[1:]
                self._process.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        self.ended()

    @property
    def orphans(self) -> list[psutil.Process]:
        """Children that go on running after `kill(alone=True)`."""
        return [child for child in self._children if child.is_running()]

    # What it shows.

    def log_text(self) -> str:
        """What it wrote to the standard output and error."""
        return (self.home / "output.log").read_text(errors="replace")

    def access_log(self, at_least: int = 0) -> list[dict[str, Any]]:
        """The lines of the access log, once there are `at_least` so many: they are written in batches."""

        def lines() -> list[str]:
            written = self._access_log.read_text() if self._access_log.exists() else ""
            return [line for line in written.splitlines(keepends=True) if line.endswith("\n")]

        eventually(lambda: len(lines()) >= at_least, f"{at_least} lines came into the access log")
        return [json.loads(line) for line in lines()]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of a metric with these labels; 0 where there is none."""
        from prometheus_client.parser import text_string_to_metric_families

        scraped = client.get(f"{self.admin_url}/metrics").text
        return sum(
            sample.value
            for family in text_string_to_metric_families(scraped)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    @property
    def processes(self) -> list[psutil.Process]:
        """The gateway and its children."""
        main = psutil.Process(self.pid)
        return [main, *main.children(recursive=True)]

    def memory(self) -> int:
        """Resident bytes of all its processes together."""
        return sum(process.memory_info().rss for process in self.processes)

    def files(self, folder: str = "") -> list[str]:
        """All files below `folder` of the data directory, by their names from there, sorted.

        But for its probes: every few seconds it writes one and removes it.
        """
        base = self.data / folder
        found = [path for path in base.rglob("*") if path.is_file() and path.suffix != ".probe"]
        return sorted(str(path.relative_to(base)) for path in found)

    def spool(self) -> list[str]:
        """What lies in its spool, besides the marks of processes: empty while nothing is under way."""
        return [name for name in self.files("spool") if not name.endswith(".session")]

    def tidies_up(self) -> None:
        """Wait until nothing is left in its spool, and nothing has still to be written."""
        eventually(lambda: not self.spool() and not self._writes(), "its spool is empty")

    def _writes(self) -> float:
        return self.metric("modgate_commits_waiting") if self.admin_url and self.is_running else 0.0


def _flags(settings: Mapping[str, Setting]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            for dotted, text in _flat(name, value):
                yield from ("--set", f"{dotted}={text}")
        else:
            for text in value if isinstance(value, tuple) else (str(value),):
                yield from ("--" + name.replace("_", "-"), text)


def _flat(prefix: str, group: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", str(value)
