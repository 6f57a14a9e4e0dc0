"""What a request target asks for: raw bytes in, a value of one spelling out (protocol.md §1.1, §1.2; RFC 9112 §3.2).

Belongs here: percent-decoding, the URL space of the data port, the split of a module request. Not here: methods,
headers, and the rules of module paths and versions themselves (gomod/).
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from modgate.errors import Malformed
from modgate.gomod.escape import unescape_path, unescape_version
from modgate.gomod.versions import fits, is_canonical
from modgate.source.base import Ask, Kind

LONGEST_TARGET = 8 * 1024
"""Bytes. Go's own longest, a path and a version with every letter escaped, stay below 2 KiB."""
SHOWN = 200
"""Characters of a client's text that an error quotes."""

QUERIES_OF_THE_CLIENT = frozenset({"latest", "upgrade", "patch", "list"})
"""Resolved by the go command itself and never sent (protocol.md §1.4): an answer would give them a second meaning."""
EMPTY_SEGMENT = "an empty, '.' or '..' segment"
RESERVED = frozenset({"index", "catalog", "api", "health", "healthz", "readyz", "version"})
"""First segments that are ours and are no view."""
BY_EXTENSION = {"info": Kind.INFO, "mod": Kind.MOD, "zip": Kind.ZIP}

_ABSOLUTE = re.compile(rb"https?://[^/?#]+", re.IGNORECASE)
_ODD_BYTE = re.compile(rb"[^\x21-\x7e]")
_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPED_SLASH = re.compile(rb"%2[Ff]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class BadTarget(Malformed):
    """The target breaks a rule of HTTP or of this server's URL space; `status` is 400, or 414 if it is too long."""

    def __init__(self, text: str, why: str, status: int = 400) -> None:
        super().__init__("request target", text[:SHOWN], why)
        self.status = status


class Unserved(Malformed):
    """The target is well formed, and nothing is served there: 404."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__("request target", text[:SHOWN], why)


class Place(StrEnum):
    """The parts of the data port's URL space."""

    ROOT = "root"
    LIVE = "live"
    READY = "ready"
    VERSION = "version"
    MODULE = "module"
    SUMDB = "sumdb"


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked for."""

    place: Place
    ask: Ask | None = None
    """The question, where the place is MODULE."""
    rest: str = ""
    """What follows `/sumdb/`, decoded, where the place is SUMDB."""
    cached_only: bool = False
    """It stood below `/cached-only/`."""
    view: str = ""
    """The view below which it stood; "" for what is served at the root."""


HEALTH = {
    "/health/live": Target(Place.LIVE),
    "/healthz": Target(Place.LIVE),
    "/health/ready": Target(Place.READY),
    "/readyz": Target(Place.READY),
    "/version": Target(Place.VERSION),
}
"""Served at the root and below the base path: probes written for other proxies know neither."""


def parse_target(
    raw: bytes, base: str = "", longest: int = LONGEST_TARGET, views: Container[str] = frozenset()
) -> Target:
    """Parse the target of a request line. `base` is the base path, "" or "/x/y", below which modules are served, and
    `views` are the names of those that are bases of their own below it.

    Absolute form is accepted and its authority ignored, as is a query: Go sends neither, and no answer depends on them.

    Raises:
        BadTarget: it is no target, or no path that could name anything.
        Malformed: it names no possible module, version or endpoint.
    """
    path = decode_path(raw, longest)
    if path == "/" or (base and path in {base, f"{base}/"}):
        return Target(Place.ROOT)
    if path in HEALTH:
        return HEALTH[path]
    if base and not path.startswith(f"{base}/"):
        raise Unserved(path, f"this gateway serves modules below {base}/")
    path = path[len(base) :]
    if path in HEALTH:
        return HEALTH[path]
    view, _, rest = path[1:].partition("/")
    if view not in views:
        return _parse_view(path)
    return replace(_parse_view(f"/{rest}") if rest else Target(Place.ROOT), view=view)


def decode_path(raw: bytes, longest: int = LONGEST_TARGET) -> str:
    """The path of a target, percent-decoded exactly once; its segments are checked, but for one slash at its end.

    Raises:
        BadTarget: see parse_target.
    """
    shown = raw[:SHOWN].decode("ascii", "replace")
    if len(raw) > longest:
        raise BadTarget(shown, f"longer than {longest} bytes", 414)
    why = _fault(raw)
    if why:
        raise BadTarget(shown, why)
    absolute = _ABSOLUTE.match(raw)
    path = raw[absolute.end() :] if absolute else raw
    path = path.partition(b"?")[0] or (b"/" if absolute else b"")
    if not path.startswith(b"/"):
        raise BadTarget(shown, "it does not begin with a slash")
    try:
        decoded = unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        raise BadTarget(shown, "it is not UTF-8") from None
    why = _path_fault(decoded)
    if why:
        raise BadTarget(shown, why)
    return decoded


def _fault(raw: bytes) -> str:
    if _ODD_BYTE.search(raw):
        return "a byte that has to be percent-encoded"
    if b"#" in raw:
        return "a fragment is never sent to a server"
    if _BAD_ESCAPE.search(raw):
        return "bad percent-encoding"
    if _ESCAPED_SLASH.search(raw):
        return "an encoded slash is no part of any name"
    return ""


def _path_fault(path: str) -> str:
    if _CONTROL.search(path):
        return "a control character"
    segments = path[1:].removesuffix("/").split("/")
    if path != "/" and not {"", ".", ".."}.isdisjoint(segments):
        return EMPTY_SEGMENT
    return ""


def _parse_view(path: str) -> Target:
    if path.endswith("/"):
        raise BadTarget(path, EMPTY_SEGMENT)
    if path.startswith("/cached-only/"):
        return replace(_parse_below(path.removeprefix("/cached-only")), cached_only=True)
    return _parse_below(path)


def _parse_below(path: str) -> Target:
    first, _, rest = path[1:].partition("/")
    if first == "sumdb" and rest:
        return Target(Place.SUMDB, rest=rest)
    if "." not in first:
        if first in RESERVED or first in {"sumdb", "cached-only"}:
            raise Unserved(path, "this gateway serves nothing there")
        name = first[:SHOWN]
        raise Unserved(path, f'there is no view "{name}" here; the first element of a module path has a dot')
    return Target(Place.MODULE, ask=parse_ask(path[1:]))


def parse_ask(name: str) -> Ask:
    """Parse what follows a proxy's base URL, decoded and still escaped: `rsc.io/!quote/@v/v1.0.0.info`.

    Raises:
        Malformed: it is no question of the GOPROXY protocol, or about a version that cannot exist.
    """
    if "%" in name:
        raise Unserved(name, "it is percent-encoded twice")
    if name.endswith("/@latest"):
        return Ask(Kind.LATEST, unescape_path(name.removesuffix("/@latest")))
    path, found, file = name.rpartition("/@v/")
    if not found:
        raise Unserved(name, "a module request ends in /@latest, /@v/list or /@v/<version>.info, .mod or .zip")
    if file == "list":
        return Ask(Kind.LIST, unescape_path(path))
    version, _, extension = file.rpartition(".")
    kind = BY_EXTENSION.get(extension)
    if kind is None or not version:
        raise Unserved(name, "the files of a version end in .info, .mod or .zip")
    return _checked(Ask(kind, unescape_path(path), unescape_version(version)))


def _checked(ask: Ask) -> Ask:
    if ask.kind is Kind.INFO:
        if ask.version in QUERIES_OF_THE_CLIENT:
            raise Malformed("version", ask.version, "the go command resolves this query itself, from the list")
        return ask
    if not is_canonical(ask.version):
        raise Malformed("version", ask.version, f"a .{ask.kind} file has a canonical version")
    if not fits(ask.path, ask.version):
        raise Malformed("version", ask.version, f"its major version does not fit {ask.path}")
    return ask
