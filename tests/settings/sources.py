"""Settings from given places, and nothing from the machine that the test runs on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from modgate.settings.load import Examined, Sources, examine, load
from modgate.settings.loaded import Loaded

NO_GO: Mapping[str, str] = {}


def sources(
    flags: Mapping[str, str | tuple[str, ...]] | None = None,
    environ: Mapping[str, str] | None = None,
    *,
    file: Path | None = None,
    directory: Path = Path("/nonexistent"),
    go: Mapping[str, str] = NO_GO,
) -> Sources:
    """Where nothing else is said, the upstream is `off` and the home directory is /home/gopher."""
    given = {"upstream": "off", **(flags or {})}
    return Sources(given, {"HOME": "/home/gopher", **(environ or {})}, file, directory, lambda _: go)


def loaded(flags: Mapping[str, str | tuple[str, ...]] | None = None) -> Loaded:
    return load(sources(flags))


def told(examined: Examined) -> list[str]:
    return [str(problem) for problem in examined.problems]


def problems_of(**flags: str | tuple[str, ...]) -> list[str]:
    """What is said about top-level settings with these values."""
    return told(examine(sources(flags)))
