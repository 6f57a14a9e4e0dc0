"""Case escaping: how paths and versions are spelled in URLs and file names, `!a` for `A` (protocol.md §1.2, §2.5).

Belongs here: escaping and strict unescaping. Not here: percent-encoding, and splitting a request target (serve/).

There is one escaped spelling of each name; every other is refused, so that no cache can hold a module twice.
"""

from __future__ import annotations

import re
import string

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.paths import check_path, file_element_fault

_ESCAPES = str.maketrans({upper: f"!{upper.lower()}" for upper in string.ascii_uppercase})
_UPPER = re.compile("[A-Z]")
_BANG_LETTER = re.compile("!([a-z])")

# Nearly every version that is asked for. It starts with v and a digit, so it is no reserved name, and it does not end
# in a dot: all that file_element_fault would look at.
_PLAIN_VERSION = re.compile(r"v[0-9](?:[0-9a-z.+-]*[0-9a-z])?")


def escape_path(path: ModulePath) -> str:
    """Spell a module path for URLs and file names: `github.com/Azure/x` is `github.com/!azure/x`."""
    return path if path.islower() else path.translate(_ESCAPES)


def unescape_path(escaped: str) -> ModulePath:
    """Read an escaped module path, strictly.

    Raises:
        Malformed: upper case, a `!` without a small letter after it, or not a module path.
    """
    return check_path(_unescaped("module path", escaped))


def escape_version(version: str) -> str:
    """Spell a version or a query (branch, commit) for URLs and file names: `HEAD` is `!h!e!a!d`.

    Raises:
        Malformed: not the name of one file (protocol.md §2.5): `feature/x`, `..`, `con`, or with a `!` or non-ASCII.
    """
    if _PLAIN_VERSION.fullmatch(version):
        return version
    _check_version(version, version)
    return version.translate(_ESCAPES)


def unescape_version(escaped: str) -> str:
    """Read an escaped version or query, strictly.

    Raises:
        Malformed: upper case, a `!` without a small letter after it, or not the name of one file.
    """
    if _PLAIN_VERSION.fullmatch(escaped):
        return escaped
    version = _unescaped("version", escaped)
    _check_version(version, escaped)
    return version


def _check_version(version: str, shown: str) -> None:
    why = file_element_fault(version)
    if not version.isascii():
        why = "non-ASCII character"
    elif "!" in version:
        why = "exclamation mark"
    if why:
        raise Malformed("version", shown, why)


def _unescaped(what: str, escaped: str) -> str:
    if not escaped.isascii():
        raise Malformed(what, escaped, "non-ASCII character")
    if _UPPER.search(escaped):
        raise Malformed(what, escaped, "upper case has to be escaped: !a for A")
    if "!" not in escaped:
        return escaped
    plain, replaced = _BANG_LETTER.subn(lambda match: match[1].upper(), escaped)
    if replaced != escaped.count("!"):
        raise Malformed(what, escaped, "an exclamation mark without a small letter after it")
    return plain
