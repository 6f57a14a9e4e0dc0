"""Which versions a module can have, which of them a list may hold, and which one is the latest.

Belongs here: canonical form, the match of major version and path, list contents (protocol.md §2.1, §2.3, §2.4). Not
here: syntax and order of versions (semver.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from modgate.errors import Malformed
from modgate.gomod import ModulePath, semver
from modgate.gomod.paths import path_major
from modgate.gomod.pseudo import is_pseudo

_INCOMPATIBLE = "+incompatible"


def canonical_version(v: str) -> str:
    """Return the one spelling of `v` that may be served; "" for what is no version.

    Three numbers and no build metadata, except that exactly `+incompatible` is kept.
    """
    canonical = semver.canonical(v)
    return canonical + _INCOMPATIBLE if semver.build(v) == _INCOMPATIBLE else canonical


def is_canonical(v: str) -> bool:
    """Say whether `v` is a version in its one spelling."""
    return v != "" and v == canonical_version(v)


def fits(path: ModulePath, version: str) -> bool:
    """Say whether `version` is a version that the module `path` can have."""
    return not _misfit(path, version)


def check(path: ModulePath, version: str) -> None:
    """Pass a version that the module `path` can have (Go's module.Check; the path itself is checked already).

    Raises:
        Malformed: no semantic version, or its major version is not that of the path.
    """
    why = _misfit(path, version)
    if why:
        raise Malformed("version", version, why)


def listed(text: bytes | str, path: ModulePath) -> list[str]:
    """Return what our list of `path` may hold out of an upstream's list, without doubles, in ascending order.

    As the go command does, the first field of each line counts; a second one (some send a time) is dropped. Retracted
    versions stay: clients decide about them. Pseudo-versions, junk and versions of another major go (protocol.md §2.4).
    """
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    first_fields = {fields[0] for line in text.split("\n") if (fields := line.split())}
    return sorted(
        (v for v in first_fields if is_canonical(v) and not is_pseudo(v) and fits(path, v)), key=semver.sort_key
    )


def latest_of(versions: Iterable[str]) -> str:
    """Return the highest release, else the highest prerelease, else ""."""
    valid = (v for v in versions if semver.is_valid(v))
    return max(valid, key=lambda v: (not semver.prerelease(v), semver.sort_key(v)), default="")


def _misfit(path: ModulePath, version: str) -> str:
    major = semver.major(version)
    if not major:
        return "not a semantic version"
    suffix = path_major(path).removesuffix("-unstable")
    if not suffix:
        fitting = major in ("v0", "v1") or semver.build(version) == _INCOMPATIBLE
        return "" if fitting else f"{path} has versions v0 and v1, not {major}"
    # For gopkg.in, .v1 is v1 only. Early Go versions made v0 pseudo-versions for it, and old go.mod files name those.
    if suffix[1:] == major or (suffix == ".v1" and version.startswith("v0.0.0-")):
        return ""
    return f"{path} has versions {suffix[1:]}, not {major}"
