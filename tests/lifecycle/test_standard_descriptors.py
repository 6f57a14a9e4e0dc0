"""Where the output goes is nobody's trouble but its own: closed, full, or not read by anybody."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.cli.command import MODGATE
from tests.world import eventually, get

NOWHERE = "http://127.0.0.1:1"


@contextmanager
def started(home: Path, redirections: str, *arguments: str, log: int | None = None) -> Iterator[str]:
    """`modgate serve` with its descriptors as a shell leaves them; its URL."""
    ready = home / "ready.json"
    line = f'exec "$@" --listen 127.0.0.1:0 --admin off --data {home}/data --checksum off {redirections}'
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(home), "MODGATE_READY_FILE": str(ready)}
    command = ["sh", "-c", line, "sh", str(MODGATE), "serve", *arguments]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=log)
    try:
        eventually(lambda: ready.exists() or process.poll() is not None, "it started", within=30)
        yield json.loads(ready.read_text())["listen"]
    finally:
        process.terminate()
        assert process.wait(30) == 0


def asks_until_the_log_is_told(url: str) -> None:
    """The breaker of each worker opens, and nobody is told that something went wrong here."""
    for number in range(6):
        answer = get(f"{url}/example.com/m{number}/@v/list")
        assert answer.status in (502, 503)
        assert NOWHERE in answer.text


@pytest.mark.parametrize(
    ("redirections", "arguments"),
    [("<&- >&- 2>&-", ()), ("<&- >&- 2>&-", ("--workers", "2")), (">/dev/full 2>/dev/full", ())],
    ids=["closed", "closed for workers", "full"],
)
def test_a_gateway_whose_output_goes_nowhere_serves_and_keeps_it_out_of_its_store(
    tmp_path: Path, redirections: str, arguments: tuple[str, ...]
) -> None:
    with started(tmp_path, redirections, "--upstream", NOWHERE, *arguments) as url:
        asks_until_the_log_is_told(url)
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not [path for path in files if b'"request_id"' in path.read_bytes()]


def test_a_reader_of_the_log_that_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    with suppress(BlockingIOError):
        while os.write(writer, b"." * 4096):
            pass
    os.set_blocking(writer, True)
    with started(tmp_path, "", "--upstream", NOWHERE, log=writer) as url:
        asks_until_the_log_is_told(url)
    os.close(reader)
    os.close(writer)
