"""What came of a place that was asked, and asking a git host by ssh.

Belongs here: running ssh, and what it means by its words. Not here: which hosts are asked (reaching.py).
"""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import asdict, dataclass
from typing import Any

from modgate.net.addresses import looked_up
from modgate.net.child import Pipes, running
from modgate.net.rules import HostRules, Ssh

BY_SSH = "git host by ssh"
SECONDS = 20.0
"""For a whole handshake, with a slow name server behind it."""
TROUBLE = 255
"""The exit status of ssh itself; all others are the host's."""
WORDS = 200
"""Characters of what ssh says that are told."""


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one place."""

    what: str
    """"upstream", "checksum database", "git host" or "git host by ssh"."""
    name: str
    """Its URL without credentials."""
    problem: str = ""
    """"" is well."""
    reachable: bool = True
    trusted: bool = True
    """False where its certificate or ssh key is not known here; never known where it was not reached."""
    accepted: bool = True
    """Whether it lets us in; never known where it was not reached or trusted."""
    way: str = "direct"
    """The proxy, without a password."""
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


async def ssh_reached(url: str, rules: HostRules) -> Found:
    """Whether ssh lets us in at an ssh URL; what the host of repositories says behind that does not matter."""
    from modgate.source.git.hosts import ssh_command
    from modgate.source.git.places import repository_url

    place = repository_url(url)
    host = place.host.strip("[]")
    try:
        async with asyncio.timeout(SECONDS):
            address = (await looked_up(host, place.port))[0]
            command = shlex.split(ssh_command(place, address, rules.ssh(url) or Ssh()))
            said = await _said([*command, "-T", "-p", str(place.port), f"git@{host}", "true"])
    except OSError as error:  # and TimeoutError
        why = (error.strerror or f"no end within {SECONDS:g} s").lower()
        return _unreached(url, f"could not be reached ({why})")
    return _meant(url, said)


async def _said(words: list[str]) -> str:
    """What ssh says of its own trouble; "" if it has none."""
    async with running(words, most=0, pipes=Pipes(stdout=asyncio.subprocess.DEVNULL)) as child:
        status = await child.status()
    return child.said or "ssh failed" if status == TROUBLE else ""


def _meant(url: str, said: str) -> Found:
    if not said:
        return Found(BY_SSH, url)
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    words = "".join(c for c in lines[-1] if c.isprintable())[:WORDS]
    if "Permission denied" in said:
        return Found(BY_SSH, url, f"does not accept our key ({words})", accepted=False)
    if "Host key verification failed" in said:
        return Found(BY_SSH, url, "has a key that is not in known_hosts", trusted=False, accepted=False)
    return _unreached(url, f"could not be reached ({words})")


def _unreached(url: str, problem: str) -> Found:
    return Found(BY_SSH, url, problem, reachable=False, trusted=False, accepted=False)
