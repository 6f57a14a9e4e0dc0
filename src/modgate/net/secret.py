"""Secrets, and where they come from: the environment, a file, a command, or the settings themselves.

Belongs here: reading one. Not here: what it is for (credentials.py). A secret is never part of a repr, an error or a
log line; what goes wrong is told by the name of its setting.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from modgate.errors import Malformed, Trouble, Unavailable
from modgate.net.child import Pipes, running

MOST = 65536
"""Bytes: a private key has some 3 KiB, a token at most a few."""
COMMAND_SECONDS = 30.0
"""For a command: it may ask somebody over the network."""
COMMAND_AGE = 300.0
"""Seconds for which a command's output is taken."""
RENEWAL = 5.0
"""Seconds between two runs of one command: a host that refuses everything must not start it for each request."""
SILENT = Pipes(stderr=asyncio.subprocess.DEVNULL)
"""What a command says of its trouble may hold the secret."""
KINDS = ("env", "file", "command")


class Secret(Protocol):
    """A text that nobody else may see."""

    async def read(self) -> str:
        """The text as it is now, without the line end behind it; never empty.

        Raises:
            Unavailable: it cannot be had; names the setting.
        """

    def renew(self) -> None:
        """It was refused: what is remembered of it is forgotten."""


def is_literal(text: str) -> bool:
    """Say whether a setting holds the secret itself."""
    return text.partition(":")[0] not in KINDS or ":" not in text


def secret(text: str, setting: str, environ: Mapping[str, str]) -> Secret:
    """What a setting says: `env:NAME`, `file:PATH`, `command:PROGRAM ARGUMENTS`, or the secret itself.

    `setting` is its name, such as `host[1].password`; `environ` is where variables are looked up, and what commands
    are given.

    Raises:
        Malformed: nothing stands behind the colon, or the quotes of a command do not match.
    """
    kind, _, rest = text.partition(":")
    if is_literal(text):
        return Literal(text, setting)
    if not rest.strip():
        raise Malformed("secret", text, f"nothing stands behind {kind}:")
    if kind == "env":
        return Variable(rest, setting, environ)
    if kind == "file":
        return File(Path(rest).expanduser(), setting)
    try:
        return Command(shlex.split(rest), setting, environ)
    except ValueError as error:
        raise Malformed("secret", f"{kind}:", "a quote of the command has no other half") from error


@dataclass(frozen=True, slots=True)
class Literal:
    """It stands in the settings."""

    text: str = field(repr=False)
    setting: str

    async def read(self) -> str:
        return _whole(self.text, self.setting)

    def renew(self) -> None:
        """It is what it is."""


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable."""

    name: str
    setting: str
    environ: Mapping[str, str] = field(repr=False)

    async def read(self) -> str:
        return _whole(self.environ.get(self.name, ""), self.setting, "its environment variable is not set")

    def renew(self) -> None:
        """A process's environment does not change."""


@dataclass(frozen=True, slots=True)
class File:
    """A file, read each time (20 µs): whoever changes the secret need not tell us."""

    path: Path
    setting: str

    async def read(self) -> str:
        try:
            with self.path.open("rb") as file:
                data = file.read(MOST + 1)
        except OSError as error:
            raise unreadable(self.setting, error) from error
        return _decoded(data, self.setting)

    def renew(self) -> None:
        """It is read each time."""


class Command:
    """The output of a program, started without a shell."""

    def __init__(
        self, words: Sequence[str], setting: str, environ: Mapping[str, str], *, seconds: float = COMMAND_SECONDS
    ) -> None:
        self._words = tuple(words)
        self._setting = setting
        self._environ = environ
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._known = ""
        self._read_at = 0.0

    async def read(self) -> str:
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if not self._known or now - self._read_at > COMMAND_AGE:
                self._known = await self._run()
                self._read_at = asyncio.get_running_loop().time()
            return self._known

    def renew(self) -> None:
        if asyncio.get_running_loop().time() - self._read_at > RENEWAL:
            self._known = ""

    async def _run(self) -> str:
        try:
            async with (
                asyncio.timeout(self._seconds),
                running(self._words, most=MOST, pipes=SILENT, environ=self._environ) as child,
            ):
                status = await child.status()
        except TimeoutError as error:
            raise _unusable(self._setting, f"its command did not end within {self._seconds:g} s") from error
        except OSError as error:
            raise unreadable(self._setting, error) from error
        if status and not child.excessive:
            raise _unusable(self._setting, f"its command ended with status {status}")
        return _decoded(bytes(child.output), self._setting)


def unreadable(setting: str, error: OSError) -> Unavailable:
    """The file of `setting` cannot be read, or its program cannot be started."""
    return _unusable(setting, (error.strerror or type(error).__name__).lower())


def _unusable(setting: str, why: str) -> Unavailable:
    return Unavailable(reason=f"the setting {setting} cannot be used: {why}", trouble=Trouble.OURS)


def _decoded(data: bytes, setting: str) -> str:
    if len(data) > MOST:
        raise _unusable(setting, f"it has more than {MOST} bytes")
    try:
        return _whole(data.decode(), setting)
    except UnicodeDecodeError as error:
        raise _unusable(setting, "it is no text") from error


def _whole(text: str, setting: str, why: str = "it is empty") -> str:
    text = text.rstrip("\r\n")
    if not text:
        raise _unusable(setting, why)
    return text
