"""Module paths and the names of files in a module: what Go allows, and the major version at a path's end.

Belongs here: the rules of protocol.md §2.3 and §2.5. Not here: case escaping (escape.py), whether a version belongs to
a path (versions.py).
"""

from __future__ import annotations

import re
import unicodedata

from modgate.errors import Malformed
from modgate.gomod import ModulePath

_MODULE_CHARS = re.compile(r"[A-Za-z0-9._~-]*")
_FIRST_ELEMENT_CHARS = re.compile(r"[a-z0-9.-]*")
_FILE_CHARS = re.compile(r"[A-Za-z0-9!#$%&()+,\-.=@\[\]^_{}~ ]*")

_WINDOWS_NAMES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{device}{number}" for device in ("com", "lpt") for number in range(1, 10)]
)
_WINDOWS_SHORT_NAME = re.compile(r".*~[0-9]+", re.DOTALL)

_MAJOR_ELEMENT = re.compile(r"v([0-9.]+)")
_GOPKG_SUFFIX = re.compile(r"\.v(?:0|[1-9][0-9]*(?:-unstable)?)")


def check_path(text: str) -> ModulePath:
    """Return `text` as a module path, if Go's CheckPath allows it (protocol.md §2.5).

    Raises:
        Malformed: it is none; says which rule it breaks.
    """
    why = _path_fault(text)
    if why:
        raise Malformed("module path", text, why)
    return ModulePath(text)


def check_file_path(text: str) -> None:
    """Pass the slash-separated name of a file in a module zip, relative to the module's root (protocol.md §2.5).

    Raises:
        Malformed: Go's CheckFilePath refuses it.
    """
    why = _shape_fault(text)
    for element in text.split("/"):
        why = why or file_element_fault(element)
    if why:
        raise Malformed("file path", text, why)


def split_path_version(path: str) -> tuple[str, str]:
    """Split off the major version: `("x.y/z", "/v2")`, `("gopkg.in/yaml", ".v1-unstable")`, or `(path, "")`.

    Raises:
        Malformed: it ends in what looks like a major version and may not be one, such as `/v1` or `/v2.0`; or it is a
            gopkg.in path without one (protocol.md §2.3).
    """
    if path.startswith("gopkg.in/"):
        return _split_gopkg(path)
    prefix, _, last = path.rpartition("/")
    match = _MAJOR_ELEMENT.fullmatch(last)
    if match is None or not prefix:
        return path, ""
    number = match[1]
    if "." in number or number.startswith("0") or number == "1":
        raise Malformed("module path", path, f"/v{number} is no major version suffix: those are /v2, /v3 and so on")
    return prefix, f"/v{number}"


def path_major(path: str) -> str:
    """Return the major version suffix of `path`, as split_path_version does.

    Raises:
        Malformed: as split_path_version.
    """
    return split_path_version(path)[1]


def file_element_fault(element: str) -> str:
    """Say why `element` cannot be one element of a file path, or ""."""
    if _FILE_CHARS.fullmatch(element) is None:
        odd = next((c for c in element if not _file_char_ok(c)), "")
        if odd:
            return f"invalid character {odd!r}"
    return _element_fault(element)


def _split_gopkg(path: str) -> tuple[str, str]:
    start = path.rfind(".v")
    if start <= 0 or _GOPKG_SUFFIX.fullmatch(path, start) is None:
        raise Malformed("module path", path, "a gopkg.in path ends in .v0, .v1, .v2 and so on")
    return path[:start], path[start:]


def _path_fault(path: str) -> str:
    why = _shape_fault(path)
    if why:
        return why
    if path[0] == "-":
        return "leading dash"
    first, *others = path.split("/")
    why = _module_element_fault(first) or _first_element_fault(first)
    for element in others:
        why = why or _module_element_fault(element)
    if why:
        return why
    try:
        split_path_version(path)
    except Malformed as error:
        return error.why
    return ""


def _shape_fault(path: str) -> str:
    if not path:
        return "empty"
    if path[0] == "/":
        return "leading slash"
    if "//" in path:
        return "double slash"
    return "trailing slash" if path[-1] == "/" else ""


def _first_element_fault(element: str) -> str:
    if "." not in element:
        return "missing dot in first path element"
    if _FIRST_ELEMENT_CHARS.fullmatch(element) is None:
        return "the first path element has other characters than a-z, 0-9, dot and dash"
    return ""


def _module_element_fault(element: str) -> str:
    if _MODULE_CHARS.fullmatch(element) is None:
        odd = next(c for c in element if _MODULE_CHARS.fullmatch(c) is None)
        return f"invalid character {odd!r}"
    why = _element_fault(element)
    if why:
        return why
    if element[0] == ".":
        return "leading dot in path element"
    if _WINDOWS_SHORT_NAME.fullmatch(element.partition(".")[0]):
        return "trailing tilde and digits in path element"
    return ""


def _element_fault(element: str) -> str:
    """Say what is wrong with an element of any kind of path, apart from its characters."""
    if not element:
        return "empty path element"
    if element[-1] == ".":
        return f"path element {element!r} ends in a dot"
    stem = element.partition(".")[0]
    if stem.lower() in _WINDOWS_NAMES:
        return f"{stem!r} is a reserved name on Windows"
    return ""


def _file_char_ok(char: str) -> bool:
    if char.isascii():
        return _FILE_CHARS.fullmatch(char) is not None
    # Go has newer Unicode tables: a code point that Python's do not know yet may be a letter there, and refusing a
    # valid module is worse than passing an odd name that the client checks anyway.
    category = unicodedata.category(char)
    return category.startswith("L") or category == "Cn"
