"""What the settings say about hosts: credentials, proxies, authorities, SSH keys.

Belongs here: which of it counts for a URL. Of two entries the more specific one does: the exact host before `*.host`,
then the longer path; what it does not say, the next one may. Not here: what a pattern covers (place.py), sending
anything (client.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from modgate.net.credentials import Netrc, Right
from modgate.net.place import Place
from modgate.net.proxies import Egress, Proxy
from modgate.net.trust import Trust

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ssh:
    """How ssh is known to a host, and the host to it."""

    key: Path | None = None
    known_hosts: Path | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry."""

    place: Place
    setting: str = "host"
    """Its name, such as `host[1]`."""
    right: Right | None = field(default=None, repr=False)
    proxies: tuple[Proxy, ...] = ()
    """In their order; empty is what the environment says."""
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    ssh: Ssh | None = None


class HostRules:
    """All entries."""

    def __init__(self, rules: Iterable[Rule] = (), *, netrc: Netrc | None = None, egress: Egress | None = None) -> None:
        self.rules = tuple(sorted(rules, key=lambda rule: rule.place.rank, reverse=True))
        """The more specific ones first."""
        self._netrc = netrc
        self._egress = egress or Egress()

    def right(self, url: str) -> Right | None:
        """What lets us in at `url`.

        Raises:
            Unavailable: the netrc file cannot be read.
        """
        for rule in self.rules:
            if rule.right is not None and rule.place.covers(url) and rule.place.may_sign(url):
                return rule.right
        if self._netrc is None or urlsplit(url).scheme not in ("http", "https"):
            return None
        host = (urlsplit(url).hostname or "").rstrip(".")
        anywhere = Place(f"[{host}]" if ":" in host else host)
        return self._netrc.of(host) if anywhere.may_sign(url) else None

    def named(self, url: str) -> str:
        """The setting that has credentials for `url`; "" if none has."""
        own = (rule for rule in self.rules if rule.right is not None and rule.place.covers(url))
        rule = next((rule for rule in own if rule.place.may_sign(url)), None)
        if rule is not None:
            return rule.setting
        return "netrc" if self.right(url) is not None else ""

    def is_ours(self, url: str) -> bool:
        """Say whether anything lets us in at `url` that does not let everybody in; by ssh something always may, if only
        a key of the user who runs this.

        Raises:
            Unavailable: the netrc file cannot be read.
        """
        by_ssh = urlsplit(url).scheme in ("ssh", "git+ssh")
        return by_ssh or self.right(url) is not None or self.trust(url).certificate is not None

    def proxies(self, url: str) -> tuple[Proxy, ...]:
        """Through which a request to `url` goes, the first that can be reached; never empty."""
        return self._first(url, lambda rule: rule.proxies or None) or (self._egress.proxy(url),)

    def trust(self, url: str) -> Trust:
        """Whom we trust at `url`, and by which certificate we are known there."""
        ca = self._first(url, lambda rule: rule if rule.ca else None)
        own = self._first(url, lambda rule: rule if rule.certificate else None)
        setting = own.setting if own else ca.setting if ca else "host"
        return Trust(ca.ca if ca else None, own.certificate if own else None, own.key if own else None, setting)

    def ssh(self, url: str) -> Ssh | None:
        """The key for an ssh URL, and where the host's own one is known from."""
        return self._first(url, lambda rule: rule.ssh) if urlsplit(url).scheme in ("ssh", "git+ssh") else None

    def _first(self, url: str, said: Callable[[Rule], T | None]) -> T | None:
        for rule in self.rules:
            if (found := said(rule)) is not None and rule.place.covers(url):
                return found
        return None
