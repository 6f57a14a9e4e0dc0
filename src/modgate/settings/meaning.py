"""What the texts among the settings say, parsed once: chain, databases, patterns, addresses.

Belongs here: rules that concern one particular setting, or several together. Not here: types and bounds (convert.py),
anything that touches the machine (machine.py).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from modgate.errors import Malformed, SetupError
from modgate.gomod.chain import Link, parse_chain
from modgate.gomod.gosumdb import DatabaseSpec, parse_database, parse_gosumdb
from modgate.gomod.govcs import Govcs
from modgate.gomod.patterns import Patterns
from modgate.gomod.redact import told
from modgate.settings.model import Ages, Settings
from modgate.settings.outside import Outside, judge_health_check, outside
from modgate.settings.routing import DEFAULT_VIEW, Route, Routing, ages_of, routings
from modgate.settings.values import format_duration, format_size
from modgate.settings.witness import Witnessed, parse_witness

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    """A name, an IPv4 or an IPv6 address without brackets; "" is every address of the machine."""
    port: int
    """0 takes any free one."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Meaning:
    """The settings' texts as values. Credentials stand in `chain` and `databases`; neither is shown by repr."""

    listen: Address
    admin: Address | None
    """None is off."""
    chain: tuple[Link, ...] = field(repr=False)
    """As written, and, in load.py, with this gateway itself still in it."""
    checksum: DatabaseSpec | None = field(repr=False)
    databases: tuple[DatabaseSpec, ...] = field(repr=False)
    """Those that are passed through; that of `checksum` is the first."""
    private: Patterns
    no_checksum: Patterns
    insecure: Patterns
    govcs: Govcs
    trusted_proxies: tuple[Network, ...]
    views: Mapping[str, Routing]
    """The routes of each view; "" is what is served at the root."""
    own_listen: Address | None = None
    """The port of our own checksum database; None is off."""
    outside: tuple[Outside, ...] = field(default=(), repr=False)
    """What is said about hosts, in the file's order."""
    own_witness: Witnessed | None = None
    """None is off."""

    def routes(self) -> Iterator[Route]:
        """Every route of every view that any path may take."""
        for routing in self.views.values():
            yield from routing.all()

    def home(self, path: str) -> str:
        """The view that speaks for a module where no view is named: the first in which it is private, else the root."""
        return next((name for name, routing in self.views.items() if routing.of(path).private), DEFAULT_VIEW)

    def route(self, path: str) -> Route:
        """The module's route in its home."""
        return self.views[self.home(path)].of(path)

    def is_private(self, path: str) -> bool:
        """Whether the name of a module must not leave the building: one view that keeps it is enough."""
        return self.route(path).private

    def is_exempt(self, path: str) -> bool:
        """Whether a module need not be verified with the checksum database."""
        route = self.route(path)
        return self.no_checksum.match(path) or route.private or not route.checksum


def interpret(settings: Settings) -> Meaning:
    """What `settings` mean.

    Raises:
        SetupError: the first thing that makes no sense.
    """
    for problem in problems(settings):
        raise problem
    return Meaning(
        listen=_listen(settings),
        admin=_admin(settings),
        chain=_chain(settings),
        checksum=_checksum(settings),
        databases=_databases(settings),
        private=_private(settings),
        no_checksum=_no_checksum(settings),
        insecure=_insecure(settings),
        govcs=_govcs(settings),
        trusted_proxies=_trusted_proxies(settings),
        views=_views(settings),
        own_listen=_own_listen(settings),
        outside=outside(settings),
        own_witness=_own_witness(settings),
    )


def problems(settings: Settings) -> Iterator[SetupError]:
    """Everything in `settings` that makes no sense, by itself or together with the rest."""
    readers = (
        _listen,
        _admin,
        _chain,
        _checksum,
        _databases,
        _private,
        _no_checksum,
        _trusted_proxies,
        _own_listen,
        _own_witness,
        _insecure,
        _govcs,
        outside,
    )
    rules = (_own_name, _base_path, _tls, _access_log, _spool, _public_ages, _private_ages, _health_check)
    found = [problem for check in (*readers, *rules) if (problem := _problem(check, settings)) is not None]
    yield from found
    # Routes are made of what was read above.
    if not found and (problem := _problem(_route_ages, settings)) is not None:
        yield problem


def _problem(check: Callable[[Settings], object], settings: Settings) -> SetupError | None:
    try:
        check(settings)
    except SetupError as problem:
        return problem
    return None


def parse_address(text: str) -> Address:
    """HOST:PORT; an IPv6 address stands in brackets, as in URLs.

    Raises:
        Malformed: anything else.
    """
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:/@\s]*)):([0-9]{1,5})", text, re.ASCII)
    if found is None or int(found[3]) > 65535:
        raise Malformed("address", text, "write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    return Address(found[1] or found[2] or "", int(found[3]))


def _listen(settings: Settings) -> Address:
    try:
        return parse_address(settings.listen)
    except Malformed as error:
        raise SetupError("listen", f"{settings.listen!r} is no address", error.why) from error


def _admin(settings: Settings) -> Address | None:
    if settings.admin == "off":
        return None
    try:
        address = parse_address(settings.admin)
    except Malformed as error:
        raise SetupError("admin", f"{settings.admin!r} is no address", f"{error.why}, or off") from error
    if address.port and settings.admin == settings.listen:
        raise SetupError("admin", f"{settings.admin} is the data port too", "give another port, or off")
    return address


def _chain(settings: Settings) -> tuple[Link, ...]:
    try:
        return parse_chain(settings.upstream)
    except Malformed as error:
        raise SetupError("upstream", told(error), "write it as GOPROXY: https://a.example,off") from error


def _checksum(settings: Settings) -> DatabaseSpec | None:
    try:
        return parse_gosumdb(settings.checksum)
    except Malformed as error:
        raise SetupError("checksum", told(error), "write it as GOSUMDB: name+key url, or off") from error


def _databases(settings: Settings) -> tuple[DatabaseSpec, ...]:
    """That of `checksum` and those of `checksum_database`, each name once.

    One name may stand in both, for instance to give the known one another URL: what one leaves open, the other says.
    """
    try:
        checksum = parse_gosumdb(settings.checksum)
    except Malformed:  # which _checksum tells
        checksum = None
    found = {} if checksum is None else {checksum.name: checksum}
    listed: set[str] = set()
    for text in settings.checksum_database:
        try:
            spec = parse_database(text)
        except Malformed as error:
            raise SetupError("checksum_database", told(error), "write name[+key] [url]") from error
        if spec.name in listed:
            raise SetupError("checksum_database", f"{spec.name} is there twice", "remove one")
        listed.add(spec.name)
        found[spec.name] = _joined(found.get(spec.name, spec), spec)
    return tuple(found.values())


def _joined(one: DatabaseSpec, other: DatabaseSpec) -> DatabaseSpec:
    if one.key and other.key and one.key != other.key:
        raise SetupError("checksum_database", f"{one.name} has another key in checksum", "give one of them")
    return replace(one, key=one.key or other.key, url=other.url or one.url)


def _private(settings: Settings) -> Patterns:
    return _patterns("private", settings.private)


def _no_checksum(settings: Settings) -> Patterns:
    return _patterns("no_checksum", settings.no_checksum)


def _patterns(field: str, text: str) -> Patterns:
    try:
        return Patterns.parse(text)
    except Malformed as error:
        raise SetupError(field, told(error), "write it as GOPRIVATE: *.corp.example,rsc.io/private") from error


def _insecure(settings: Settings) -> Patterns:
    try:
        return Patterns.parse(settings.git.insecure)
    except Malformed as error:
        raise SetupError("git.insecure", told(error), "write it as GOINSECURE: *.corp.example") from error


def _govcs(settings: Settings) -> Govcs:
    try:
        return Govcs.parse(settings.git.vcs)
    except Malformed as error:
        raise SetupError("git.vcs", told(error), "write it as GOVCS: *:git") from error


def _views(settings: Settings) -> dict[str, Routing]:
    return routings(settings, _chain(settings), _private(settings))


def _trusted_proxies(settings: Settings) -> tuple[Network, ...]:
    networks = []
    for text in settings.trusted_proxies:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            problem = f"{text!r} is no address or network"
            raise SetupError("trusted_proxies", problem, "write 10.1.2.3, or 10.0.0.0/8 without host bits") from error
    return tuple(networks)


def _own_listen(settings: Settings) -> Address | None:
    text = settings.own_database.listen
    if text == "off":
        return None
    field = "own_database.listen"
    try:
        address = parse_address(text)
    except Malformed as error:
        raise SetupError(field, f"{text!r} is no address", f"{error.why}, or off") from error
    if address.port and text in (settings.listen, settings.admin):
        raise SetupError(field, f"{text} is another port of this gateway too", "give another port, or off")
    if not address.port and settings.workers != 1:
        raise SetupError(field, "any free port would be another one in each worker", "give a port, or workers = 1")
    if not settings.own_database.name:
        raise SetupError(field, "there is no database to serve", "set own_database.name, or off")
    return address


def _own_name(settings: Settings) -> None:
    name = settings.own_database.name
    if not name:
        return
    field = "own_database.name"
    try:
        spec = parse_database(name)
    except Malformed as error:
        raise SetupError(field, told(error), "write host[/path], such as sum.corp.example") from error
    if name != spec.name:
        raise SetupError(field, f"{name!r} is more than a name", "write host[/path], such as sum.corp.example")
    if name in {known.name for known in _databases(settings)}:
        raise SetupError(field, f"{name} is passed through too", "give another name, or remove it there")


def _own_witness(settings: Settings) -> Witnessed | None:
    text = settings.own_database.witness
    if not text:
        return None
    try:
        return parse_witness(text)
    except Malformed as error:
        raise SetupError("own_database.witness", error.why, "name a file, or https://host/path") from error


def _base_path(settings: Settings) -> None:
    parts = settings.base_path.split("/")
    if settings.base_path and (parts[0] or not all(_is_segment(part) for part in parts[1:])):
        remedy = "begin with /, do not end with it; letters, digits and -._~ only"
        raise SetupError("base_path", f"{settings.base_path!r} is no path", remedy)


def _is_segment(text: str) -> bool:
    return text not in (".", "..") and re.fullmatch(r"[A-Za-z0-9._~-]+", text) is not None


def _tls(settings: Settings) -> None:
    for name, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if getattr(settings, name) is None and getattr(settings, other) is not None:
            raise SetupError(name, f"is missing, while {other} is set", "give both or neither")


def _access_log(settings: Settings) -> None:
    if not settings.access_log:
        raise SetupError("access_log", "is empty", "give -, off or the name of a file")


def _spool(settings: Settings) -> None:
    if settings.limits.spool < settings.limits.zip:
        problem = f"{format_size(settings.limits.spool)} is less than limits.zip ({format_size(settings.limits.zip)})"
        raise SetupError("limits.spool", problem, "a zip must fit into it; raise it or lower limits.zip")


def _health_check(settings: Settings) -> None:
    judge_health_check("health_check", settings.health_check)


def _public_ages(settings: Settings) -> None:
    _ordered("freshness.public", settings.freshness.public)


def _private_ages(settings: Settings) -> None:
    _ordered("freshness.private", settings.freshness.private)


def _route_ages(settings: Settings) -> None:
    for group, ages in ages_of(_views(settings)):
        _ordered(group, ages)


def _ordered(group: str, ages: Ages) -> None:
    for low, high in (("fresh", "stale"), ("stale", "keep")):
        least, most = getattr(ages, low), getattr(ages, high)
        if most < least:
            problem = f"{format_duration(most)} is less than {group}.{low} ({format_duration(least)})"
            raise SetupError(f"{group}.{high}", problem, f"raise it or lower {group}.{low}")
