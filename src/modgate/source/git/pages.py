"""The go-import meta tags of a page (`?go-get=1`). Pure.

Belongs here: finding them as tolerantly as the go command does, and choosing the one that is meant. Not here: fetching
pages (discovery.py), what a repository's URL may be (places.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from html.parser import HTMLParser
from typing import NamedTuple

from modgate.errors import Malformed


class Import(NamedTuple):
    """One tag: `<meta name="go-import" content="prefix vcs url [subdirectory]">`."""

    prefix: str
    vcs: str
    """"git", "hg", …, or "mod" for a GOPROXY."""
    url: str
    subdirectory: str = ""
    """Of the repository; since Go 1.25."""


def imports_of(page: bytes) -> list[Import]:
    """The tags before the end of the head, those with `mod` first; others of the same prefix do not count then."""
    found = _Head.read(page.decode(errors="replace"))
    proxies = [one for one in found if one.vcs == "mod"]
    prefixes = {one.prefix for one in proxies}
    return proxies + [one for one in found if one.vcs != "mod" and one.prefix not in prefixes]


def matching(imports: Sequence[Import], path: str) -> Import | None:
    """The tag for `path`: its prefix is the path, or stands for elements at its beginning.

    Raises:
        Malformed: several do.
    """
    chosen: Import | None = None
    for one in imports:
        if path != one.prefix and not path.startswith(f"{one.prefix}/"):
            continue
        if chosen is None:
            chosen = one
        elif chosen.vcs == "mod" and one.vcs != "mod":
            break
        else:
            raise Malformed("go-import page", path, "several meta tags match it")
    return chosen


class _Over(Exception):
    """Nothing further counts."""


class _Head(HTMLParser):
    """Collects the tags of a page's head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Import] = []

    @classmethod
    def read(cls, text: str) -> list[Import]:
        parser = cls()
        with suppress(_Over, AssertionError):  # the parser asserts that declarations are well-formed
            # Not closed: for each of many comments that never end, that would read the whole page anew, for minutes.
            parser.feed(text)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "body":
            raise _Over
        # The first of two attributes of one name counts.
        values = {name: value or "" for name, value in reversed(attrs)}
        fields = values.get("content", "").split()
        if tag == "meta" and values.get("name") == "go-import" and len(fields) in (3, 4):
            self.found.append(Import(*fields))

    def handle_endtag(self, tag: str) -> None:
        if tag == "head":
            raise _Over
