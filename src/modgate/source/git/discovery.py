"""Which repository a module path names: by the path itself, or by asking its host (`?go-get=1`).

Belongs here: asking, and what the settings allow. Not here: what pages say (pages.py), what paths say (forges.py), the
addresses of hosts (net/addresses.py).
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TypeAlias
from weakref import WeakValueDictionary

from modgate.errors import Absent, Forbidden, GatewayError, Malformed, Trouble, Unavailable
from modgate.gomod import ModulePath
from modgate.gomod.govcs import Govcs
from modgate.gomod.patterns import Patterns
from modgate.net.client import Client
from modgate.net.limits import Deadlines
from modgate.net.response import Response
from modgate.net.url import Target
from modgate.source.git.direct import ProxyBase, Root
from modgate.source.git.forges import Known, known
from modgate.source.git.pages import Import, imports_of, matching
from modgate.source.git.places import RepositoryUrl, check_subdirectory, repository_url

PAGE = 1 << 20
"""Bytes of a page that are read: its tags stand in the head."""
LARGE = 1 << 15
"""Bytes of a page from which it is read in a thread: a stranger can write one that takes 2 s a megabyte."""
PAGES = 4096
"""Pages that are remembered, with a few hundred bytes each."""
TAGS = 1 << 24
"""Characters of all tags that are remembered: for pages of strangers, with as many tags as they like."""
NOT_PERMITTED = "what this gateway has credentials for is served under another host's name only if that path is private"
LABEL = "go-get"
"""Of these requests in metrics: paths of strangers name any number of hosts."""

Permitted: TypeAlias = Callable[[str, RepositoryUrl], bool]
"""Whether the page of a module path may name a repository or proxy."""


def anywhere(_path: str, _url: RepositoryUrl) -> bool:
    """Where there are no credentials, any page may name any place."""
    return True


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the settings allow."""

    govcs: Govcs = field(default_factory=lambda: Govcs.parse("*:git"))
    schemes: tuple[str, ...] = ("https", "ssh", "git+ssh")
    """Of repositories, for all paths."""
    insecure: Patterns = field(default_factory=Patterns)
    """Paths that may also be asked for, and fetched, without encryption (as GOINSECURE)."""
    is_private: Callable[[str], bool] = lambda _: False
    """Paths that `private:` in GOVCS means."""

    def check(self, path: str, vcs: str, url: str) -> None:
        """Pass a repository that may be used.

        Raises:
            Forbidden: its system, or its URL's scheme, is not allowed.
        """
        if not self.govcs.allows(path, vcs, private=self.is_private(path)):
            raise Forbidden(source=url, reason=f"GOVCS disallows using {vcs} for {path}")
        if vcs != "git":
            raise Forbidden(source=url, reason=f"it is kept in {vcs}; only git repositories can be read directly")
        scheme = url.partition("://")[0]
        if scheme not in self.schemes and not (scheme in ("http", "git") and self.insecure.match(path)):
            raise Forbidden(source=url, reason=f"repositories by {scheme} are not allowed for {path}")


@dataclass(frozen=True, slots=True)
class _Page:
    """What a host said, and until when that is believed."""

    said: tuple[Import, ...] | GatewayError
    until: float

    @property
    def size(self) -> int:
        """Characters, about; 100 for each tag as an object."""
        said = () if isinstance(self.said, GatewayError) else self.said
        return sum(100 + sum(map(len, one)) for one in said)


class Discovery:
    """Finds repositories. Satisfies direct.Finder."""

    def __init__(
        self,
        client: Client,
        allowed: Allowed,
        ping: Callable[[str], Awaitable[object]],
        *,
        deadlines: Deadlines,
        age: float = 600.0,
        absent_age: float = 10.0,
        permitted: Permitted = anywhere,
    ) -> None:
        """`client` checks addresses; `ping` looks whether there is a repository at a URL, or raises.

        `age` and `absent_age`: seconds for which tags, and that there are none, are remembered. `permitted` says
        whether the page of a module path may name a URL: a stranger's page must not spend our credentials.
        """
        self._client = client
        self._allowed = allowed
        self._ping = ping
        self._deadlines = deadlines
        self._ages = (age, absent_age)
        self._permitted = permitted
        self._pages: OrderedDict[str, _Page] = OrderedDict()
        self._size = 0
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._pinged: dict[str, str] = {}

    async def find(self, path: ModulePath, *, refresh: bool = False) -> Root | ProxyBase:
        try:
            by_path = known(path)
            if by_path is not None:
                return await self._known(by_path)
            return await self._asked(path, refresh)
        except Malformed as error:
            raise Absent(source=path.partition("/")[0], reason=f"{error.what}: {error.why}") from error

    async def _known(self, found: Known) -> Root:
        urls = [f"{scheme}://{found.repository}" for scheme in found.schemes]
        for url in urls:
            repository_url(url)
        self._allowed.check(found.root, found.vcs, urls[0])
        if len(urls) == 1:
            return Root(found.root, urls[0])
        url = self._pinged.get(found.root) or await self._first([url for url in urls if self._may(url)])
        if len(self._pinged) < PAGES:
            self._pinged[found.root] = url
        return Root(found.root, url)

    def _may(self, url: str) -> bool:
        return url.partition("://")[0] in self._allowed.schemes

    async def _first(self, urls: Sequence[str]) -> str:
        """The first URL with a repository.

        Raises:
            GatewayError: what was said at the first one. A host without ssh, or without a key for us, says nothing
                about a repository.
        """
        first: GatewayError | None = None
        for url in urls:
            try:
                await self._ping(url)
            except GatewayError as error:
                first = first or error
            else:
                return url
        raise first or Absent(reason="no scheme is allowed for it")

    async def _asked(self, path: ModulePath, refresh: bool) -> Root | ProxyBase:
        found = await self._tag(path, path, refresh)
        # The owner of `example.com/bob` must not speak for all of `example.com`: the page of the prefix says the same.
        if found.prefix != path and await self._tag(found.prefix, path, refresh) != found:
            reason = f"the pages of {path} and {found.prefix} disagree about go-import"
            raise Absent(source=path.partition("/")[0], reason=reason)
        check_subdirectory(found.subdirectory)
        url = repository_url(found.url)
        if not self._permitted(path, url):
            raise Forbidden(source=path.partition("/")[0], reason=f"its page names {found.url}; {NOT_PERMITTED}")
        if found.vcs == "mod":
            if url.scheme != "https" and not (url.scheme == "http" and self._allowed.insecure.match(path)):
                raise Forbidden(source=found.url, reason="a proxy has to be asked by https")
            return ProxyBase(found.url.rstrip("/"))
        self._allowed.check(found.prefix, found.vcs, found.url)
        return Root(found.prefix, found.url, found.subdirectory)

    async def _tag(self, place: str, path: str, refresh: bool) -> Import:
        """The tag for `path` on the page of `place`."""
        found = matching(await self._page(place, refresh), path)
        if found is None:
            raise Absent(source=place.partition("/")[0], reason=f"https://{place}?go-get=1 has no go-import tag for it")
        return found

    async def _page(self, place: str, refresh: bool) -> tuple[Import, ...]:
        """The tags on the page of `place`, remembered or asked for once however many want them."""
        came = asyncio.get_running_loop().time()
        lock = self._asking.setdefault(place, asyncio.Lock())
        async with lock:
            page = self._pages.get(place)
            # What was fetched while we waited is new enough for anybody.
            if page is None or page.until <= came or (refresh and page.until - self._age(page.said) < came):
                page = await self._fetched(place)
                self._remember(place, page)
        if isinstance(page.said, GatewayError):
            raise Absent(source=page.said.source, reason=page.said.reason)
        return page.said

    def _remember(self, place: str, page: _Page) -> None:
        known = self._pages.pop(place, None)
        self._size += page.size - (known.size if known is not None else 0)
        self._pages[place] = page
        while len(self._pages) > PAGES or self._size > TAGS:
            self._size -= self._pages.popitem(last=False)[1].size

    def _age(self, said: tuple[Import, ...] | GatewayError) -> float:
        return self._ages[isinstance(said, GatewayError)]

    async def _fetched(self, place: str) -> _Page:
        said: tuple[Import, ...] | GatewayError
        try:
            said = await self._tags(place, "https")
        except Absent as error:
            said = error
        except Unavailable:
            if not self._allowed.insecure.match(place):
                raise
            said = Absent()
        if isinstance(said, Absent) and self._allowed.insecure.match(place):
            try:
                said = await self._tags(place, "http")
            except Absent as error:
                said = error
        return _Page(said, asyncio.get_running_loop().time() + self._age(said))

    async def _tags(self, place: str, scheme: str) -> tuple[Import, ...]:
        """The tags on a page.

        Raises:
            Absent: there is no page, or no tag on it.
            Forbidden, Unavailable.
        """
        host, _, rest = place.partition("/")
        url = f"{scheme}://{host}/{rest}?go-get=1"
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(self._deadlines.total_small):
                response = await self._client.get(stack, Target(url), self._deadlines, upstream=LABEL)
                page = await _beginning(response)
                found = tuple(await asyncio.to_thread(imports_of, page) if len(page) > LARGE else imports_of(page))
                return found or _nothing(host, response.status)
        except TimeoutError as error:
            reason = f"sent no whole page within {self._deadlines.total_small:g} s"
            raise Unavailable(source=host, reason=reason, trouble=Trouble.TIMEOUT) from error
        except GatewayError as error:
            error.source = host if error.source in ("", LABEL) else error.source
            raise


def _nothing(host: str, status: int) -> tuple[Import, ...]:
    """What it means that a page has no tags."""
    if status >= 500 or status in (408, 425, 429):
        trouble = Trouble.BUSY if status == 429 else Trouble.ANSWER
        raise Unavailable(source=host, reason=f"answered {status} to ?go-get=1", trouble=trouble, again=status >= 500)
    if status == 200:
        raise Absent(source=host, reason="no go-import meta tags on its page")
    raise Absent(source=host, reason=f"answered {status} to ?go-get=1")


async def _beginning(response: Response) -> bytes:
    """The first bytes of a page."""
    page = bytearray()
    async for chunk in response.chunks():
        page += chunk
        if len(page) >= PAGE:
            break
    return bytes(page[:PAGE])
