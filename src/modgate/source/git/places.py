"""The URL of a repository: what it may be, and its parts. Pure.

Belongs here: one strict reading of such URLs, so that git cannot understand another host than the one that was checked.
Not here: whether the host may be reached (net/addresses.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modgate.errors import Malformed

_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+]*)://(?:(?P<user>[A-Za-z0-9._-]+)@)?"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~/+@=,%-]*)?)"
)
PORTS = {"https": 443, "http": 80, "ssh": 22, "git+ssh": 22, "git": 9418}
_SSH = ("ssh", "git+ssh")


@dataclass(frozen=True, slots=True)
class RepositoryUrl:
    """A URL that has passed `repository_url`."""

    text: str
    scheme: str
    host: str
    """In lower case; an address in version 6 keeps its brackets."""
    port: int

    @property
    def is_ssh(self) -> bool:
        return self.scheme in _SSH


def repository_url(text: str) -> RepositoryUrl:
    """Read the URL of a repository.

    Raises:
        Malformed: no URL with a host, or with parts that none needs: a password, a query, a fragment, `..`, a leading
            dash, which ssh would take for an option.
    """
    match = _URL.fullmatch(text)
    if match is None:
        raise Malformed("repository URL", text, "not scheme://host/path in plain characters")
    scheme, user, host, path = match["scheme"], match["user"], match["host"].lower(), match["path"]
    if scheme not in PORTS:
        raise Malformed("repository URL", text, f"the scheme {scheme} is not known")
    if user and (scheme not in _SSH or user.startswith("-")):
        raise Malformed("repository URL", text, "only ssh URLs have a user name")
    if ".." in path.split("/") or "/-" in path:
        raise Malformed("repository URL", text, "its path has .. or an element with a leading dash")
    port = int(match["port"] or PORTS[scheme])
    if not 0 < port < 65536:
        raise Malformed("repository URL", text, "no valid port")
    return RepositoryUrl(text, scheme, host, port)


def check_subdirectory(text: str) -> None:
    """Pass the directory below a repository's root that a go-import tag names; "" is the root.

    Raises:
        Malformed: a leading slash or dash, `.` or `..` inside, or an empty element.
    """
    if text and (text[0] == "-" or not text.isprintable() or {"", ".", ".."} & set(text.split("/"))):
        raise Malformed("subdirectory", text, "not a plain path below the repository's root")
