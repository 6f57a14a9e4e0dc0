"""GOPRIVATE-style patterns: which module paths a comma-separated list of globs names (protocol.md §2.5).

Belongs here: the syntax and the matching of Go's path.Match and MatchPrefixPatterns. Not here: what is done with a
module that matches (settings say that).

Matching never goes back beyond the last `*`, so no pattern makes a long path slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from modgate.errors import Malformed


@dataclass(frozen=True, slots=True)
class _Class:
    """One character out of ranges: `[a-z]`, or `[^a-z]` for one outside of them."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]

    def matches(self, char: str) -> bool:
        return any(low <= char <= high for low, high in self.ranges) is not self.negated


@dataclass(frozen=True, slots=True)
class _AnyButSlash:
    """`?`."""

    def matches(self, char: str) -> bool:
        return char != "/"


@dataclass(frozen=True, slots=True)
class _Literal:
    char: str

    def matches(self, char: str) -> bool:
        return char == self.char


_Term: TypeAlias = _Class | _AnyButSlash | _Literal


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Terms that each stand for one character, after a `*` or not."""

    star: bool
    terms: tuple[_Term, ...]

    def matches_at(self, text: str, start: int) -> bool:
        if start + len(self.terms) > len(text):
            return False
        return all(term.matches(text[start + i]) for i, term in enumerate(self.terms))


@dataclass(frozen=True, slots=True)
class Glob:
    """One pattern. It is matched against as many leading elements of a path as it has itself."""

    text: str
    chunks: tuple[_Chunk, ...]

    @classmethod
    def parse(cls, text: str) -> Glob:
        """Read one glob of path.Match.

        Raises:
            Malformed: an unclosed or empty bracket, a bad range, or a backslash at the end.
        """
        return cls(text, tuple(_Parser(text).chunks()))

    def match(self, path: str) -> bool:
        """Say whether the first elements of `path` are what this pattern describes."""
        elements = path.split("/")
        count = self.text.count("/") + 1
        return len(elements) >= count and self._match_whole("/".join(elements[:count]))

    def _match_whole(self, text: str) -> bool:
        position = 0
        for number, chunk in enumerate(self.chunks, start=1):
            found = _find(chunk, text, position, is_last=number == len(self.chunks))
            if found < 0:
                return False
            position = found + len(chunk.terms)
        return position == len(text)


@dataclass(frozen=True, slots=True)
class Patterns:
    """A list of globs, such as GOPRIVATE holds."""

    globs: tuple[Glob, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Patterns:
        """Read a comma-separated list. Empty entries, a slash at the end of an entry and blanks around it do not count.

        Raises:
            Malformed: an entry is no glob. Go ignores such an entry; here it would leave a private module unprotected.
        """
        entries = (entry.strip().removesuffix("/") for entry in text.split(","))
        return cls(tuple(Glob.parse(entry) for entry in entries if entry))

    def match(self, path: str) -> bool:
        """Say whether any of the patterns names `path` or a path above it."""
        return any(glob.match(path) for glob in self.globs)

    def __str__(self) -> str:
        return ",".join(glob.text for glob in self.globs)


def _find(chunk: _Chunk, text: str, start: int, *, is_last: bool) -> int:
    """Return where `chunk` begins in `text`, at `start` or, after a star, before the next slash; -1 if nowhere.

    The first place is the right one, except for the last chunk, which has to end where the text ends.
    """
    if not chunk.star:
        return start if chunk.matches_at(text, start) else -1
    slash = text.find("/", start)
    limit = len(text) if slash < 0 else slash
    if is_last:
        place = len(text) - len(chunk.terms)
        return place if start <= place <= limit and chunk.matches_at(text, place) else -1
    return next((place for place in range(start, limit + 1) if chunk.matches_at(text, place)), -1)


class _Parser:
    """Reads one glob from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def chunks(self) -> list[_Chunk]:
        chunks: list[_Chunk] = []
        while not self._done():
            star = self._skip_stars()
            terms: list[_Term] = []
            while not self._done() and self._text[self._at] != "*":
                terms.append(self._term())
            chunks.append(_Chunk(star, tuple(terms)))
        return chunks

    def _done(self) -> bool:
        return self._at >= len(self._text)

    def _skip_stars(self) -> bool:
        start = self._at
        while not self._done() and self._text[self._at] == "*":
            self._at += 1
        return self._at > start

    def _term(self) -> _Term:
        if self._text[self._at] == "?":
            self._at += 1
            return _AnyButSlash()
        if self._text[self._at] == "[":
            self._at += 1
            return self._class()
        return _Literal(self._char())

    def _class(self) -> _Class:
        negated = self._take("^")
        ranges: list[tuple[str, str]] = []
        while not ranges or not self._take("]"):
            low = self._range_char()
            high = self._range_char() if self._take("-") else low
            ranges.append((low, high))
        return _Class(negated, tuple(ranges))

    def _range_char(self) -> str:
        if self._done() or self._text[self._at] in "-]":
            raise self._malformed("a bracket is not closed, is empty, or holds a bad range")
        return self._char()

    def _char(self) -> str:
        self._take("\\")
        if self._done():
            raise self._malformed("it ends in the middle of a bracket or of an escape")
        self._at += 1
        return self._text[self._at - 1]

    def _take(self, char: str) -> bool:
        taken = self._text.startswith(char, self._at)
        self._at += taken
        return taken

    def _malformed(self, why: str) -> Malformed:
        return Malformed("pattern", self._text, why)
