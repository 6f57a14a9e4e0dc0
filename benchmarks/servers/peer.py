"""Any other server, given as a command: BENCH_PEERS="name=command with {port} {store} {upstream}".

Several are separated by a new line or `;;`. The command is not read by a shell; variables go before it, by `env`.

Belongs here: reading those templates, and starting what they say. Not here: what the servers are asked (scenarios/).
"""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import Missing


@dataclass(frozen=True, slots=True)
class Template:
    """A server that can be started on any store."""

    name: str
    command: str

    def on(self, store: Path, upstream: str) -> Peer:
        """It, with a store of its own."""
        return Peer(self.name, self.command, store, upstream)


@dataclass(frozen=True, slots=True)
class Peer:
    """A server on one store, which is a folder that exists."""

    name: str
    template: str
    store: Path
    upstream: str
    secure: bool = False

    def command(self, port: int) -> list[str]:
        """The template with its places filled."""
        self.store.mkdir(parents=True, exist_ok=True)
        given = {"port": str(port), "store": str(self.store), "upstream": self.upstream}
        return [word.format(**given) for word in shlex.split(self.template)]

    def environ(self) -> dict[str, str]:
        """Nothing of this machine's settings but where programs are."""
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.store)}

    def tidy(self) -> None:
        """What it writes is its own affair."""


def templates(text: str) -> tuple[Template, ...]:
    """The servers that BENCH_PEERS names.

    Raises:
        Missing: a template has no name, or cannot be filled.
    """
    return tuple(_template(one.strip()) for one in re.split(r"\n|;;", text) if one.strip())


def _template(text: str) -> Template:
    name, equals, command = (part.strip() for part in text.partition("="))
    problem = "" if name and equals and command else "it has no name, or no command"
    if not problem and "{port}" not in command:
        problem = "its command does not say {port}"
    try:
        shlex.split(command.format(port=1, store="", upstream=""))
    except (ValueError, KeyError, IndexError) as error:
        problem = problem or f"{error!r}"
    if problem:
        raise Missing(
            f'benchmarks: BENCH_PEERS: {text!r}: {problem}; write name="command" with {{port}} {{store}} {{upstream}}'
        )
    return Template(name, command)
