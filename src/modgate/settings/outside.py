"""Hosts outside: what the tables `[[host]]` mean.

Belongs here: what of them makes sense together. Not here: types and bounds (tables.py), whether files can be read
(machine.py), which entry counts for a URL (net/rules.py).
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from modgate.errors import Malformed, SetupError
from modgate.net.place import Place, is_loopback
from modgate.net.proxies import Proxy
from modgate.net.secret import is_literal, secret
from modgate.settings.model import HealthCheck, Host, Settings

PROXY = "write http://host:port, socks5://host:port or direct"
SECRET = "write env:NAME, file:PATH or command:PROGRAM ARGUMENTS"  # noqa: S105 -- a remedy


@dataclass(frozen=True, slots=True)
class Outside:
    """One table."""

    setting: str
    """`host[1]` is the first."""
    place: Place
    proxies: tuple[Proxy, ...]
    host: Host = field(repr=False)


def outside(settings: Settings) -> tuple[Outside, ...]:
    """All tables.

    Raises:
        SetupError: the first one that makes no sense.
    """
    made: list[Outside] = []
    for number, host in enumerate(settings.host, start=1):
        one = _read(f"host[{number}]", host)
        judge_health_check(f"{one.setting}.health_check", replace(settings.health_check, **host.health_check))
        twin = next((other for other in made if other.place == one.place), None)
        if twin is not None:
            raise SetupError(f"{one.setting}.match", f"is that of {twin.setting} too", "put them into one table")
        made.append(one)
    return tuple(made)


def _read(setting: str, host: Host) -> Outside:
    try:
        place = Place.parse(host.match)
    except Malformed as error:
        raise SetupError(f"{setting}.match", f"{host.match!r} is no place: {error.why}", "mend it") from error
    _judge_credentials(setting, host)
    if host.client_key is not None and host.client_cert is None:
        raise SetupError(f"{setting}.client_key", "has no certificate", "give client_cert too")
    proxies = []
    for text in host.proxy:
        try:
            proxies.append(Proxy.parse(text))
        except Malformed as error:
            raise SetupError(f"{setting}.proxy", error.why, PROXY) from error
    return Outside(setting, place, tuple(proxies), host)


def judge_health_check(setting: str, check: HealthCheck) -> None:
    """Pass a health check that can be made.

    Raises:
        SetupError: its path or header is none.
    """
    if re.fullmatch(r"(?!//)(?![A-Za-z][A-Za-z0-9+.-]*:)[\x21-\x7e]*", check.path) is None:
        told, remedy = f"{check.path!r} is no path", "write /healthz, healthz or ./, without host and blanks"
        raise SetupError(f"{setting}.path", told, remedy)
    if check.header and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+ *: *[\x21-\x7e][ -~]*", check.header) is None:
        raise SetupError(f"{setting}.header", f"{check.header!r} is no header", "write X-Mirror-Status: ok")


def _judge_credentials(setting: str, host: Host) -> None:
    kinds = {"password": host.password, "token": host.token, "github_app": host.github_app}
    given = [name for name, value in kinds.items() if value]
    if len(given) > 1:
        raise SetupError(setting, f"{' and '.join(given)} are both there", "keep the one that it shall be")
    if host.username and not (host.password or host.token):
        raise SetupError(f"{setting}.username", "has no password", "give password or token too")
    if ":" in host.username:
        raise SetupError(f"{setting}.username", "has a colon in it", "only passwords may have one")
    if host.password and not host.username:
        raise SetupError(f"{setting}.password", "has no user name", "give username too, or token in its place")
    for name, text in _secrets(host):
        try:
            secret(text, setting, {})
        except Malformed as error:
            raise SetupError(f"{setting}.{name}", error.why, SECRET) from error
    if host.github_app is not None:
        api = urlsplit(host.github_app.api)
        if not api.hostname or not (api.scheme == "https" or (api.scheme == "http" and is_loopback(api.hostname))):
            raise SetupError(f"{setting}.github_app.api", "is no https URL", "write https://api.github.com")


def _secrets(host: Host) -> Iterator[tuple[str, str]]:
    """The texts of a table that say where a secret is, with their names."""
    app = host.github_app
    named = (("password", host.password), ("token", host.token), ("github_app.key", app.key if app else ""))
    yield from ((name, text) for name, text in named if text)


def literal_secrets(settings: Settings) -> list[str]:
    """The names of settings that hold a secret themselves."""
    return [
        f"host[{number}].{name}"
        for number, host in enumerate(settings.host, start=1)
        for name, text in _secrets(host)
        if is_literal(text)
    ]


def exposed(settings: Settings, file: Path | None) -> tuple[str, ...]:
    """A warning if the settings file holds secrets and everybody on this machine may read it."""
    named = literal_secrets(settings)
    if not named or file is None:
        return ()
    try:
        readable = file.stat().st_mode & stat.S_IROTH
    except OSError:
        return ()
    told = f"{', '.join(named)}: every user of this machine can read {file}; chmod 600 it, or write file:PATH"
    return (told,) if readable else ()
