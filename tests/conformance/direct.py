"""The repositories that the script tests of direct mode read, as a host of this machine that the proxy can find.

Belongs here: which scripts these are, the host vcs-test.golang.org (vcweb of cmd/go, behind TLS), and the way there.
Not here: the scripts' own connections to it, which the test binary turns to this machine by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tests.conformance.processes import LOOPBACK, port_said, running
from tests.conformance.testbinary import Tests, compiled_repositories, environ
from tests.hosts.authority import Company
from tests.world.wayout import WayOut

HOST = "vcs-test.golang.org"

DIRECTLY = re.compile(r"^env .*(GOPROXY=direct|GOPRIVATE=vcs-test\.golang\.org)", re.MULTILINE)
OTHER_SYSTEM = re.compile(r"^\[!exec:(hg|svn|fossil|bzr)\] skip", re.MULTILINE)
"""Scripts about another version control system than git: the gateway knows git only, and says so."""

SERVING = r"serving on http://[^\s/]*:(\d+)/\n"
PIECE = 64 * 1024


def direct_scripts(tests: Tests) -> list[str]:
    """The scripts that read repositories directly, with git."""
    files = (tests.go.cmd_go / "testdata/script").glob("*.txt")
    found = {file.stem: file.read_text(errors="replace") for file in files}
    return sorted(name for name, text in found.items() if DIRECTLY.search(text) and not OTHER_SYSTEM.search(text))


@contextlib.contextmanager
def repositories(tests: Tests, cache: Path, deadline: float, home: Path, log: IO[str]) -> Iterator[Path]:
    """Serve vcs-test.golang.org; a settings file for the proxy that leads there. `home` is an empty folder.

    Raises:
        RunnerError: it cannot be built or started.
    """
    binary = compiled_repositories(tests, cache, deadline)
    scripts = tests.go.cmd_go / "testdata/vcstest"
    command = [str(binary), "-host", LOOPBACK, "-port", "0", "-dir", str(scripts)]
    company = Company(home)
    with (
        running(command, log, environ(TMPDIR=str(home)), home) as process,
        _behind_tls(port_said(process, Path(log.name), SERVING), company.tls(HOST)) as port,
        WayOut(names={HOST: port}) as way,
    ):
        settings = home / "modgate.toml"
        table = {"match": HOST, "proxy": way.url, "ca": str(company.ca)}
        lines = [f"{key} = {json.dumps(value)}\n" for key, value in table.items()]
        settings.write_text("".join(["[[host]]\n", *lines]))
        settings.chmod(0o600)
        yield settings


@contextlib.contextmanager
def _behind_tls(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """Pass connections with TLS on to `port` without; the port that takes them."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            inner = await asyncio.open_connection(LOOPBACK, port)
            await asyncio.gather(_pumped(reader, inner[1]), _pumped(inner[0], writer), return_exceptions=True)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="tls", daemon=True)
    thread.start()
    try:
        start = asyncio.start_server(serve, LOOPBACK, 0, ssl=context)
        server = asyncio.run_coroutine_threadsafe(start, loop).result()
        yield int(server.sockets[0].getsockname()[1])
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _pumped(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(PIECE):
            writer.write(data)
            await writer.drain()
    finally:
        writer.close()
