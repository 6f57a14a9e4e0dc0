"""Which module paths a list of patterns names, one by one: the globs of GOPRIVATE, `**`, and regular expressions.

Belongs here: the syntax of one pattern and its matching. Not here: Go's own lists (patterns.py), what is done with a
path that matches (settings say that).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from modgate.errors import Malformed
from modgate.gomod.patterns import Glob

ANY = "**"
"""Any number of elements, none included."""
EXPRESSION = "re:"
"""Begins a regular expression for the whole path."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """One pattern."""

    text: str
    _pieces: tuple[Glob, ...] = ()
    """Between any number of elements each; empty for a regular expression."""
    _starts_anywhere: bool = False
    _expression: re.Pattern[str] | None = field(default=None, compare=False)

    @classmethod
    def parse(cls, text: str) -> PathPattern:
        """Read `github.com/corp/*`, `github.com/**`, `**` or `re:github\\.com/(a|b)/.*`.

        Raises:
            Malformed: no glob of path.Match, an empty element, or no regular expression.
        """
        if text.startswith(EXPRESSION):
            try:
                return cls(text, _expression=re.compile(text.removeprefix(EXPRESSION)))
            except (re.error, RecursionError, OverflowError) as error:
                raise Malformed("regular expression", text, str(error)) from error
        elements = text.removesuffix("/").split("/")
        if not all(elements):
            raise Malformed("pattern", text, "an empty element")
        if any(ANY in element and element != ANY for element in elements):
            raise Malformed("pattern", text, f"{ANY} is an element of its own: github.com/{ANY}")
        return cls(text, tuple(_pieces(elements)), elements[0] == ANY)

    def match(self, path: str) -> bool:
        """Say whether it names `path`, or a path above it."""
        if self._expression is not None:
            return self._expression.fullmatch(path) is not None
        elements = path.split("/")
        at, anywhere = 0, self._starts_anywhere
        for piece in self._pieces:
            # The first place is as good as any: nothing has to end where the path ends.
            places = range(at, len(elements)) if anywhere else (at,)
            found = next((place for place in places if piece.match("/".join(elements[place:]))), None)
            if found is None:
                return False
            at, anywhere = found + piece.text.count("/") + 1, True
        return True


def _pieces(elements: Iterable[str]) -> Iterable[Glob]:
    piece: list[str] = []
    for element in [*elements, ANY]:
        if element != ANY:
            piece.append(element)
        elif piece:
            yield Glob.parse("/".join(piece))
            piece = []


@dataclass(frozen=True, slots=True)
class PathPatterns:
    """A list of patterns."""

    patterns: tuple[PathPattern, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> PathPatterns:
        """Read a list.

        Raises:
            Malformed: see PathPattern.parse.
        """
        return cls(tuple(PathPattern.parse(text) for text in texts))

    def find(self, path: str) -> str:
        """The first pattern that names `path`, as it was written; "" if none does."""
        return next((pattern.text for pattern in self.patterns if pattern.match(path)), "")

    def __str__(self) -> str:
        return ", ".join(pattern.text for pattern in self.patterns)
