"""Whether the files that `netrc` and `[[host]]` name can be used on this machine.

Secrets are not among them: a file that a secret stands in may come later, and go.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modgate.errors import SetupError, Unavailable
from modgate.net.credentials import Netrc
from modgate.net.trust import Contexts, Trust
from modgate.settings.model import Host, Settings

FILES = ("ssh_key", "known_hosts", "ca", "client_cert", "client_key")


def host_problems(settings: Settings) -> Iterator[SetupError]:
    """Everything about those files that stands against a start."""
    if settings.netrc is not None:
        yield from _netrc_problems(settings.netrc)
    for number, host in enumerate(settings.host, start=1):
        yield from _of_host(f"host[{number}]", host)


def _netrc_problems(path: Path) -> Iterator[SetupError]:
    unreadable = list(_unreadable("netrc", path))
    yield from unreadable
    try:
        if not unreadable:
            Netrc(path, "netrc").of("")
    except Unavailable as error:
        yield SetupError("netrc", error.reason.partition("used: ")[2], "write it as the go command reads it")


def _of_host(setting: str, host: Host) -> Iterator[SetupError]:
    found = [problem for name in FILES for problem in _unreadable(f"{setting}.{name}", getattr(host, name))]
    yield from found
    if not found and (host.ca is not None or host.client_cert is not None):
        try:
            Contexts().of(Trust(host.ca, host.client_cert, host.client_key, setting))
        except Unavailable as error:
            names, _, why = error.reason.removeprefix("the setting ").partition(" cannot be used: ")
            yield SetupError(names, why, "give the PEM files of one certificate, without a passphrase")


def _unreadable(field: str, path: Path | None) -> Iterator[SetupError]:
    try:
        if path is not None:
            path.open("rb").close()
    except OSError as error:
        yield SetupError(field, f"cannot read {path}: {error.strerror}", "name a readable file")
