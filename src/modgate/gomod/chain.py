"""The syntax of GOPROXY: a chain of proxies, and after which errors the next one is asked (protocol.md §1.5).

Belongs here: reading the text exactly as the go command does. Not here: asking anybody (source/chain.py), credentials
(net/), what `direct` means for a gateway (settings/).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from modgate.errors import Malformed

_ENTRY = re.compile(r"([^,|]*)([,|]?)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_NETLOC = re.compile(r"(?:[A-Za-z0-9._:~!$&'()*+;=%@-]*@)?(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:@\s<>\"{}|\\^`%]+)(?::[0-9]*)?")
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")
# In what is no URL nobody knows where a password ends, and tokens are also written into queries.
_MAYBE_USERINFO = re.compile(r"^([A-Za-z]+:/+)?.*@", re.DOTALL)
_MAYBE_TOKEN = re.compile(r"[?#].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """One entry of a chain."""

    url: str
    """"direct", "off", or an https, http or file URL without a slash at its end. It may hold credentials."""
    after: str
    """"," if the next entry is asked only after absence, "|" if after every error."""

    @property
    def is_http(self) -> bool:
        """Whether it is asked over the network: neither a directory nor `direct` nor `off`."""
        return self.url.startswith(("http://", "https://"))

    @property
    def shown(self) -> str:
        """The URL without credentials, for people and logs."""
        return without_credentials(self.url)


def parse_chain(text: str) -> tuple[Link, ...]:
    """Read a GOPROXY value as Go's proxyList does.

    Blanks around entries and empty entries do not count; nothing is read behind `direct` or `off`.

    Raises:
        Malformed: no entry at all, or one that is no proxy URL; names it without its credentials.
    """
    links: list[Link] = []
    for match in _ENTRY.finditer(text):
        entry = match[1].strip()
        if entry in ("direct", "off"):
            links.append(Link(entry, ","))
            break
        if entry:
            links.append(Link(_proxy_url(entry), match[2] or ","))
    if not links:
        raise Malformed("GOPROXY", text, "contains no entries")
    return tuple(links)


def without_credentials(url: str) -> str:
    """Return a valid URL without user name and password."""
    return _USERINFO.sub("", url, count=1)


def without_secrets(text: str) -> str:
    """Return what was meant to be a URL without anything that may be a password or a token."""
    return _MAYBE_TOKEN.sub("", _MAYBE_USERINFO.sub(r"\1", text))


def _proxy_url(entry: str) -> str:
    url = entry
    # A single word is reserved for Go's own use, and what has ":/" or starts with "/" must be a whole URL already.
    if re.search("[.:/]", url) and ":/" not in url and not url.startswith("/"):
        url = f"https://{url}"
    why = "" if ":/" in url else "missing scheme: write https://… (or http://, file://), direct, or off"
    why = why or _text_fault(url)
    if why:
        raise _malformed(entry, why)
    try:
        parts = urlsplit(url)
        why = _file_fault(url, parts) if parts.scheme == "file" else _http_fault(parts)
    except ValueError:
        # Its own text may hold the password.
        why = "no valid URL"
    if why:
        raise _malformed(entry, why)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _text_fault(url: str) -> str:
    if _CONTROL.search(url):
        return "control character"
    return "a percent sign without two hex digits" if _BAD_PERCENT.search(url) else ""


def _file_fault(url: str, parts: SplitResult) -> str:
    if not url.startswith("///", len("file:")) or parts.query or parts.fragment:
        return "a file URL has a path and nothing else: file:///path"
    return ""


def _http_fault(parts: SplitResult) -> str:
    if parts.scheme not in ("https", "http"):
        return "the scheme must be https, http or file"
    if not _NETLOC.fullmatch(parts.netloc):
        return "no valid host name"
    # Reading the port also checks it.
    if parts.port == 0:
        return "no valid port"
    # Go would send a query with every request; here it would end up in the middle of the URLs.
    return "a proxy URL has no query and no fragment" if parts.query or parts.fragment else ""


def _malformed(entry: str, why: str) -> Malformed:
    return Malformed("GOPROXY entry", without_secrets(entry), why)
