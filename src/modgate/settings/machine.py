"""Whether this machine allows what the settings want: directory, ports, certificates, log file.

Belongs here: checks that touch the machine and change nothing on it. Not here: what can be said from the texts alone
(meaning.py). Both `modgate check` and the start of `modgate serve` ask here.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from modgate.errors import SetupError
from modgate.observe.sink import open_sink
from modgate.settings.environ import FALLBACK
from modgate.settings.hostfiles import host_problems
from modgate.settings.loaded import Loaded
from modgate.settings.meaning import Address
from modgate.settings.model import Settings
from modgate.settings.mounts import file_system, is_network

MOST_WORKERS = 8
"""Of `auto`: more of them have nothing left to share but one disk and one network."""
FULL = (errno.ENOSPC, errno.EDQUOT)
MOUNTS = Path("/proc/self/mountinfo")
FALLBACK_SECONDS = 10.0
"""For the list of a directory; a file system that hangs is no fallback."""


def problems(loaded: Loaded, *, mounts: Path = MOUNTS) -> Iterator[SetupError]:
    """Everything on this machine that stands against a start.

    Args:
        mounts: the kernel's table of mounts; where there is none, file systems are not judged.
    """
    settings, meaning = loaded.settings, loaded.meaning
    yield from _directory_problems(settings.data, mounts)
    yield from _port_problems("listen", meaning.listen)
    if meaning.admin is not None:
        yield from _port_problems("admin", meaning.admin)
    if meaning.own_listen is not None:
        yield from _port_problems("own_database.listen", meaning.own_listen)
    if settings.tls_cert is not None and settings.tls_key is not None:
        yield from _tls_problems(settings.tls_cert, settings.tls_key)
    if loaded.fallback is not None:
        yield from _fallback_problems(loaded.fallback)
    yield from host_problems(settings)
    if settings.access_log not in ("-", "off"):
        yield from _log_problems(Path(settings.access_log))


def workers(settings: Settings) -> int:
    """How many serving processes there shall be."""
    if settings.workers == "auto":
        return min(len(os.sched_getaffinity(0)), MOST_WORKERS)
    return settings.workers


def require(loaded: Loaded, *, mounts: Path = MOUNTS) -> None:
    """Pass if this machine allows a start.

    Raises:
        SetupError: the first thing that stands against it.
    """
    for problem in problems(loaded, mounts=mounts):
        raise problem


def _directory_problems(data: Path, mounts: Path) -> Iterator[SetupError]:
    try:
        existing = _existing(data)
        _write_into(existing)
    except OSError as error:
        if error.errno in FULL and data.exists():
            return  # what is stored in it can still be served; readiness tells of the rest
        yield SetupError(
            "data", f"cannot write into {data}: {error.strerror}", "give a directory that modgate may write"
        )
        return
    if mounts.exists():
        kind = file_system(mounts.read_text(encoding="utf-8", errors="replace"), str(existing.resolve()))
        if is_network(kind):
            told = f"{data} lies on a network file system ({kind}), where flock and SQLite's WAL do not hold"
            yield SetupError("data", told, "give a directory on a local disk")


def _existing(path: Path) -> Path:
    """`path`, or the nearest directory above it that is there already."""
    path = path.absolute()
    return path if path.exists() else _existing(path.parent)


def _write_into(directory: Path) -> None:
    """Write and sync a file without a name. Permission bits alone would not tell a read-only or a full disk."""
    with tempfile.TemporaryFile(dir=directory) as file:
        file.write(b"modgate")
        file.flush()
        os.fsync(file.fileno())


def _port_problems(field: str, address: Address) -> Iterator[SetupError]:
    if not address.port:
        return
    try:
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        yield SetupError(field, f"{address.host!r} is no address of this machine", "give one, such as 127.0.0.1:8080")
        return
    for family, kind, protocol, _, target in found:
        problem = _bind(field, address, socket.socket(family, kind, protocol), target) if _speaks(family) else None
        if problem is not None:
            yield problem
            return


def _speaks(family: int) -> bool:
    """Whether this machine has sockets of `family`; a container often has no IPv6."""
    try:
        socket.socket(family).close()
    except OSError:
        return False
    return True


def _bind(field: str, address: Address, listener: socket.socket, target: tuple[object, ...]) -> SetupError | None:
    with listener:
        # As the server does: a port whose last connections fade away is free, a listening one is not.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            listener.bind(target)
        except PermissionError:
            return SetupError(field, f"port {address.port} is only for root", "give a port from 1024 on")
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return SetupError(field, f"{address} is in use", "stop what listens there, or give another port")
            return SetupError(field, f"cannot listen on {address}: {error.strerror}", "give an address of this machine")
    return None


def _tls_problems(certificate: Path, key: Path) -> Iterator[SetupError]:
    unreadable = False
    for field, path in (("tls_cert", certificate), ("tls_key", key)):
        try:
            path.open("rb").close()
        except OSError as error:
            unreadable = True
            yield SetupError(field, f"cannot read {path}: {error.strerror}", "name a readable PEM file")
    if unreadable:
        return
    try:
        # A password is never asked for: a service has nobody to type it.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except ssl.SSLError as error:
        told = "do not belong together" if "MISMATCH" in (error.reason or "") else "cannot be used together"
        yield SetupError(
            "tls_key", f"{certificate} and {key} {told}", "give the PEM files of one certificate, no password"
        )


def _fallback_problems(directory: Path) -> Iterator[SetupError]:
    remedy = "name a directory of modules that modgate may read, or none"
    if not directory.is_absolute():
        yield SetupError(FALLBACK, f"{directory} is not absolute", remedy)
        return
    # One that hangs shall not hold up a start: what it is for is trouble.
    looked, found = threading.Event(), list[OSError]()

    def look() -> None:
        try:
            os.listdir(directory)
        except OSError as error:
            found.append(error)
        looked.set()

    threading.Thread(target=look, daemon=True).start()
    if not looked.wait(FALLBACK_SECONDS):
        yield SetupError(FALLBACK, f"{directory} was not read within {FALLBACK_SECONDS:g} s", remedy)
    elif found:
        yield SetupError(FALLBACK, f"cannot read {directory}: {found[0].strerror}", remedy)


def _log_problems(path: Path) -> Iterator[SetupError]:
    try:
        if path.exists():
            open_sink(str(path)).close()  # as the start does: a pipe that nobody reads must not hold us up
        else:
            _write_into(path.absolute().parent)
    except OSError as error:
        yield SetupError("access_log", f"cannot write {path}: {error.strerror}", "name a writable file, - or off")
