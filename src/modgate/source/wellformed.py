"""What a small answer has to look like, whoever gives it. Pure.

An upstream that sends something else is in trouble or lies; either way nothing of it is remembered.
"""

from __future__ import annotations

from modgate.errors import Corrupt, Malformed
from modgate.gomod.info import check_info
from modgate.gomod.modfile import check_mod
from modgate.gomod.semver import is_valid
from modgate.gomod.versions import listed
from modgate.source.base import Ask, Kind


def formed(ask: Ask, data: bytes, source: str) -> tuple[bytes, str]:
    """The bytes to hand on, and the version that they are about.

    `.info`, `.mod` and `@latest` are handed on unchanged: their Time's text and Origin are the upstream's
    (protocol.md §1.3, §6.3). A list keeps retracted versions and loses what no client may see (§2.4).

    Raises:
        Corrupt: it is not what was asked for.
    """
    try:
        match ask.kind:
            case Kind.LIST:
                return _list(ask, data), ""
            case Kind.MOD:
                check_mod(data)
                return data, ask.version
            case _:
                return data, check_info(data, ask.path, ask.version)
    except Malformed as error:
        raise Corrupt(asked=str(ask), source=source, reason=f"sent what is no {ask.kind}: {error.why}") from error


def _list(ask: Ask, data: bytes) -> bytes:
    versions = listed(data, ask.path)
    if not versions and data.strip() and not any(is_valid(word) for word in _first_words(data)):
        # A page of a login or of a captive portal must not look like a module without versions: clients would believe
        # it.
        raise Malformed("list", data[:40].decode("ascii", "replace"), "none of its lines is a version")
    return "".join(f"{version}\n" for version in versions).encode()


def _first_words(data: bytes) -> list[str]:
    lines = data.decode("utf-8", "replace").splitlines()
    return [words[0] for line in lines if (words := line.split())]
