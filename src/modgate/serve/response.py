"""From what is known of an answer to the head of its response, as pure functions.

Belongs here: status lines, header names and values. Not here: whether a request is conditional (conditional.py), the
texts of errors (errors.py), Date, X-Request-Id and Connection, which each response gets when it goes out (cycle.py).
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from http import HTTPStatus
from typing import Protocol

from modgate.serve.conditional import Changed, Decision, NotModified, Part, Unsatisfiable, Validators, Whole, http_date
from modgate.serve.errors import Failure
from modgate.source.base import FOREVER, Answer, Cached, Kind, Ready

Headers = list[tuple[bytes, bytes]]

ALLOWED = (b"allow", b"GET, HEAD")
"""Goes with each 405 (RFC 9110 §15.5.6)."""
TEXT = b"text/plain; charset=utf-8"
JSON = b"application/json"
MEDIA_TYPES = {
    Kind.LIST: TEXT,
    Kind.LATEST: JSON,
    Kind.INFO: JSON,
    Kind.MOD: TEXT,
    Kind.ZIP: b"application/zip",
}
"""protocol.md §1.1."""

YEAR = 31_536_000
"""Seconds: the longest max-age that caches take seriously."""
MINUTE = 60
"""Seconds for which others may keep what can change; our own ages are finer (cache/freshness.py)."""
PACKED_FROM = 1024
"""Bytes: a smaller answer fits into one packet as it is."""
PAYS = 0.75
"""The share of its bytes that a compressed answer may have, to be worth the client's work and our memory."""
LARGEST_HASHED = 1024 * 1024
"""Bytes of a body in memory that get an ETag although nobody knows their hash: about a millisecond of work."""


class DatabaseReply(Protocol):
    """What a checksum database says. Structural: checksum/ is below and does not know us."""

    @property
    def data(self) -> bytes: ...
    @property
    def media_type(self) -> str: ...
    @property
    def fresh_until(self) -> float: ...
    @property
    def cached(self) -> Cached: ...
    @property
    def source(self) -> str: ...
    @property
    def stamp(self) -> tuple[int, int] | None: ...
    @property
    def private(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Content:
    """What a head has to say of a body."""

    media_type: bytes
    size: int | None
    """None while it is not known: then the body is sent in chunks."""
    validators: Validators
    cache_control: bytes
    cached: Cached
    varies: bool = False
    """It is sent compressed to clients that take that, once it is in memory."""


def content_of(answer: Answer) -> Content:
    """Describe a source's answer."""
    body = answer.body
    digest = answer.digest
    if not digest and isinstance(body, Ready) and body.size <= LARGEST_HASHED:
        digest = sha256(body.data).hexdigest()
    return Content(
        media_type=MEDIA_TYPES[answer.ask.kind],
        size=body.size,
        validators=Validators(_etag(digest), answer.fetched if answer.immutable else 0.0),
        cache_control=cache_control(answer.fresh_until, private=answer.private),
        cached=answer.cached,
        varies=answer.ask.kind in (Kind.LIST, Kind.MOD) and (body.size or 0) >= PACKED_FROM,
    )


def content_of_reply(reply: DatabaseReply) -> Content:
    """Describe a checksum database's answer."""
    return Content(
        media_type=reply.media_type.encode("latin-1"),
        size=len(reply.data),
        validators=Validators(_etag(sha256(reply.data).hexdigest())),
        cache_control=cache_control(reply.fresh_until, private=reply.private),
        cached=reply.cached,
    )


def cache_control(fresh_until: float, *, private: bool) -> bytes:
    """How long others may keep it: a year if it never changes, else a minute."""
    scope = b"private" if private else b"public"
    if fresh_until == FOREVER:
        return b"%b, max-age=%d, immutable" % (scope, YEAR)
    return b"%b, max-age=%d" % (scope, MINUTE)


def success(content: Content, decision: Decision) -> tuple[int, Headers]:
    """Status and headers of a 200, 206 or 304."""
    if isinstance(decision, Part):
        length = decision.stop - decision.start
        extent = b"bytes %d-%d/%d" % (decision.start, decision.stop - 1, content.size or 0)
        return 206, [*_entity(content, length), (b"content-range", extent), *_validators(content)]
    if isinstance(decision, NotModified):
        return 304, _validators(content)
    return 200, [*_entity(content, content.size), *_validators(content)]


def packed(content: Content, body: bytes) -> tuple[Headers, bytes] | None:
    """Headers and body of the same 200 in gzip; None if that does not pay."""
    data = gzip.compress(body, mtime=0) if content.varies else body
    if len(data) > len(body) * PAYS:
        return None
    tag = content.validators.etag
    # The same answer in other bytes: a weak tag (RFC 9110 §8.8.1), which If-None-Match compares as if it was strong.
    weak = replace(content, validators=replace(content.validators, etag=b"W/" + tag if tag else b""))
    headers = [header for header in _entity(content, len(data)) if header[0] != b"accept-ranges"]
    return [*headers, (b"content-encoding", b"gzip"), *_validators(weak)], data


def refusal(content: Content, decision: Changed | Unsatisfiable) -> tuple[Failure, Headers]:
    """What a client gets whose own conditions exclude every answer, and the headers that belong to it."""
    if isinstance(decision, Changed):
        return Failure(412, "refused: a precondition of the request does not hold\n"), []
    text = f"refused: no byte of it lies in the range; it has {content.size} bytes\n"
    return Failure(416, text), [(b"content-range", b"bytes */%d" % (content.size or 0))]


def failure(failure: Failure, cached: str = "", extra: Headers | None = None) -> tuple[Headers, bytes]:
    """Headers and body of an error. No error is ever stored: it may be gone with the next request."""
    body = failure.text.encode(errors="replace")
    headers: Headers = [
        (b"content-type", TEXT),
        (b"content-length", b"%d" % len(body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if cached:
        headers.append((b"x-cache", cached.encode()))
    if failure.retry_after is not None:
        headers.append((b"retry-after", b"%d" % failure.retry_after))
    if failure.challenge:
        headers.append((b"www-authenticate", b'Basic realm="modgate", charset="UTF-8"'))
    return headers + (extra or []), body


def head_bytes(status: int, headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Status line and header lines, without the blank line that ends a head.

    Raises:
        ValueError: a value would begin a line of its own. Nothing that we build does; a mounted application might.
    """
    lines = [STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
    for name, value in headers:
        if b"\r" in value or b"\n" in value or b"\0" in value:
            raise ValueError(f"header {name!r} has a control character")
        lines.append(b"%b: %b\r\n" % (name, value))
    return b"".join(lines)


STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}


def _etag(digest: str) -> bytes:
    return f'"{digest}"'.encode() if digest else b""


def _entity(content: Content, length: int | None) -> Headers:
    headers: Headers = [(b"content-type", content.media_type), (b"x-content-type-options", b"nosniff")]
    if length is not None:
        headers.append((b"content-length", b"%d" % length))
        headers.append((b"accept-ranges", b"bytes"))
    return headers


def _validators(content: Content) -> Headers:
    headers: Headers = [(b"cache-control", content.cache_control), (b"x-cache", content.cached.encode())]
    if content.validators.etag:
        headers.append((b"etag", content.validators.etag))
    if content.validators.modified > 0:
        headers.append((b"last-modified", http_date(int(content.validators.modified))))
    if content.varies:
        headers.append((b"vary", b"accept-encoding"))
    return headers


WHOLE = Whole()
