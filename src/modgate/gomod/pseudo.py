"""Pseudo-versions: versions that Go makes up for commits without a tag (protocol.md §2.2).

Belongs here: their syntax, and taking them apart and together. Not here: whether the commit, its time and its base tag
exist (only a repository knows).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod import semver

_PSEUDO = re.compile(
    r"v[0-9]+\.(0\.0-|[0-9]+\.[0-9]+-([^+]*\.)?0\.)[0-9]{14}-[A-Za-z0-9]+(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)


def is_pseudo(v: str) -> bool:
    """Say whether `v` is a pseudo-version. `v1.2.3-20190508235803-abcdef123456` is none."""
    return v.count("-") >= 2 and _PSEUDO.fullmatch(v) is not None and semver.is_valid(v)


def pseudo_version(major: str, older: str, time: datetime, rev: str) -> str:
    """Make the pseudo-version of a commit.

    `major` is "v2" of a path ("" is v0) and counts only without a tag; `older` is the newest tagged version before the
    commit, or ""; `time` is the commit's, aware of its zone; `rev` is usually the first 12 hex digits of the commit.

    Raises:
        ValueError: `time` does not say its zone.
    """
    if time.tzinfo is None:
        raise ValueError("the time of a commit needs a zone")
    at = time.astimezone(UTC)
    segment = f"{at.year:04}{at:%m%d%H%M%S}-{rev}"
    build, older = semver.build(older), semver.canonical(older)
    if not older:
        return f"{major or 'v0'}.0.0-{segment}"
    if semver.prerelease(older):
        return f"{older}.0.{segment}{build}"
    numbers, _, patch = older.rpartition(".")
    return f"{numbers}.{_incremented(patch)}-0.{segment}{build}"


def pseudo_time(v: str) -> datetime:
    """Return the commit time inside `v`, in UTC, to the second.

    Raises:
        Malformed: no pseudo-version, or no such time.
    """
    stamp = _parse(v).stamp
    try:
        return datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed("pseudo-version", v, f"{stamp} is no time") from None


def pseudo_rev(v: str) -> str:
    """Return the start of the commit's name inside `v`.

    Raises:
        Malformed: no pseudo-version.
    """
    return _parse(v).rev


def pseudo_base(v: str) -> str:
    """Return the tagged version that `v` was made from; "" where there was none.

    Raises:
        Malformed: no pseudo-version, or one that no tag can have led to.
    """
    base, _, _, build = _parse(v)
    pre = semver.prerelease(base)
    if not pre:
        if build:
            raise Malformed("pseudo-version", v, f"it has no base version and yet the suffix {build}")
        return ""
    if pre != "-0":
        return base.removesuffix(".0") + build
    numbers, _, patch = base.removesuffix(pre).rpartition(".")
    if patch == "0":
        raise Malformed("pseudo-version", v, "its base version would have a negative patch number")
    return f"{numbers}.{_decremented(patch)}{build}"


class _Parts(NamedTuple):
    base: str
    """`vX.0.0`, `vX.Y.(Z+1)-0` or `vX.Y.Z-pre.0`."""
    stamp: str
    rev: str
    build: str


def _parse(v: str) -> _Parts:
    if not is_pseudo(v):
        raise Malformed("pseudo-version", v, "no pseudo-version")
    build = semver.build(v)
    front, _, rev = v.removesuffix(build).rpartition("-")
    return _Parts(front[:-15], front[-14:], rev, build)


def _incremented(digits: str) -> str:
    """Add one to a decimal number of any length (`int` refuses very long ones)."""
    head = digits.rstrip("9")
    zeros = "0" * (len(digits) - len(head))
    return f"{head[:-1]}{int(head[-1]) + 1}{zeros}" if head else f"1{zeros}"


def _decremented(digits: str) -> str:
    """Take one from a decimal number of any length above zero."""
    head = digits.rstrip("0")
    nines = "9" * (len(digits) - len(head))
    return f"{head[:-1]}{int(head[-1]) - 1}{nines}".lstrip("0") or "0"
