"""What a repository calls its commits: the refs that `git ls-remote` tells. Pure.

Belongs here: reading them, and which commit a name stands for (as the go command decides). Not here: asking for them
(mirror.py), commits that no ref names (revision.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from modgate.errors import Malformed

HEADS, TAGS = "refs/heads/", "refs/tags/"
FEWEST_DIGITS = 7
"""Of an abbreviated commit: what git itself prints."""
MOST_DIGITS = 64
"""Of a whole commit in a repository that uses sha256."""
_HEX = re.compile(r"[0-9a-f]+")
_PEELED = "^{}"


@dataclass(frozen=True, slots=True)
class Named:
    """A commit, and the ref that led to it; "" where none did."""

    commit: str
    """All of its hex digits."""
    ref: str


@dataclass(frozen=True, slots=True)
class Refs:
    """HEAD, branches and tags at one moment; an annotated tag stands for its commit."""

    hashes: dict[str, str]

    @classmethod
    def parse(cls, text: bytes) -> Refs:
        """Read the output of `git ls-remote`; refs of other kinds (merge requests) do not count."""
        hashes: dict[str, str] = {}
        peeled: dict[str, str] = {}
        for line in text.decode(errors="surrogateescape").split("\n"):
            commit, _, ref = line.partition("\t")
            if not _HEX.fullmatch(commit):
                continue
            if ref != "HEAD" and not ref.startswith((HEADS, TAGS)):
                continue
            if ref.endswith(_PEELED):
                peeled[ref.removesuffix(_PEELED)] = commit
            else:
                hashes[ref] = commit
        return cls(hashes | peeled)

    @property
    def digits(self) -> int:
        """Of a whole commit: 40, or 64 where the repository uses sha256."""
        return len(next(iter(self.hashes.values()), "")) or 40

    def tags(self, prefix: str = "") -> Iterator[tuple[str, str]]:
        """The tags whose names begin with `prefix`, each with its commit."""
        for ref, commit in self.hashes.items():
            if ref.startswith(TAGS) and ref.startswith(prefix, len(TAGS)):
                yield ref[len(TAGS) :], commit

    def tags_of(self, commit: str) -> list[str]:
        """The tags of a commit, sorted."""
        return sorted(tag for tag, tagged in self.tags() if tagged == commit)

    def named(self, rev: str) -> Named | None:
        """The commit that `rev` names: a tag, a branch, HEAD, or the first digits of a commit that a ref stands for.

        Raises:
            Malformed: digits with which several of these commits begin.
        """
        for ref in (TAGS + rev, HEADS + rev):
            if ref in self.hashes:
                return Named(self.hashes[ref], ref)
        if rev == "HEAD":
            return Named(self.hashes["HEAD"], "HEAD") if "HEAD" in self.hashes else None
        if not may_be_commit(rev):
            return None
        found = sorted((ref, commit) for ref, commit in self.hashes.items() if commit.startswith(rev))
        if len({commit for _, commit in found}) > 1:
            raise Malformed("revision", rev, "ambiguous: several commits begin with it")
        return Named(found[0][1], found[0][0]) if found else None


def may_be_commit(rev: str) -> bool:
    """Say whether `rev` may be a commit, whole or abbreviated."""
    return FEWEST_DIGITS <= len(rev) <= MOST_DIGITS and _HEX.fullmatch(rev) is not None
