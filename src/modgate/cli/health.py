"""`modgate health`: is it ready? For probes in images without curl."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modgate.cli.ending import FAILED, ended

if TYPE_CHECKING:
    import ssl
    from types import FrameType
    from urllib.parse import SplitResult

DEADLINE = 5.0
"""Seconds for all of it, names included. Probes of container platforms give up after 1 to 10 s."""

MAX_BODY = 4096
"""Bytes. The reasons of a gateway that is not ready have some hundred."""


@click.command()
@click.argument("url", required=False)
@click.option("--config", type=Path, metavar="FILE", help="Settings file; default ./modgate.toml.")
def health(url: str | None, config: Path | None) -> None:
    """Ask a running gateway whether it is ready.

    URL is that of its data or admin port; by default the one in the settings. The exit code is 0, or 1 with the reason
    in one line.
    """
    code = ended(lambda: _probe(*((url, None) if url else _own(config))))
    # Some container platforms know only these two answers of a probe.
    sys.exit(FAILED if code else 0)


def _probe(url: str, context: ssl.SSLContext | None) -> int:
    from http.client import HTTPException
    from urllib.parse import urlsplit

    from modgate.gomod.redact import redacted

    shown = redacted(url)
    # An alarm bounds everything at once; a timeout of the socket would start anew with every byte.
    signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, DEADLINE)
    try:
        status, text = _get(urlsplit(url), context)
    except (OSError, ValueError, HTTPException) as error:
        click.echo(f"not ready: {shown}: {error}", err=True)
        return FAILED
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    if status != 200:
        click.echo(f"not ready: {shown} answered {status}: {text}", err=True)
        return FAILED
    click.echo(f"ready: {shown}")
    return 0


def _get(url: SplitResult, context: ssl.SSLContext | None) -> tuple[int, str]:
    from http.client import HTTPConnection, HTTPSConnection

    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError("write http://HOST:PORT or https://HOST:PORT")
    if url.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(url.hostname, url.port, timeout=DEADLINE, context=context)
    else:
        connection = HTTPConnection(url.hostname, url.port, timeout=DEADLINE)
    try:
        connection.request("GET", url.path.rstrip("/") + "/health/ready", headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, " ".join(response.read(MAX_BODY).decode("utf-8", "replace").split())
    finally:
        connection.close()


def _too_late(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"no answer within {DEADLINE:g} s")


def _own(config: Path | None) -> tuple[str, ssl.SSLContext | None]:
    """The URL of the gateway that has the settings of this process, and how to trust it."""
    import os

    from modgate.errors import SetupError
    from modgate.settings.load import Sources, load

    # Only the addresses matter here: a probe needs no upstream, and no go command to find one.
    irrelevant = {"upstream": "off", "checksum": "off", "data": "."}
    loaded = load(Sources(irrelevant, os.environ, config, go_env=lambda _: {}))
    address = loaded.meaning.admin or loaded.meaning.listen
    if not address.port:
        raise SetupError(
            "URL", "is not given, and the settings let the gateway take any port", "give the gateway's URL"
        )
    host = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104 -- compared
    authority = f"[{host}]:{address.port}" if ":" in host else f"{host}:{address.port}"
    if loaded.meaning.admin is not None or loaded.settings.tls_cert is None:
        return f"http://{authority}" + ("" if loaded.meaning.admin else loaded.settings.base_path), None
    return f"https://{authority}{loaded.settings.base_path}", _unverified()


def _unverified() -> ssl.SSLContext:
    """Trust whoever answers: it is asked at an address of this machine, which its certificate seldom names."""
    import ssl

    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
