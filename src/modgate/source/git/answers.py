"""What a repository says about one module: versions, the latest, .info and .mod.

Belongs here: putting the parts together for one ask. Not here: zips (archive.py), mirrors and their repair (direct.py).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from modgate.errors import Absent, Malformed
from modgate.gomod import semver
from modgate.gomod.modlines import synthesized
from modgate.gomod.pseudo import is_pseudo, pseudo_rev
from modgate.gomod.versions import is_canonical, latest_of
from modgate.source.git.convert import Conversion
from modgate.source.git.listing import INCOMPATIBLE, retracted, versions
from modgate.source.git.module import Module, Place, located
from modgate.source.git.revision import Repository, Revision


class Resolved(NamedTuple):
    """A version, and the revision that it is."""

    version: str
    revision: Revision


class Answers:
    """The answers about `module`, which lies in `repository`."""

    def __init__(self, repository: Repository, module: Module, *, origin_url: bool) -> None:
        """`origin_url`: whether .info files name the repository's URL."""
        self._repository = repository
        self._module = module
        self._origin_url = origin_url

    async def list(self) -> bytes:
        """All versions, one a line, ascending.

        Raises:
            Absent: there is no such module: neither a version of it nor its go.mod in the newest commit.
        """
        found = await versions(self._repository, self._module)
        if not found:
            # A path below a module is none itself; a go command has to learn that from the list (protocol.md §1.4).
            await self.newest()
        return "".join(f"{version}\n" for version in found).encode()

    async def latest(self) -> Resolved:
        """The highest release that is not retracted, else the highest prerelease, else the newest commit.

        Raises:
            Absent: no such module.
        """
        known = await versions(self._repository, self._module)
        is_retracted = await retracted(self._repository, self._module, known)
        chosen = latest_of(version for version in known if not is_retracted(version))
        return await self.resolved(chosen) if chosen else await self.newest()

    async def newest(self) -> Resolved:
        """The newest commit of the default branch, as a version.

        Raises:
            Absent: no commits, or no such module in it.
        """
        revision = await self._repository.head()
        return Resolved(await Conversion(self._repository, self._module, revision, "").version(), revision)

    async def resolved(self, asked: str) -> Resolved:
        """The version that `asked` (a version, a branch, a tag, digits of a commit) stands for.

        Raises:
            Absent: there is none.
        """
        tag = self._rev(asked) if is_canonical(asked) and not is_pseudo(asked) else ""
        if self._repository.mirror.is_proven(self._module.path, asked):
            # Go asks for .info, .mod and .zip one after another: what was just held against all tags is not again.
            return Resolved(asked, await self._repository.revision(self._rev(asked)))
        pinned = await self._repository.pinned(tag) if tag else None
        revision = pinned or await self._repository.revision(self._rev(asked))
        version = await Conversion(self._repository, self._module, revision, asked).version()
        if pinned is None and tag and revision.tag == tag:
            await self._repository.mirror.pin(tag, revision.commit.name)
        if is_pseudo(asked) and version == asked:
            self._repository.mirror.prove(self._module.path, asked)
        return Resolved(version, revision)

    async def exactly(self, version: str) -> Resolved:
        """A version that is to be served under its own name.

        Raises:
            Absent: there is none, or `version` is not its canonical name.
        """
        resolved = await self.resolved(version)
        if resolved.version != version:
            raise Absent(source=self._repository.url, reason=f"{version} is {resolved.version} here")
        return resolved

    async def place(self, resolved: Resolved) -> Place:
        """Where the module lies at a version."""
        files = await self._repository.files(resolved.revision.commit, self._module.go_mods)
        try:
            return located(self._module, files, resolved.version)
        except Malformed as error:
            raise self._repository.absent(error.why) from error

    async def mod(self, version: str) -> bytes:
        """The go.mod file, made up where there is none."""
        place = await self.place(await self.exactly(version))
        return synthesized(self._module.path) if place.go_mod is None else place.go_mod

    def info(self, resolved: Resolved) -> bytes:
        """The .info file, with the origin as Go writes it (protocol.md §1.3)."""
        commit, ref = resolved.revision.commit, resolved.revision.ref
        origin = {
            "VCS": "git",
            "URL": self._repository.url if self._origin_url else "",
            "Subdir": self._module.directory,
            "Hash": commit.name,
            # A pseudo-version stands for its commit, wherever branches move to.
            "Ref": "" if is_pseudo(resolved.version) else ref,
        }
        told = {key: value for key, value in origin.items() if value}
        info = {"Version": resolved.version, "Time": f"{commit.time:%Y-%m-%dT%H:%M:%SZ}", "Origin": told}
        return json.dumps(info, separators=(",", ":")).encode()

    def _rev(self, asked: str) -> str:
        """What is looked for in the repository."""
        if is_pseudo(asked):
            return pseudo_rev(asked)
        return self._module.tag_prefix + asked.removesuffix(INCOMPATIBLE) if semver.is_valid(asked) else asked
