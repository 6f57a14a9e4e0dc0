"""What a run of git may reach, and the environment that says so.

Belongs here: settings and environment variables of git. Not here: running it (program.py), which host is reached how
(hosts.py).

Whatever comes from outside is an argument behind `--end-of-options` or a line of git's input, never an option; secrets
stand in the environment, never among the arguments, which every user of a machine can read.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

QUIET = {
    # Conversions only on the way in, as the go command has it: an archive is the same on every machine.
    "core.autocrlf": "input",
    "core.eol": "lf",
    "core.attributesFile": "/dev/null",
    "core.hooksPath": "/dev/null",
    "core.packedGitWindowSize": "64m",
    "core.packedGitLimit": "512m",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "1",
    "http.lowSpeedTime": "30",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.version": "2",
    "safe.directory": "*",
    "submodule.recurse": "false",
}
"""Settings of every run."""
PARTIAL = {"remote.origin.promisor": "true", "remote.origin.partialclonefilter": "blob:none"}
"""Settings of runs that fetch. They stand nowhere else, so that whatever is missing is reported as missing to those who
read, and never fetched behind our back."""


@dataclass(frozen=True, slots=True)
class Access:
    """How a run may reach the network."""

    protocols: tuple[str, ...]
    """Such as "https", "ssh"; all others are refused by git itself."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Settings for this host: pinned address, credentials. Never shown."""
    environ: Mapping[str, str] = field(default_factory=dict)
    is_signed: bool = False
    """Whether a credential of ours goes with it: then a host that wants one has refused it."""
    lane: str = ""
    """The host: how many talk to one is bounded. "" for none."""


OFF = Access(("none",))


def quiet_environ(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of every run: `environ`, and nobody's settings; `home` is an empty directory."""
    return {
        "PATH": os.defpath,
        **environ,
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_PROTOCOL_FROM_USER": "0",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ControlMaster=no",
        "GIT_TERMINAL_PROMPT": "0",
    }


def run_environ(environ: Mapping[str, str], repository: Path, access: Access) -> dict[str, str]:
    """The environment of one run."""
    settings = {**QUIET, **access.config}
    made = {
        **environ,
        **access.environ,
        "GIT_DIR": str(repository),
        "GIT_ALLOW_PROTOCOL": ":".join(access.protocols),
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (key, value) in enumerate(settings.items()):
        made[f"GIT_CONFIG_KEY_{number}"] = key
        made[f"GIT_CONFIG_VALUE_{number}"] = value
    return made
