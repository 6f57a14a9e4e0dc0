"""A commit becomes a version of a module, or an asked version is held against its commit (as Go's codeRepo.convert).

Belongs here: tags, pseudo-versions, +incompatible (protocol.md §2.2, §2.3). Not here: finding the commit
(revision.py), the go.mod rules (module.py).
"""

from __future__ import annotations

from collections.abc import Callable

from modgate.errors import Absent, Malformed
from modgate.gomod import semver
from modgate.gomod.pseudo import is_pseudo, pseudo_base, pseudo_rev, pseudo_time, pseudo_version
from modgate.gomod.versions import canonical_version, fits
from modgate.source.git.listing import INCOMPATIBLE, retracted, versions
from modgate.source.git.module import Module, located
from modgate.source.git.revision import Repository, Revision

DIGITS = 12
"""Of the commit in a pseudo-version."""


class Conversion:
    """One revision of one module, asked for as `asked`: a version, a query, or "" for the newest commit."""

    def __init__(self, repository: Repository, module: Module, revision: Revision, asked: str) -> None:
        self._repository = repository
        self._module = module
        self._revision = revision
        self._asked = asked
        self._is_retracted: Callable[[str], bool] | None = None

    async def version(self) -> str:
        """The canonical version.

        Raises:
            Absent: there is no such version of this module, and never will be of this commit; says why.
            GatewayError, Damaged: it could not be found out.
        """
        if is_pseudo(self._asked):
            # Location and major version first: they need no history.
            made = await self._checked(self._asked)
            await self._validate_pseudo()
            return made
        version, exact = self._of_tag(self._revision.tag)
        if exact:
            try:
                return await self._checked(version)
            except Absent:
                pass  # another tag of the commit may do
        chosen, base = await self._of_tags()
        if chosen:
            return await self._checked(chosen)
        base = base or await self._recent()
        commit = self._revision.commit
        return await self._checked(pseudo_version(self._module.pseudo_major, base, commit.time, commit.name[:DIGITS]))

    async def _of_tags(self) -> tuple[str, str]:
        """Out of the commit's tags, the version to take, or at least the base for a pseudo-version."""
        highest = base = ""
        for tag in await self._repository.tags(self._revision):
            version, exact = self._of_tag(tag)
            if not version:
                continue
            if semver.is_valid(self._asked) and semver.compare(version, self._asked) == 0:
                if exact:
                    return version, ""
                # With build metadata there may be several such tags, of different commits.
                base = version
            if exact and semver.compare(highest, version) < 0 and await self._is_allowed(version):
                highest = version
        return highest, base

    async def _recent(self) -> str:
        """The highest version tagged on the commit or before it; "" where there is none."""
        refs = await self._repository.refs()
        for tag, _ in refs.tags(self._module.tag_prefix):
            if await self._is_base(tag):
                break
        else:
            return ""  # then nobody needs the history
        before = await self._repository.tags_before(self._revision.commit)
        found = [tag for tag in before if tag.startswith(self._module.tag_prefix) and await self._is_base(tag)]
        skip = len(self._module.tag_prefix)
        newest = max(found, key=lambda tag: semver.sort_key(tag[skip:]), default="")
        return self._of_tag(newest)[0]

    async def _is_base(self, tag: str) -> bool:
        version, _ = self._of_tag(tag)
        return version != "" and await self._is_allowed(version)

    async def _is_allowed(self, version: str) -> bool:
        """Whether the version fits the module, and is not retracted."""
        if not fits(self._module.path, version) and not await self._may_be_incompatible(version):
            return False
        if self._is_retracted is None:
            known = await versions(self._repository, self._module)
            self._is_retracted = await retracted(self._repository, self._module, known)
        return not self._is_retracted(version)

    def _of_tag(self, tag: str) -> tuple[str, bool]:
        """The version that a tag means, and whether it is written just so; "" for a tag that means none."""
        prefix = self._module.tag_prefix
        if not tag.startswith(prefix) or is_pseudo(tag):
            return "", False
        rest = tag[len(prefix) :]
        version = semver.canonical(rest)
        return (version, version == rest) if version and rest.startswith(version) else ("", False)

    async def _may_be_incompatible(self, version: str) -> bool:
        """Whether the commit may have this version of v2 or higher without saying so in the path."""
        if self._module.directory or self._module.major:
            return False
        below = f"{semver.major(version)}/go.mod"
        found = await self._repository.files(self._revision.commit, ["go.mod", below])
        # Whoever asks for +incompatible gets it in spite of a vN directory: older go commands did not look there.
        return "go.mod" not in found and (below not in found or self._asked.endswith(INCOMPATIBLE))

    async def _checked(self, version: str) -> str:
        """`version` with or without +incompatible, if it is one of the module and what was asked for."""
        module, asked = self._module, self._asked
        try:
            located(module, await self._repository.files(self._revision.commit, module.go_mods), version)
        except Malformed as error:
            raise self._invalid(version, error.why) from error
        if version == asked.removesuffix(INCOMPATIBLE):
            version = asked
        base, why = version.removesuffix(INCOMPATIBLE), ""
        if fits(module.path, base):
            if version.endswith(INCOMPATIBLE):
                why = f"+incompatible suffix not allowed: major version {semver.major(version)} is compatible"
        elif await self._may_be_incompatible(base):
            version = base + INCOMPATIBLE
        elif module.major:
            why = "module path includes a major version suffix, so major version must match"
        else:
            major = f"{module.prefix}/{semver.major(version)}"
            why = f'module contains a go.mod file, so module path must match major version ("{major}")'
        if asked and asked == canonical_version(asked) and asked.removesuffix(INCOMPATIBLE) != base:
            why = f"resolves to version {version} ({asked.removesuffix(INCOMPATIBLE)} is not a tag)"
        if why:
            raise self._invalid(asked or version, why)
        return version

    async def _validate_pseudo(self) -> None:
        """Refuse a pseudo-version that names another time, other digits or another base than its commit has.

        Without this a commit would have any number of names, and some would sort above all releases.
        """
        asked, commit = self._asked, self._revision.commit
        short, rev = commit.name[:DIGITS], pseudo_rev(asked)
        if rev != short:
            how = "longer" if rev.startswith(short) else "shorter"
            raise self._invalid(asked, f"revision is {how} than canonical (expected {short})")
        try:
            same_time = pseudo_time(asked) == commit.time
            base = pseudo_base(asked.removesuffix(INCOMPATIBLE))
        except Malformed as error:
            raise self._invalid(asked, error.why) from error
        if not same_time:
            expected = f"{commit.time:%Y%m%d%H%M%S}"
            raise self._invalid(asked, f"does not match version-control timestamp (expected {expected})")
        if base:
            await self._validate_base(base)
        elif not self._module.pseudo_major and semver.major(asked) == "v1":
            raise self._invalid(asked, "major version without preceding tag must be v0, not v1")

    async def _validate_base(self, base: str) -> None:
        prefix = self._module.tag_prefix
        if prefix + base in await self._repository.tags(self._revision):
            raise self._invalid(self._asked, f"tag ({prefix}{base}) is on this very revision, and is its version")
        refs = await self._repository.refs()
        tags = [tag for tag, _ in refs.tags(prefix + base) if semver.compare(tag[len(prefix) :], base) == 0]
        if not tags:
            raise self._invalid(self._asked, f"preceding tag ({base}) not found")
        for tag in sorted(tags):
            if await self._repository.descends(self._revision.commit, tag):
                return
        raise self._invalid(self._asked, f"revision is not a descendent of preceding tag ({tags[-1]})")

    def _invalid(self, version: str, why: str) -> Absent:
        return self._repository.absent(f"invalid version {version}: {why}")
