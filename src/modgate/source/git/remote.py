"""Git runs that talk to a repository's host.

Belongs here: what is tried once more, and what a failure means. Not here: what is fetched (mirror.py), how hosts are
reached (hosts.py).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from modgate.errors import GatewayError, Unavailable
from modgate.source.git.access import PARTIAL, Access
from modgate.source.git.layout import WHOLE, clear
from modgate.source.git.meaning import (
    asks_for_credentials,
    is_redirect,
    is_refused,
    is_unclear,
    is_untrusted,
    last_words,
    meaning,
)
from modgate.source.git.program import Git, GitFailed

_LEFT_LOCKED = re.compile(r"Unable to create '.*\.lock': File exists|cannot lock ref|shallow file has changed")
_FETCH = ("fetch", "--quiet", "--force", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance")


class Unclear(Exception):
    """Git failed in a way that says nothing about the host: asking in another way may help."""

    def __init__(self, meant: GatewayError, text: str) -> None:
        super().__init__(text)
        self.meant = meant
        """What it means if nothing else helps."""


class Hosts(Protocol):
    """Who knows how hosts may be reached."""

    async def access(self, url: str) -> Access:
        """How a run of git may reach the repository at `url` now.

        Raises:
            Absent, Forbidden, Unavailable.
        """

    async def follow(self, url: str) -> bool:
        """Find out where a repository has moved to, if it has; then `access` leads there.

        Raises:
            GatewayError: it could not be found out; tells more of an untrusted certificate than git does.
        """

    async def renew(self, url: str) -> bool:
        """The credential was refused; say whether there is another one now.

        Raises:
            GatewayError.
        """


class Remote:
    """The repository at `url`, as it is reached from the mirror at `path`."""

    def __init__(self, url: str, path: Path, git: Git, hosts: Hosts) -> None:
        self._url = url
        self._path = path
        self._git = git
        self._hosts = hosts

    async def look(self) -> bytes:
        """What `git ls-remote` tells; the mirror need not be there.

        Raises:
            GatewayError: what git's failure means.
        """
        try:
            return await self._run(self._path.parent, ("ls-remote", "--quiet", "--end-of-options", self._url))
        except GitFailed as error:
            raise self._meant(error) from error

    async def fetch(self, *arguments: str, settings: Sequence[str] = (), stdin: bytes = b"") -> None:
        """Fetch into the mirror; whoever calls has the right to change it. `settings` are git's own options.

        Raises:
            Unclear: git failed in a way that nobody knows.
            GatewayError: what git's failure means.
        """
        try:
            await self._run(self._path, (*settings, *_FETCH, *arguments), stdin)
        except GitFailed as error:
            if is_unclear(error.text):
                raise Unclear(self._meant(error), error.text) from error
            raise self._meant(error) from error

    async def _run(self, place: Path, arguments: Sequence[str], stdin: bytes = b"") -> bytes:
        """Run git; once more after removing locks that a killed git has left, or after a move of the repository."""
        inside = place == self._path
        for attempt in (1, 2):
            try:
                access = await self._hosts.access(self._url)
                if not (self._path / WHOLE).exists():
                    access = replace(access, config={**access.config, **PARTIAL})
                return await self._git.run(place, *arguments, access=access, stdin=stdin, short=not inside)
            except GitFailed as error:
                if inside:
                    await asyncio.to_thread(clear, place)
                if attempt == 1 and await self._may_mend(error.text, access, inside):
                    continue
                if access.is_signed and asks_for_credentials(error.text):
                    # Hosts ask strangers for credentials whether a repository is there or not; we are none.
                    reason = f"does not accept this gateway's credentials ({last_words(error.text)})"
                    raise Unavailable(source=self._url, reason=reason) from error
                raise
            except GatewayError as error:
                error.source = error.source or self._url
                if inside:
                    await asyncio.to_thread(clear, place)
                raise
        raise AssertionError("the second attempt returns or raises")

    async def _may_mend(self, text: str, access: Access, inside: bool) -> bool:
        """Whether a second attempt may do better."""
        if inside and _LEFT_LOCKED.search(text):
            return True
        if is_redirect(text) or is_untrusted(text):
            return await self._hosts.follow(self._url)
        return access.is_signed and is_refused(text) and await self._hosts.renew(self._url)

    def _meant(self, error: GitFailed) -> GatewayError:
        if is_redirect(error.text):
            reason = f"its repository has moved: the server redirects ({last_words(error.text)})"
            return Unavailable(source=self._url, reason=reason)
        return meaning(error.text, self._url)
