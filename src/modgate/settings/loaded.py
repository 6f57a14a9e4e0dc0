"""The settings of one start, as everybody is handed them.

Belongs here: what comes out of load.py. Not here: how it is found. Few imports: a worker is given it by its parent, and
does not load what reads settings (1.7 MB).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from modgate.net.proxies import NO_PROXIES, Egress
from modgate.settings.meaning import Meaning
from modgate.settings.model import Settings

Origin = Literal["flag", "environment", "file", "go env", "default"]
"""Who said it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings of one start."""

    settings: Settings
    meaning: Meaning
    """The parsed texts; its chain holds only links that can be asked."""
    warnings: tuple[str, ...]
    """One line each, without credentials."""
    origins: Mapping[str, Origin]
    """By dotted name, for every setting."""
    sumdb_dir: Path | None = None
    """Another directory of checksum databases to read from."""
    skip_checksum: bool = False
    """Whether the environment says that modules are not verified."""
    egress: Egress = NO_PROXIES
    """The proxies that the environment names."""
    fallback: Path | None = None
    """The directory that public chains fall back to; machine.py sees whether it is absolute and readable."""
