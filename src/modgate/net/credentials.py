"""Credentials that the settings give for hosts: what goes into an Authorization header.

Belongs here: the forms of that header. Not here: where secrets come from (secret.py), for which URLs they are
(rules.py), the tokens of a GitHub App (githubapp.py).
"""

from __future__ import annotations

import base64
import netrc
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Protocol

from modgate.errors import Malformed, Trouble, Unavailable
from modgate.net.secret import Secret, unreadable

TOKEN_USER = "x-access-token"  # noqa: S105 -- a user name
"""GitHub's word; other forges take any user name beside a token."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}")


class Form(Enum):
    """What a server understands."""

    PLAIN = "plain"
    """Proxies and checksum databases: a token is a Bearer."""
    GIT = "git"
    """Git hosts, and their pages: a token is a password, which all forges take; not all take a Bearer there."""


class Right(Protocol):
    """What lets us in."""

    async def authorization(self, form: Form) -> str:
        """The value of the Authorization header.

        Raises:
            Unavailable: its secret cannot be had.
        """

    def renew(self) -> None:
        """It was refused: the next `authorization` may be another one."""


def basic(user: str, password: str) -> str:
    """RFC 7617, in UTF-8."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def bearer(token: str) -> str:
    """RFC 6750 §2.1.

    Raises:
        Malformed: it cannot stand in a header: blanks, control characters, more than 8 KiB. The text is not told.
    """
    if not _TOKEN.fullmatch(token):
        raise Malformed("token", "", "not 1 to 8192 visible ASCII characters")
    return f"Bearer {token}"


@dataclass(frozen=True, slots=True)
class Password:
    """A user name and a password."""

    user: str
    secret: Secret = field(repr=False)

    async def authorization(self, form: Form) -> str:
        return basic(self.user, await self.secret.read())

    def renew(self) -> None:
        self.secret.renew()


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `user` only where a git host wants a particular one."""

    secret: Secret = field(repr=False)
    setting: str
    user: str = ""

    async def authorization(self, form: Form) -> str:
        return _authorization(await self.secret.read(), form, self.setting, self.user)

    def renew(self) -> None:
        self.secret.renew()


@dataclass(frozen=True, slots=True)
class Minted:
    """A token that somebody makes for us, and makes anew before it ends."""

    token: Callable[[], Awaitable[str]]
    forget: Callable[[], None]
    setting: str

    async def authorization(self, form: Form) -> str:
        return _authorization(await self.token(), form, self.setting, "")

    def renew(self) -> None:
        self.forget()


def _authorization(token: str, form: Form, setting: str, user: str) -> str:
    try:
        value = bearer(token)
    except Malformed as error:
        reason = f"the setting {setting} cannot be used: it is {error.why}"
        raise Unavailable(reason=reason, trouble=Trouble.OURS) from error
    return value if form is Form.PLAIN else basic(user or TOKEN_USER, token)


class Netrc:
    """A netrc file, read again when it changes. Its `default` is for nobody: hosts are named by strangers."""

    def __init__(self, path: Path, setting: str) -> None:
        self._path = path
        self._setting = setting
        self._stamp: tuple[int, int, int] | None = None
        self._entries: Mapping[str, tuple[str, str]] = {}

    def of(self, host: str) -> Right | None:
        """What the file has for `host`, in lower case.

        Raises:
            Unavailable: it cannot be read.
        """
        self._look()
        found = self._entries.get(host)
        return None if found is None else _Known(*found)

    def _look(self) -> None:
        try:
            about = self._path.stat()
            stamp = (about.st_mtime_ns, about.st_size, about.st_ino)
            if stamp != self._stamp:
                hosts = netrc.netrc(self._path).hosts
                self._entries = {
                    host.lower(): (user or account, password)
                    for host, (user, account, password) in hosts.items()
                    if host != "default"
                }
                self._stamp = stamp
        except OSError as error:
            raise unreadable(self._setting, error) from error
        except (netrc.NetrcParseError, UnicodeDecodeError) as error:
            line = f" (line {error.lineno})" if isinstance(error, netrc.NetrcParseError) else ""
            reason = f"the setting {self._setting} cannot be used: it is no netrc file{line}"
            raise Unavailable(reason=reason, trouble=Trouble.OURS) from error


@dataclass(frozen=True, slots=True)
class _Known:
    """An entry of a netrc file. Equal entries are one right: a redirect within its host keeps it."""

    user: str
    password: str = field(repr=False)

    async def authorization(self, form: Form) -> str:
        return basic(self.user, self.password)

    def renew(self) -> None:
        """The file is read again when it changes."""
