"""Which versions a repository's tags make up (as Go's Versions, appendIncompatibleVersions and retractedVersions).

Belongs here: the list and what it retracts. Not here: single versions (convert.py).
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, groupby

from modgate.errors import Absent, Malformed
from modgate.gomod import semver
from modgate.gomod.modlines import retractions
from modgate.gomod.pseudo import is_pseudo
from modgate.gomod.versions import fits, latest_of
from modgate.source.git.module import Module, located
from modgate.source.git.refs import TAGS, Named, Refs
from modgate.source.git.revision import Repository

INCOMPATIBLE = "+incompatible"
LARGE = 1 << 16
"""Bytes of a go.mod file from which its retractions are read in a thread."""


def tagged(module: Module, refs: Refs) -> tuple[list[str], list[str]]:
    """The versions that fit the module, and those that only fit as +incompatible (without that suffix), ascending."""
    if module.path.startswith("gopkg.in/") and module.path.endswith("-unstable"):
        # Its tags are those of the module without -unstable.
        return [], []
    prefix = module.tag_prefix
    fitting, incompatible = list[str](), list[str]()
    for tag, _ in refs.tags(prefix):
        version = tag[len(prefix) :]
        if not version or version != semver.canonical(version) or is_pseudo(version):
            continue
        if fits(module.path, version):
            fitting.append(version)
        elif not prefix and not module.major and semver.major(version) not in ("v0", "v1"):
            incompatible.append(version)
    return sorted(fitting, key=semver.sort_key), sorted(incompatible, key=semver.sort_key)


async def versions(repository: Repository, module: Module) -> list[str]:
    """All versions of the module, retracted ones too, ascending (protocol.md §2.3, §2.4)."""
    refs = await repository.refs()
    fitting, incompatible = tagged(module, refs)
    if not incompatible:
        return fitting
    # Once the newest compatible version has a go.mod, its author no longer means the others to be used.
    if fitting and await _has_go_mod(repository, refs, fitting[-1]):
        return fitting
    made = list(fitting)
    for _, group in groupby(incompatible, key=semver.major):
        of_major = list(group)
        if not await _has_go_mod(repository, refs, of_major[-1]):
            made += [version + INCOMPATIBLE for version in of_major]
    return made


async def retracted(repository: Repository, module: Module, known: Sequence[str]) -> Callable[[str], bool]:
    """Tells whether a version is retracted by the newest of the `known` ones; nothing is, where that cannot be read."""
    compatible = [version for version in known if not version.endswith(INCOMPATIBLE)]
    newest = latest_of(compatible)
    if not newest:
        return lambda _: False
    refs = await repository.refs()
    named = refs.named(module.tag_prefix + newest)
    try:
        commit = await repository.mirror.commit(named or Named("", ""))
        place = located(module, await repository.files(commit, module.go_mods), newest)
    except (Absent, Malformed):
        return lambda _: False
    go_mod = place.go_mod or b""
    return await asyncio.to_thread(_within, go_mod) if len(go_mod) > LARGE else _within(go_mod)


def _within(go_mod: bytes) -> Callable[[str], bool]:
    """Tells whether a version lies in an interval that a go.mod file retracts, in a time that hardly grows with their
    number: a stranger's file may have half a million, and a repository as many tags."""
    intervals = sorted((semver.precedence(one.low), semver.precedence(one.high)) for one in retractions(go_mod))
    lows = [low for low, _ in intervals]
    highest = list(accumulate((high for _, high in intervals), max))

    def is_within(version: str) -> bool:
        key = semver.precedence(version)
        begun = bisect_right(lows, key)
        return begun > 0 and key <= highest[begun - 1]

    return is_within


async def _has_go_mod(repository: Repository, refs: Refs, tag: str) -> bool:
    commit = await repository.mirror.commit(Named(refs.hashes[TAGS + tag], TAGS + tag))
    return bool(await repository.files(commit, ["go.mod"]))
