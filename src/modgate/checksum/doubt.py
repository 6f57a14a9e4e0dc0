"""Who is not believed while one question is being answered.

What was kept here is doubted first. Where one way alone sent what is wrong, it lied, and is not listened to again.
Where several sent a part each, one of them lied, and it cannot be said which: each is left out in turn. Every step
leaves fewer possibilities, so the asking ends; and as long as honest ways together have everything, they are found.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from modgate.errors import Corrupt, Unavailable


@dataclass(frozen=True, slots=True)
class Found:
    """Bytes from outside that nothing has proven yet."""

    name: str
    """The file that they were taken from: it may be a wider tile than the one asked for."""
    way: str | None
    """None: they were kept here."""
    data: bytes


class Doubt:
    """Grows while one question is answered."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._liars: dict[str, str] = {}
        self._left_out: frozenset[str] = frozenset()
        self._to_try: list[frozenset[str]] = []
        self._tried: set[frozenset[str]] = {frozenset()}

    @property
    def key(self) -> frozenset[str]:
        """Equal for equal doubts: questions in equal doubt may share a fetch."""
        return self._left_out.union(self._liars, self._files)

    def about(self, name: str) -> bool:
        """Whether the file that is kept under this name is not believed."""
        return name in self._files

    def refuse(self, way: str, asked: str) -> None:
        """Let nothing through that comes by a way that is not listened to.

        Raises:
            Corrupt: it lied.
            Unavailable: it may have lied, and is left out to see whether the others tell the truth.
        """
        if way in self._liars:
            raise Corrupt(asked=asked, source=way, reason=self._liars[way])
        if way in self._left_out:
            raise Unavailable(asked=asked, source=way, reason="is left out: it may have sent what cannot be it")

    def blame(self, suspects: Iterable[Found], why: str) -> list[str]:
        """At least one of the suspects is wrong: the kept files that must go, or [] if ways are doubted.

        Raises:
            Corrupt: all possibilities have been tried.
        """
        found = list(suspects)
        files = list(dict.fromkeys(one.name for one in found if one.way is None))
        self._files |= set(files)
        ways = list(dict.fromkeys(one.way for one in found if one.way is not None))
        reason = f"sent what cannot be it: {why}"
        if files:
            return files
        if len(ways) == 1:
            self._liars[ways[0]] = reason
            return []
        possible = [self._left_out | {way} for way in ways]
        self._to_try += [left_out for left_out in possible if left_out not in self._tried]
        self._tried |= set(possible)
        if not self.turn():
            raise Corrupt(source=" and ".join(ways), reason=reason)
        return []

    def turn(self) -> bool:
        """Leave others out than until now; False if there is nothing more to try."""
        if self._to_try:
            self._left_out = self._to_try.pop(0)
            return True
        return False
