"""Processes of a run: started on their core, looked at from outside, ended with the run.

Belongs here: cores, ports, starting and ending, CPU time and memory as the kernel counts them. Not here: which
processes there are (servers/, upstream.py), what is asked of them (scenarios/).
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import psutil

from benchmarks.errors import Broken, Missing

Seen = TypeVar("Seen")

LOOPBACK = "127.0.0.1"
GRACE = 10.0
"""Seconds that a server has to end after SIGTERM before it is killed. An idle one ends within one."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Who runs where: the servers on some cores, everything else (load, upstream, this program) on the others."""

    servers: tuple[int, ...]
    """Empty: this machine has too few cores for that, and nothing is pinned."""

    @classmethod
    def claim(cls, workers: int = 1) -> Cores:
        """Choose a core for each worker of a server, and leave those ourselves; our children follow us."""
        mine = sorted(os.sched_getaffinity(0))
        if len(mine) <= workers or shutil.which("taskset") is None:
            return cls(())
        os.sched_setaffinity(0, mine[workers:])
        return cls(tuple(mine[:workers]))

    def pinned(self, command: Sequence[str]) -> list[str]:
        """The command as it runs on the servers' cores."""
        return ["taskset", "-c", ",".join(map(str, self.servers)), *command] if self.servers else list(command)


class Running:
    """A process, leader of its own group, that ends with the block."""

    def __init__(self, command: Sequence[str], *, environ: Mapping[str, str], log: Path) -> None:
        """Start it; what it writes goes to the end of `log`."""
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def check(self) -> None:
        """See that it still runs.

        Raises:
            Broken: it does not.
        """
        if self._process.poll() is not None:
            raise Broken(f"{self._process.args!r} ended with {self._process.returncode}:\n{tail(self.log)}")

    def stop(self) -> None:
        """End it in good order; what is left of its group after that is killed."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(GRACE)

    def cpu_seconds(self) -> float:
        """User and system time of it and its children, in the kernel's steps of 10 ms."""
        return sum(sum(times[:2]) for times in self._each(psutil.Process.cpu_times))

    def memory(self) -> float:
        """What it and its children hold now: PSS, which counts a shared page once, in MB (10^6 bytes)."""
        return sum(info.pss for info in self._each(psutil.Process.memory_full_info)) / 1e6

    def _each(self, look: Callable[[psutil.Process], Seen]) -> list[Seen]:
        main = psutil.Process(self.pid)
        seen = [look(main)]
        for child in main.children(recursive=True):
            with suppress(psutil.NoSuchProcess):  # it ended between two looks
                seen.append(look(child))
        return seen


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as one:
        one.bind((LOOPBACK, 0))
        return int(one.getsockname()[1])


def wait_until_answered(process: Running, port: int, request: bytes, *, within: float, secure: bool = False) -> None:
    """Send a request again and again, over TLS if it is `secure`, until it is answered 200.

    Raises:
        Broken: the process ended, or `within` seconds were not enough.
    """
    until, got = time.monotonic() + within, b""
    while time.monotonic() < until:
        process.check()
        with suppress(OSError), connected(port, within, secure=secure) as line:
            line.sendall(request)
            got = line.recv(64)
            if got.startswith(b"HTTP/1.1 200 "):
                return
        time.sleep(0.001)  # fine enough for a start that takes some hundred
    raise Broken(f"no 200 within {within:.0f} s, last {got!r}:\n{tail(process.log)}")


def connected(port: int, seconds: float, *, secure: bool = False) -> socket.socket:
    """A connection to a server of this run; `seconds` for each of its steps.

    Raises:
        OSError: nobody listens.
    """
    line = socket.create_connection((LOOPBACK, port), seconds)
    return trusting().wrap_socket(line) if secure else line


def trusting() -> ssl.SSLContext:
    """A client that believes any certificate: those of a run are made for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def installed(program: str, package: str) -> str:
    """The path of a program.

    Raises:
        Missing: it is not installed.
    """
    # Debian keeps servers where only root's PATH finds them.
    found = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise Missing(
            f"benchmarks: {program} is missing; install the Debian package {package}: apt-get install {package}"
        )
    return found


def tail(log: Path, lines: int = 15) -> str:
    """The end of a log, for a message."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else ""
