"""Semantic versions as Go reads them: with a leading `v`, and with `v1` and `v1.2` as shorthands.

Belongs here: syntax and order of versions (protocol.md §2.1, semver.org 2.0.0). Not here: which versions a module may
have (versions.py), pseudo-versions (pseudo.py).

Numbers are compared by length and then as text, never through `int`: they may have any number of digits.
"""

from __future__ import annotations

import re
from typing import TypeAlias

_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRE_IDENTIFIER = r"(?:0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_BUILD_IDENTIFIER = r"[0-9A-Za-z-]+"
_VERSION = re.compile(
    rf"v({_NUMBER})(?:\.({_NUMBER})(?:\.({_NUMBER})"
    rf"(-{_PRE_IDENTIFIER}(?:\.{_PRE_IDENTIFIER})*)?"
    rf"(\+{_BUILD_IDENTIFIER}(?:\.{_BUILD_IDENTIFIER})*)?)?)?"
)

_Number: TypeAlias = tuple[int, str]
_Identifier: TypeAlias = tuple[int, int, str]
Precedence: TypeAlias = tuple[bool, _Number, _Number, _Number, bool, tuple[_Identifier, ...]]
"""What semver.org §11 compares. Build metadata has no part in it."""
SortKey: TypeAlias = tuple[Precedence, str]

_INVALID: Precedence = (False, (0, ""), (0, ""), (0, ""), False, ())


def is_valid(v: str) -> bool:
    """Say whether `v` is a semantic version, a shorthand included."""
    return _VERSION.fullmatch(v) is not None


def canonical(v: str) -> str:
    """Fill `v` to three numbers and drop its build metadata; "" for what is no version."""
    match = _VERSION.fullmatch(v)
    if match is None:
        return ""
    _, minor, patch, _, build = match.groups()
    if build:
        return v[: -len(build)]
    if minor is None:
        return f"{v}.0.0"
    return f"{v}.0" if patch is None else v


def major(v: str) -> str:
    """Return the `v1` of `v1.2.3`; "" for what is no version."""
    match = _VERSION.fullmatch(v)
    return f"v{match[1]}" if match else ""


def prerelease(v: str) -> str:
    """Return the `-pre.1` of `v1.2.3-pre.1+meta`; "" where there is none."""
    match = _VERSION.fullmatch(v)
    return match[4] or "" if match else ""


def build(v: str) -> str:
    """Return the `+meta` of `v1.2.3-pre.1+meta`; "" where there is none."""
    match = _VERSION.fullmatch(v)
    return match[5] or "" if match else ""


def compare(a: str, b: str) -> int:
    """Return -1, 0 or 1 by precedence. Whatever is no version is below every version and equal to its like."""
    left, right = precedence(a), precedence(b)
    return (left > right) - (left < right)


def sort_key(v: str) -> SortKey:
    """Order versions totally: by precedence, and by their text where that is equal (as Go's semver.Sort)."""
    return precedence(v), v


def precedence(v: str) -> Precedence:
    """Turn `v` into something that compares as semver.org §11 says."""
    match = _VERSION.fullmatch(v)
    if match is None:
        return _INVALID
    first, second, third, pre, _ = match.groups()
    identifiers = tuple(_identifier(i) for i in pre[1:].split(".")) if pre else ()
    return True, _number(first), _number(second or "0"), _number(third or "0"), not pre, identifiers


def _number(digits: str) -> _Number:
    return len(digits), digits


def _identifier(text: str) -> _Identifier:
    # Numeric identifiers stand below all others and go by value; the others go by their ASCII text.
    return (0, len(text), text) if text.isdigit() else (1, 0, text)
