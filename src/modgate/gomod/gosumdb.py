"""The syntax of GOSUMDB: the name, the key and the address of a checksum database (protocol.md §5.2, §5.5).

Belongs here: reading and checking the text, and the one key that Go knows by heart. Not here: signatures (tlog/),
asking the database (checksum/, source/).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from modgate.errors import Malformed
from modgate.gomod.chain import without_secrets

_PUBLIC_NAME = "sum.golang.org"
_PUBLIC_KEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
_CHINA_ALIAS = "sum.golang.google.cn"

_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
# What needs no percent-encoding in a URL's path; "+" separates the parts of a key.
_PATH_ELEMENT = re.compile(r"[A-Za-z0-9._~$&,:;=@-]+")
_KEY_ID = re.compile(r"[0-9A-Fa-f]{8}")

_ED25519 = 1
_ED25519_KEY_BYTES = 1 + 32
"""The algorithm's number and the public key."""


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    """A checksum database as the settings name it."""

    name: str
    """`host[/path]`, as it stands in the keys and below `/sumdb/`."""
    key: str
    """The verifier key `name+id+base64`; "" for one that is only passed through."""
    url: str
    """Where it is asked, past all proxies, without a slash at the end; "": through the proxies, then https://name."""


def parse_gosumdb(text: str) -> DatabaseSpec | None:
    """Read a GOSUMDB value as Go's dbDial does: `key [url]`, the name of a known database, or `off` (None).

    Raises:
        Malformed: empty, too many fields, no valid key, name or URL, or a name whose key is not known here.
    """
    if text.strip() == "off":
        return None
    spec = _parse("GOSUMDB", text)
    if not spec.key:
        raise Malformed(
            "GOSUMDB", text, f"the key of {spec.name} is not known here: write the whole key, name+id+base64"
        )
    return spec


def parse_database(text: str) -> DatabaseSpec:
    """Read `name[+key] [url]`, a database that is passed through; its key may be missing.

    Raises:
        Malformed: empty, too many fields, no valid key, name or URL.
    """
    return _parse("checksum database", text)


def _parse(what: str, text: str) -> DatabaseSpec:
    if text.strip() == _CHINA_ALIAS:
        return DatabaseSpec(_PUBLIC_NAME, _PUBLIC_KEY, f"https://{_CHINA_ALIAS}")
    fields = text.split()
    if not fields or len(fields) > 2:
        raise Malformed(what, text, "write a name or a key, and an URL if it has one of its own")
    key = _PUBLIC_KEY if fields[0] == _PUBLIC_NAME else fields[0]
    name, plus, rest = key.partition("+")
    why = _name_fault(name) or (_key_fault(name, rest) if plus else "")
    if why:
        raise Malformed(what, text, why)
    return DatabaseSpec(name, key if plus else "", _url(what, fields[1]) if len(fields) == 2 else "")


def _name_fault(name: str) -> str:
    host, *elements = name.split("/")
    fits = name != "off" and _HOST.fullmatch(host) is not None
    # Go lets dots pass; here a name is also the name of a directory.
    fits = fits and all(_PATH_ELEMENT.fullmatch(e) and e.strip(".") for e in elements)
    return "" if fits else f"{name!r} is no database name: those are host[/path]"


def _key_fault(name: str, id_and_key: str) -> str:
    key_id, _, encoded = id_and_key.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _KEY_ID.fullmatch(key_id) or not key:
        return "no verifier key: those are name+id+base64, the id in 8 hex digits"
    if key[0] != _ED25519 or len(key) != _ED25519_KEY_BYTES:
        return "the key is not an Ed25519 key"
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4].hex() != key_id.lower():
        return "the key's id does not match its name and content"
    return ""


def _url(what: str, text: str) -> str:
    try:
        parts = urlsplit(text)
        # Reading the port also checks it.
        valid = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise Malformed(what, without_secrets(text), "its URL must be https:// or http:// with a host, without a query")
    return text.rstrip("/")
