"""URLs of upstreams: joined, redirected and shown without their credentials. Pure."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

_RESERVED = ":/?#[]@!$&'()*+,;=%"
"""What a URL may hold as it is, besides letters, digits and `-._~` (RFC 3986 §2.2). Blanks and other characters in a
Location are percent-encoded, as the go command does."""
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f]|^[A-Za-z][A-Za-z0-9+.-]*:(?!//[^/?#])")
"""What the go command takes for no Location either: control characters, and a scheme without a host."""

_PATH = re.compile("[/?#]")
"""What ends the host of a URL."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and with what right."""

    url: str
    """Without credentials; a redirect may have put a signature into its query."""
    authorization: str = field(default="", repr=False)
    """Value of the Authorization header; never shown."""

    @property
    def place(self) -> str:
        """Where it goes, as anybody may see it."""
        return self.url.partition("?")[0]

    @property
    def origin(self) -> Origin:
        """Scheme, host and port.

        Raises:
            ValueError: it is no URL.
        """
        return origin_of(self.url)


Origin = tuple[str, str, int | None]
_PORTS = {"http": 80, "https": 443}


def origin_of(url: str) -> Origin:
    """Scheme, host and port of a URL, without one that of its scheme.

    Raises:
        ValueError: it is no URL.
    """
    start, slashes, rest = url.partition("//")
    return _origin(start + slashes + _PATH.split(rest, maxsplit=1)[0])


@lru_cache(maxsize=256)
def _origin(url: str) -> Origin:
    """Remembered, for all files of an upstream have one, and finding it takes 10 µs."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def target_of(url: str) -> Target:
    """Take the credentials out of an URL (`https://user:pass@host/`) and make them a Basic authorization."""
    parts = urlsplit(url)
    if parts.username is None:
        return Target(url)
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    host = parts.netloc.rpartition("@")[2]
    clean = urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))
    return Target(clean, "Basic " + base64.b64encode(pair.encode()).decode())


def redirected(target: Target, location: str) -> Target | None:
    """The next hop; None where it must not be followed: no URL, no http(s), or from https to http.

    Credentials stay with their origin. Those that a Location names are not ours to use.
    """
    if _UNREADABLE.search(location):
        return None
    place = quote(location, safe=_RESERVED, errors="surrogateescape")
    try:
        following = Target(target_of(urljoin(target.url, place)).url)
        scheme, host, _ = following.origin
    except ValueError:
        return None  # no URL: a bracket without its other half, a port that is no number
    if scheme not in ("http", "https") or (target.origin[0] == "https" and scheme == "http"):
        return None
    if not host or "%" in host:
        return None
    return Target(following.url, target.authorization if following.origin == target.origin else "")
