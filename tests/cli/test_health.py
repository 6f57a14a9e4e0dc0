"""`modgate health` exits with 0 when the gateway is ready, and with 1 and the reason when it is not."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.cli.command import run


class Answering(HTTPServer):
    """A gateway that answers every probe in the same way."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.status, self.body, self.paths = status, body, list[str]()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Answering)
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name that the standard library gave it
        pass


@contextmanager
def answering(status: int = 200, body: bytes = b"{}") -> Iterator[Answering]:
    with Answering(status, body) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("base", ["", "/", "/go"])
def test_a_ready_gateway_is_healthy(base: str) -> None:
    with answering() as gateway:
        done = run("health", f"http://{gateway.address}{base}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"ready: http://{gateway.address}{base}\n"
    assert gateway.paths == [base.rstrip("/") + "/health/ready"]


def test_one_that_is_not_ready_is_not_and_says_why_in_one_line() -> None:
    with answering(503, b'{"store":\n "cannot write"}\n' + b"x" * 100_000) as gateway:
        done = run("health", f"http://{gateway.address}")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f'not ready: http://{gateway.address} answered 503: {{"store": "cannot write"}} xxx')
    assert done.stderr.count("\n") == 1
    assert len(done.stderr) < 5000


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1", "127.0.0.1:8080", "http://", "http://127.0.0.1:x", "https://u:s3cr3t@[::1"]
)
def test_an_url_that_is_none_is_told(url: str) -> None:
    done = run("health", url)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "s3cr3t" not in done.stderr


def test_a_gateway_that_is_not_there_is_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    done = run("health", f"http://{address}")
    assert (done.returncode, done.stderr) == (1, f"not ready: http://{address}: [Errno 111] Connection refused\n")


def test_a_gateway_that_says_nothing_is_not_ready_when_the_deadline_is_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        code = "from modgate.cli import health, main; health.DEADLINE = 0.2; main()"
        probe = [sys.executable, "-c", code, "health", f"http://{address}"]
        done = subprocess.run(probe, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, f"not ready: http://{address}: no answer within 0.2 s\n")


def test_without_an_url_the_admin_port_of_the_settings_is_asked() -> None:
    with answering() as gateway:
        assert run("health", environ={"MODGATE_ADMIN": gateway.address}).returncode == 0
    assert gateway.paths == ["/health/ready"]


def test_without_an_admin_port_the_data_port_is_asked_below_its_base_path() -> None:
    with answering() as gateway:
        settings = {"MODGATE_ADMIN": "off", "MODGATE_LISTEN": f":{gateway.server_port}", "MODGATE_BASE_PATH": "/go"}
        done = run("health", environ=settings)
    assert done.stdout == f"ready: http://{gateway.address}/go\n"
    assert gateway.paths == ["/go/health/ready"]


def test_a_port_that_the_settings_do_not_tell_has_to_be_given() -> None:
    done = run("health", environ={"MODGATE_ADMIN": "127.0.0.1:0"})
    assert done.returncode == 1
    assert done.stderr == (
        "modgate: URL: is not given, and the settings let the gateway take any port; give the gateway's URL\n"
    )
