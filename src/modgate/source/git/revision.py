"""One repository as one ask sees it: names become commits, and commits give up their files.

Belongs here: which commit is meant, and how much has to be fetched to know it. Not here: what a version is
(convert.py), how it is fetched (mirror.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from modgate.errors import Absent, Malformed
from modgate.source.git.mirror import Mirror
from modgate.source.git.objects import Commit
from modgate.source.git.refs import TAGS, Named, Refs, may_be_commit


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit, and how it was found."""

    commit: Commit
    ref: str
    """The ref that led to it; "" for digits that no ref stands for."""
    tag: str
    """The tag that was asked for, else ""."""


@dataclass(slots=True)
class Repository:
    """One ask's view of a mirror; what it has read once stays the same for it."""

    mirror: Mirror
    since: float
    """How new refs have to be, in seconds of the loop's clock."""
    _files: dict[str, dict[str, bytes | None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.mirror.url

    async def refs(self) -> Refs:
        return await self.mirror.refs(self.since)

    async def revision(self, rev: str) -> Revision:
        """The revision that `rev` names: a tag, a branch, HEAD, or the digits of a commit, at least 7.

        Raises:
            Absent: nothing of that name.
            GatewayError, Damaged.
        """
        commit = await self.mirror.expanded(rev) if may_be_commit(rev) else ""
        if commit:
            return Revision(await self.mirror.commit(Named(commit, "")), "", "")
        refs = await self.refs()
        named = self._named(refs, rev)
        if named is None and may_be_commit(rev):
            # Only what branches and tags lead to counts: a host also knows the commits of everybody's merge requests.
            await self.mirror.history(refs)
            commit = await self.mirror.expanded(rev)
            named = Named(commit, "") if commit else None
        if named is None:
            raise self.absent(f"unknown revision {rev}")
        found = await self.mirror.commit(named)
        tag = rev if named.ref == TAGS + rev else ""
        return Revision(found, named.ref, tag)

    async def pinned(self, tag: str) -> Revision | None:
        """The commit that a version's tag stood for when it was first served, without asking anybody."""
        commit = await self.mirror.pinned(tag)
        if not commit:
            return None
        return Revision(await self.mirror.commit(Named(commit, TAGS + tag)), TAGS + tag, tag)

    async def tags(self, revision: Revision) -> list[str]:
        """All tags of a revision's commit, sorted."""
        return (await self.refs()).tags_of(revision.commit.name)

    async def head(self) -> Revision:
        """The newest commit of the default branch.

        Raises:
            Absent: no commits.
        """
        refs = await self.refs()
        named = refs.named("HEAD")
        if named is None:
            raise self.absent("no commits")
        return Revision(await self.mirror.commit(named), "HEAD", "")

    async def files(self, commit: Commit, paths: Iterable[str]) -> dict[str, bytes]:
        """Those of the files at `paths` that the commit has."""
        known = self._files.setdefault(commit.name, {})
        unknown = [path for path in paths if path not in known]
        if unknown:
            found = await self.mirror.files(commit, unknown)
            known.update({path: found.get(path) for path in unknown})
        return {path: data for path in paths if (data := known[path]) is not None}

    async def tags_before(self, commit: Commit) -> dict[str, str]:
        """The tags that `commit` descends from, by the whole history."""
        refs = await self.refs()
        await self.mirror.history(refs)
        before = await self.mirror.objects.tags_before(commit.name)
        self.mirror.check_history()
        return {tag: tagged for tag, tagged in before.items() if TAGS + tag in refs.hashes}

    async def descends(self, commit: Commit, tag: str) -> bool:
        """Whether `commit` has the commit of `tag` among its ancestors, or is it."""
        refs = await self.refs()
        older = refs.hashes.get(TAGS + tag, "")
        # What little history is here can prove it, but never the contrary.
        if older and await self.mirror.objects.is_before(older, commit.name):
            return True
        await self.mirror.history(refs)
        is_before = bool(older) and await self.mirror.objects.is_before(older, commit.name)
        self.mirror.check_history()
        return is_before

    def absent(self, reason: str) -> Absent:
        # Names of files come from outside, and need not be text.
        return Absent(source=self.url, reason=reason.encode(errors="backslashreplace").decode())

    def _named(self, refs: Refs, rev: str) -> Named | None:
        try:
            return refs.named(rev)
        except Malformed as error:
            raise self.absent(f"{rev} is {error.why}") from error
