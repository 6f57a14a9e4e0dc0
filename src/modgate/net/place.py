"""Which URLs an entry of the settings is about: `host[:port][/path prefix]`. Pure.

Belongs here: the pattern, and which of several counts. Not here: what an entry says (rules.py).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from modgate.errors import Malformed

PORTS = {"https": 443, "http": 80, "ssh": 22, "git+ssh": 22}
"""Of the schemes that anything is fetched by (besides `file`, and `git`, which knows no credentials)."""
_ENCRYPTED = ("https", "ssh", "git+ssh")
_PATTERN = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?P<host>(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~+@=%-]+)*)/?"
)
_RULE = "write host[:port][/path], such as git.corp.example/team or *.corp.example"


@dataclass(frozen=True, slots=True)
class Place:
    """A host, or all hosts below a name, and a path prefix."""

    host: str
    """In lower case; `*.corp.example` is every name below corp.example, and not itself."""
    port: int | None = None
    """None is any."""
    path: str = ""
    """Without a slash at its end. Whole elements count: `/team` is not about `/teams`."""
    scheme: str = ""
    """"https" or "http" where the pattern says so; "" is any."""

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read a pattern.

        Raises:
            Malformed: anything else than `[http[s]://]host[:port][/path]`.
        """
        found = _PATTERN.fullmatch(text)
        if found is None or int(found["port"] or 1) not in range(1, 65536):
            raise Malformed("place", text, _RULE)
        if _is_odd(found["path"]):
            raise Malformed("place", text, "its path has . or .. in it, or an encoded slash")
        port = int(found["port"]) if found["port"] else None
        return cls(found["host"].lower(), port, found["path"], found["scheme"] or "")

    def covers(self, url: str) -> bool:
        """Say whether `url` is one of those that this is about.

        A path in which `..` or an encoded slash could lead a server elsewhere is below no prefix.
        """
        parts = urlsplit(url)
        if self.scheme not in ("", parts.scheme) or parts.scheme not in PORTS:
            return False
        if self.port not in (None, parts.port or PORTS[parts.scheme]) or not self._names(_host(parts)):
            return False
        return not self.path or (f"{parts.path}/".startswith(f"{self.path}/") and not _is_odd(parts.path))

    def may_sign(self, url: str) -> bool:
        """Say whether credentials may go to `url`, which is covered.

        Unencrypted they go only where the pattern begins with `http://`, or to this machine.
        """
        parts = urlsplit(url)
        return parts.scheme in _ENCRYPTED or self.scheme == "http" or is_loopback(_host(parts))

    @property
    def rank(self) -> tuple[bool, int, bool, bool, int]:
        """Of two that cover a URL, the one with the higher rank counts: the exact host, then the longer path."""
        wild = self.host.startswith("*.")
        return not wild, len(self.host), self.port is not None, bool(self.scheme), len(self.path)

    def __str__(self) -> str:
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}{'://' if self.scheme else ''}{self.host}{port}{self.path}"

    def _names(self, host: str) -> bool:
        if not self.host.startswith("*."):
            return host == self.host
        return host.endswith(self.host[1:]) and len(host) >= len(self.host)


def is_loopback(host: str) -> bool:
    """Say whether a host's name or address (in brackets or not) is this machine (RFC 6761 §6.3)."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    return f"[{host}]" if ":" in host else host


def _is_odd(path: str) -> bool:
    if re.search(r"%2f|%5c|\\", path, re.IGNORECASE):
        return True
    return bool({".", ".."} & set(unquote(path).split("/")))
