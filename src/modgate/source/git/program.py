"""Running the git program: bounded in time, memory and output, and with nothing of this machine's settings.

Belongs here: the process. Not here: its environment (access.py), what its error texts mean (meaning.py), what is asked
of it (mirror.py).
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from modgate.errors import Trouble, Unavailable
from modgate.net.child import TAIL, Child, Pipes, running
from modgate.source.git.access import OFF, Access, quiet_environ, run_environ

GONE = 127
"""The status of a run in a directory that is not there; git itself never ends with it."""
OLDEST = (2, 37)
"""The first git that can be told the address of a host (http.curloptResolve): an older one would look it up by itself,
and silently."""
_VERSION = re.compile(r"git version ([0-9]{1,4})\.([0-9]{1,4})")
LIMITED = 'ulimit -c 0; ulimit -v "$1" || :; ulimit -f "$2" || :; shift 2; exec "$@"'
"""A shell sets the limits in between: between fork and exec, Python code of a threaded process may deadlock."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one run of git may cost."""

    seconds: float = 300.0
    """The first clone of a repository of 500 MB at 2 MB/s."""
    look_seconds: float = 45.0
    """`git ls-remote`: 10 MB of refs at 2 Mbit/s. A host that hangs is given up after this."""
    memory: int = 4 << 30
    """Bytes of address space; index-pack maps whole packs."""
    file: int = 4 << 30
    """Bytes of the largest file that it may write: a pack."""
    output: int = 64 << 20
    """Bytes of output where it is held in memory: 500,000 refs, or the tree of 250,000 files."""
    at_once: int = 8
    """Runs at the same time that read or convert; each takes a core."""
    fetches: int = 32
    """Runs at the same time that wait for hosts: they have places of their own, so that hosts that hang keep nobody
    from what is here already."""
    fetches_per_host: int = 8
    """So that one host that hangs does not take all of these."""


class GitFailed(Exception):
    """Git ended with an error. `text` is the end of what it said."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"status {status}: {text}")
        self.status = status
        self.text = text


@dataclass(frozen=True, slots=True)
class Stream:
    """A running git."""

    pipe: int
    """The end of a pipe to read from; it is closed with the stream, so nobody may be reading then."""
    kill: Callable[[], None]
    """End it: whoever reads the pipe, reads its end."""


class Git:
    """The git program of this machine."""

    def __init__(self, home: Path, bounds: Bounds, environ: Mapping[str, str]) -> None:
        """`home` is an empty directory; of `environ` everything is passed on, so it holds PATH and no secrets."""
        self._bounds = bounds
        self._home = home
        self._local = asyncio.Semaphore(bounds.at_once)
        self._fetches = asyncio.Semaphore(bounds.fetches)
        self._lanes: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._environ = quiet_environ(home, environ)

    async def run(
        self,
        repository: Path,
        *arguments: str,
        access: Access = OFF,
        stdin: bytes = b"",
        short: bool = False,
    ) -> bytes:
        """What `git arguments` prints; `repository` is a bare one, `short` says that it only has a look.

        Raises:
            GitFailed: it ended with an error.
            Unavailable: it took too long, printed too much, or cannot be started.
        """
        seconds = self._bounds.look_seconds if short else self._bounds.seconds
        with _input(stdin) as given:
            pipes = Pipes(stdin=given)
            async with self._slot(access), self._started(repository, arguments, access, pipes, seconds) as child:
                status = await child.status()
        if child.excessive:
            reason = f"git printed more than the {self._bounds.output} bytes that are allowed"
            raise Unavailable(reason=reason, trouble=Trouble.ANSWER)
        if status:
            raise GitFailed(status, child.said)
        return bytes(child.output)

    async def problem(self) -> str:
        """What is wrong with this machine's git, with the remedy; "" if it will do."""
        try:
            told = (await self.run(self._home, "version", short=True)).decode(errors="replace")
        except (GitFailed, Unavailable):
            return "git cannot be run: install it, and let PATH lead to it"
        match = _VERSION.search(told)
        if match is None or (int(match[1]), int(match[2])) < OLDEST:
            return f"{told.strip()[:40]!r} is too old: install git {OLDEST[0]}.{OLDEST[1]} or newer"
        return ""

    @asynccontextmanager
    async def stream(self, repository: Path, *arguments: str) -> AsyncIterator[Stream]:
        """What `git arguments` prints, as it prints it, without the network.

        Raises:
            GitFailed: at the end, if it ended with an error.
            Unavailable: it took too long, or cannot be started.
        """
        reading, writing = os.pipe()
        said = tempfile.TemporaryFile()  # noqa: SIM115  # a pipe for it would need somebody who reads it all the time
        try:
            pipes = Pipes(stdout=writing, stderr=said.fileno())
            async with (
                self._local,
                self._started(repository, arguments, OFF, pipes, self._bounds.seconds) as child,
            ):
                os.close(writing)
                writing = -1
                yield Stream(reading, child.kill)
                # Whoever stopped reading early has to let git go too.
                os.close(reading)
                reading = -1
                if status := await child.status():
                    said.seek(0)
                    raise GitFailed(status, said.read(TAIL).decode(errors="replace").strip())
        finally:
            said.close()
            for descriptor in (reading, writing):
                if descriptor >= 0:
                    os.close(descriptor)

    @asynccontextmanager
    async def _slot(self, access: Access) -> AsyncIterator[None]:
        """A place among the runs."""
        if access is OFF:
            async with self._local:
                yield
            return
        lane = self._lanes.setdefault(access.lane, asyncio.Semaphore(self._bounds.fetches_per_host))
        async with lane, self._fetches:
            yield

    @asynccontextmanager
    async def _started(
        self,
        repository: Path,
        arguments: Sequence[str],
        access: Access,
        pipes: Pipes,
        seconds: float,
    ) -> AsyncIterator[Child]:
        limits = (str(self._bounds.memory >> 10), str(self._bounds.file >> 9))
        command = ("/bin/sh", "-c", LIMITED, "sh", *limits, "git", *arguments)
        environ = run_environ(self._environ, repository, access)
        async with AsyncExitStack() as stack:
            start = running(command, most=self._bounds.output, pipes=pipes, cwd=repository, environ=environ)
            try:
                child = await stack.enter_async_context(start)
            except OSError as error:
                if not repository.exists():
                    # Whoever met damage has thrown it away meanwhile: that says nothing about git.
                    raise GitFailed(GONE, "there is no such repository here") from error
                reason = f"git could not be started ({os.strerror(error.errno or 0).lower()})"
                raise Unavailable(reason=reason, trouble=Trouble.OURS) from error
            try:
                async with asyncio.timeout(seconds):
                    yield child
            except TimeoutError as error:
                reason = f"git did not end within {seconds:g} s"
                raise Unavailable(reason=reason, trouble=Trouble.TIMEOUT) from error


@contextmanager
def _input(data: bytes) -> Iterator[int]:
    """What a process reads as its input: a file, so that nobody has to write while others read."""
    if not data:
        yield asyncio.subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        yield file.fileno()
