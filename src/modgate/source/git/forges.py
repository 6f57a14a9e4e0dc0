"""Repositories that a module path names by itself, without asking its host. Pure.

Belongs here: the hosts whose paths Go knows by heart, and `.git` inside of a path. Not here: hosts that are asked
(discovery.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from modgate.errors import Malformed

_NAME = r"[A-Za-z0-9_.\-]+"
_BELOW = rf"(?:/{_NAME})*"
_FORGES = (
    ("github.com", re.compile(rf"(?P<root>github\.com/{_NAME}/{_NAME}){_BELOW}"), True),
    ("bitbucket.org", re.compile(rf"(?P<root>bitbucket\.org/{_NAME}/{_NAME}){_BELOW}"), True),
    ("hub.jazz.net/git", re.compile(rf"(?P<root>hub\.jazz\.net/git/[a-z0-9]+/{_NAME}){_BELOW}"), True),
    ("git.apache.org", re.compile(rf"(?P<root>git\.apache\.org/[a-z0-9_.\-]+\.git){_BELOW}"), False),
    ("git.openstack.org", re.compile(rf"(?P<root>git\.openstack\.org/{_NAME}/{_NAME})(?:\.git)?{_BELOW}"), False),
)
"""The first elements, the shape of the whole path, and whether a root like `x.git` is a mistake there."""
_ANYWHERE = re.compile(
    r"(?P<root>(?P<repo>(?:[a-z0-9.\-]+\.)+[a-z0-9.\-]+(?:/~?[A-Za-z0-9_.\-]+)+?)\.(?P<vcs>fossil|git|hg|svn))"
    r"(?:/~?[A-Za-z0-9_.\-]+)*"
)
_SYSTEMS = (".git", ".hg", ".svn", ".fossil")


@dataclass(frozen=True, slots=True)
class Known:
    """What a path says by itself."""

    root: str
    """The path that stands for the repository's root."""
    repository: str
    """Its URL without the scheme."""
    vcs: str
    """"git", "hg", "svn" or "fossil"."""
    schemes: tuple[str, ...]
    """To be tried in this order."""


def known(path: str) -> Known | None:
    """What `path` says about its repository; None if its host has to be asked.

    Raises:
        Malformed: no path of a repository on a host that Go knows.
    """
    for prefix, shape, no_suffix in _FORGES:
        if path != prefix and not path.startswith(f"{prefix}/"):
            continue
        match = shape.fullmatch(path)
        if match is None:
            raise Malformed("module path", path, f"invalid {prefix} import path")
        root = match["root"]
        if no_suffix and root.endswith(_SYSTEMS):
            raise Malformed("module path", path, f"invalid version control suffix in {prefix}/ path")
        return Known(root, root, "git", ("https",))
    match = _ANYWHERE.fullmatch(path)
    # As the go command does, the repository is asked for without the suffix.
    return Known(match["root"], match["repo"], match["vcs"], ("https", "ssh")) if match else None
