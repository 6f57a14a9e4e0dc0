"""An upstream that speaks the GOPROXY protocol over HTTP (protocol.md §1).

Belongs here: which URL answers an ask, and what a status means for it. Not here: deadlines and redirects
(net/client.py), trying again (retry.py), what to do when it is down (breaker.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from urllib.parse import quote, urljoin

from modgate.errors import Absent, Corrupt, Forbidden, GatewayError, Looped, Malformed, Trouble, Unavailable
from modgate.net.client import Client
from modgate.net.credentials import bearer
from modgate.net.limits import Deadlines
from modgate.net.response import Response
from modgate.net.url import Target, target_of
from modgate.observe.events import Events
from modgate.source.base import Answer, Arriving, Ask, Kind, Ready, Resume, Terms
from modgate.source.wellformed import formed

LARGE = 65536
"""Bytes from which an answer is judged in a thread: 50 ms for the worst list of this size."""
UNQUOTED = "/$&+:=@"
"""What Go leaves in a path as it is, besides letters, digits and `-._~` (protocol.md §1.2)."""
STATUS = "x-go-proxy-status"
"""With the value `unavailable` a proxy says that it is down as a whole, whatever the status of this answer is."""
SAYS_DOWN = "says that it is unavailable (X-Go-Proxy-Status)"
WORDS = 600
"""Bytes of an upstream's own error text that are kept: the go command shows no more (protocol.md §1.1)."""
WORDS_SECONDS = 2.0
"""For that text: what it means is known from the status, and a body that never ends must not hold it up."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """The most that an upstream may send, in bytes."""

    list: int = 32 << 20
    info: int = 1 << 20
    mod: int = 16 << 20
    """As in the go command (protocol.md §3)."""
    zip: int = 500 << 20
    """As in the go command: a client refuses a larger one (protocol.md §1.5)."""

    def of(self, kind: Kind) -> int:
        return {Kind.LIST: self.list, Kind.MOD: self.mod, Kind.ZIP: self.zip}.get(kind, self.info)


class GoProxy:
    """One upstream."""

    def __init__(
        self, url: str, client: Client, events: Events, deadlines: Deadlines, sizes: Sizes, *, forward: str = ""
    ) -> None:
        """`url` may hold credentials: they are used, and never shown.

        `forward` is a header of clients, in lower case: its value goes to the upstream as Bearer authorization, in
        place of any other. What comes back then is that client's alone.
        """
        self._base = target_of(url.rstrip("/"))
        self._client = client
        self._events = events
        self._deadlines = deadlines
        self._sizes = sizes
        self._forward = forward

    @property
    def name(self) -> str:
        return self._base.url

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        try:
            if ask.kind is Kind.ZIP:
                return await (self._zip(ask, terms) if terms.body else self._zip_head(ask, terms))
            return await self._small(ask, terms)
        except GatewayError as error:
            error.asked = error.asked or str(ask)
            raise

    async def alive(self, name: str) -> bool:
        """Whether it answers `name` with anything but trouble: the probe of the breaker."""
        try:
            async with AsyncExitStack() as stack:
                response = await self._request(stack, name)
                return response.status < 500
        except Unavailable:
            return False

    @property
    def silence(self) -> float:
        """Seconds for which it is waited for while it says nothing."""
        return self._deadlines.first_byte

    async def look(self, path: str, seconds: float) -> tuple[int, Mapping[str, str]]:
        """Status and headers (in lower case) of the page that `path` leads to from the base URL.

        Raises:
            Unavailable: there was no answer within so many seconds.
        """
        target = Target(urljoin(f"{self._base.url}/", path), self._base.authorization)
        deadlines = replace(self._deadlines, connect=seconds, first_byte=seconds)
        async with AsyncExitStack() as stack:
            response = await self._client.get(stack, target, deadlines, upstream=self.name)
            return response.status, response.headers

    async def fetch(self, name: str, most: int, label: str, token: str = "") -> bytes:
        """The small file `name` below the base URL, at most `most` bytes, as it is; for whoever has `token`.

        Raises:
            Absent, Forbidden, Unavailable: what its status, or its silence, means.
        """
        try:
            async with AsyncExitStack() as stack, asyncio.timeout(self._deadlines.total_small):
                response = await self._request(stack, name, token=token)
                if response.status != 200:
                    raise await self._meaning(response, label, token)
                return await response.read(most)
        except TimeoutError as error:
            raise self._late(self._deadlines.total_small) from error

    async def _small(self, ask: Ask, terms: Terms) -> Answer:
        data = await self.fetch(ask.name, self._sizes.of(ask.kind), str(ask), self._token(terms))
        # A list of 1 MB takes 0.8 s to sort: large ones do not hold up the serving loop.
        large = len(data) > LARGE
        data, version = await asyncio.to_thread(self._formed, ask, data) if large else self._formed(ask, data)
        return Answer(ask, Ready(data), version=version, source=self.name)

    def _formed(self, ask: Ask, data: bytes) -> tuple[bytes, str]:
        try:
            return formed(ask, data, self.name)
        except Corrupt as error:
            self._events.emit("corrupt_answer", asked=str(ask), source=self.name, reason=error.reason)
            raise

    async def _zip(self, ask: Ask, terms: Terms) -> Answer:
        stack, token = AsyncExitStack(), self._token(terms)
        try:
            headers = _continuation(terms.resume, self.name)
            response = await self._request(stack, ask.name, headers=headers, token=token)
            if response.status == 416 and headers:
                # Nothing lies behind what we have: all of it comes again, and is compared.
                await stack.aclose()
                response = await self._request(stack, ask.name, token=token)
            start = _granted(response, terms.resume)
            if response.status != 200 and start is None:
                raise await self._meaning(response, str(ask), token)
            size = (start or 0) + response.length if response.length is not None else None
            if size is not None and size > self._sizes.zip:
                reason = f"has a zip of {size} bytes; {self._sizes.zip} are allowed here (limits.zip)"
                raise Corrupt(source=self.name, reason=reason)
        except BaseException:
            await stack.aclose()
            raise
        validator = _strong(response.headers.get("etag", "")) if not response.encoded else ""
        chunks = self._owned(stack, response)
        await anext(chunks)
        body = Arriving(chunks, start or 0, size, validator, response.url)
        return Answer(ask, body, version=ask.version, source=self.name)

    async def _owned(self, stack: AsyncExitStack, response: Response) -> AsyncGenerator[bytes, None]:
        """The chunks; whoever stops reading closes the generator, and with it the response.

        The first piece is empty, for a generator that was never begun does nothing when it is closed. The deadline is
        set for each piece anew: the task that reads the rest is seldom the one that asked.
        """
        until = asyncio.get_running_loop().time() + self._deadlines.total
        async with stack:
            yield b""
            chunks = response.chunks()
            while (chunk := await self._next(chunks, until)) is not None:
                yield chunk

    async def _next(self, chunks: AsyncIterator[bytes], until: float) -> bytes | None:
        """The next piece; None at the end."""
        try:
            async with asyncio.timeout_at(until):
                return await anext(chunks, None)
        except TimeoutError as error:
            raise self._late(self._deadlines.total) from error

    async def _zip_head(self, ask: Ask, terms: Terms) -> Answer:
        token = self._token(terms)
        async with AsyncExitStack() as stack:
            response = await self._request(stack, ask.name, method="HEAD", token=token)
            if response.status in (405, 501):
                # It knows no HEAD. The head of a GET says the same, and its body is left unread.
                await stack.aclose()
                response = await self._request(stack, ask.name, token=token)
            if response.status != 200:
                raise await self._meaning(response, str(ask), token)
            return Answer(ask, Arriving(_nothing(), size=response.length), version=ask.version, source=self.name)

    def _token(self, terms: Terms) -> str:
        """The asker's own token, where such are handed on."""
        return terms.caller.tokens.get(self._forward, "") if self._forward else ""

    async def _request(
        self,
        stack: AsyncExitStack,
        name: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        token: str = "",
    ) -> Response:
        # "!" is legal in a path, but Go itself sends it as %21: some caches in front of mirrors know only that
        # spelling. A query may hold "#" and others that would end the path.
        authorization = self._bearer(token) if token else self._base.authorization
        target = Target(f"{self._base.url}/{quote(name, safe=UNQUOTED)}", authorization)
        response = await self._client.get(
            stack, target, self._deadlines, upstream=self.name, method=method, headers=headers
        )
        if response.headers.get(STATUS, "").strip().lower() == "unavailable":
            raise Unavailable(source=self.name, reason=SAYS_DOWN, blames_upstream=True, says_down=True)
        return response

    def _bearer(self, token: str) -> str:
        try:
            return bearer(token)
        except Malformed as error:
            raise Forbidden(
                source=self.name, reason=f"was not asked: the token in {self._forward} is {error.why}"
            ) from error

    async def _meaning(self, response: Response, label: str, token: str = "") -> GatewayError:
        """What a status that is not 200 means (design: the table of errors)."""
        status, source = response.status, self.name
        reason = f"answered {status}"
        if status in (404, 410):
            return Absent(source=source, reason=reason, words=await _words(response))
        if status in (403, 451):
            return Forbidden(source=source, reason=reason, words=await _words(response), status=status)
        if status == 401 and token:
            return Forbidden(source=source, reason=f"{reason}: it does not accept the token in {self._forward}")
        if status in (401, 407):
            self._events.emit("upstream_refused_us", source=source, asked=label, status=status)
            return Unavailable(source=source, reason=f"{reason}: it does not accept this gateway's credentials")
        if status == 429:
            retry_after = _seconds(response.headers.get("retry-after", ""))
            return Unavailable(source=source, reason=reason, trouble=Trouble.BUSY, retry_after=retry_after)
        if status == 508:
            return Looped(source=source, reason=f"{reason}: the request came back to a gateway on its way")
        blames = status in (502, 503, 504)
        return Unavailable(source=source, reason=reason, blames_upstream=blames, again=status >= 500)

    def _late(self, seconds: float) -> Unavailable:
        reason = f"did not send all of it within {seconds:g} s"
        return Unavailable(source=self.name, reason=reason, trouble=Trouble.TIMEOUT)


async def _nothing() -> AsyncGenerator[bytes, None]:
    return
    yield b""


async def _words(response: Response) -> str:
    """The upstream's own words, if they are such as the go command would show."""
    kind, _, parameters = response.headers.get("content-type", "").lower().partition(";")
    charset = parameters.partition("charset=")[2].strip().strip('"')
    if kind.strip() != "text/plain" or charset not in ("", "utf-8", "us-ascii"):
        return ""
    try:
        async with asyncio.timeout(WORDS_SECONDS):
            text = (await response.read(65536)).decode()
    except (Unavailable, TimeoutError, UnicodeDecodeError):
        return ""
    # The go command stops at the first blank line, and its users see no carriage returns.
    text = text.replace("\r\n", "\n").lstrip("\n")
    printable = all(character.isprintable() or character in "\n\t" for character in text)
    return text[:WORDS] if printable and text.strip() else ""


def _strong(etag: str) -> str:
    return etag if etag.startswith('"') else ""


def _continuation(resume: Resume | None, name: str) -> dict[str, str]:
    """Headers that ask for the rest (RFC 9110 §14.2, §13.1.5): only with a strong validator, and only where it came
    from."""
    if resume is None or resume.source != name or not resume.validator or resume.offset == 0:
        return {}
    return {"Range": f"bytes={resume.offset}-", "If-Range": resume.validator}


def _granted(response: Response, resume: Resume | None) -> int | None:
    """The offset from which the upstream goes on, if it does what was asked and nothing else."""
    if response.status != 206 or resume is None:
        return None
    unit, _, where = response.headers.get("content-range", "").partition(" ")
    first = where.partition("-")[0]
    if (
        unit != "bytes"
        or first != str(resume.offset)
        or response.headers.get("etag", resume.validator) != resume.validator
    ):
        return None
    return resume.offset


def _seconds(text: str) -> float:
    """Retry-After as seconds; a date, or nothing, is one second: we ask again when a client does."""
    return min(float(text), 3600.0) if text.isdecimal() else 1.0
