"""From a raw value, as a file, a variable or a flag gives it, to the value of one field.

Belongs here: types and bounds of any field. Not here: what its text says (meaning.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import msgspec

from modgate.errors import Malformed, SetupError
from modgate.gomod.redact import redacted
from modgate.settings.fields import Field
from modgate.settings.values import Count, Size, Span, parse_duration, parse_size

SECRET = frozenset({"password", "token", "key"})
"""Last parts of names whose values are told to nobody, not even if they make no sense."""


def from_text(field: Field, text: str | Iterable[str]) -> Any:
    """The value of a variable or flag; several texts are those of a repeated flag. Lists are separated by commas.

    Raises:
        SetupError: wrong type, or out of bounds.
    """
    if not isinstance(text, str):
        text = ",".join(text)
    if field.kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return _bounded(field, _typed(field, text.strip(), strict=False))


def from_toml(field: Field, raw: object) -> Any:
    """The value of a key in a TOML file, where types are strict.

    Raises:
        SetupError: wrong type, or out of bounds.
    """
    return _bounded(field, _typed(field, raw, strict=True))


def _typed(field: Field, raw: object, *, strict: bool) -> Any:
    try:
        if isinstance(raw, str) and isinstance(field.unit, Span):
            return parse_duration(raw)
        if isinstance(raw, str) and isinstance(field.unit, Size):
            return parse_size(raw)
        return msgspec.convert(raw, _wire_type(field), strict=strict, dec_hook=_path)
    except Malformed as error:
        raise SetupError(field.name, f"{error.text!r} is no {error.what}", error.why) from error
    except msgspec.ValidationError as error:
        shown = "it" if field.name.rpartition(".")[2] in SECRET else redacted(repr(raw))
        raise SetupError(field.name, f"{shown} is not of its type", f"give {_wanted(field)}") from error


def _wire_type(field: Field) -> Any:
    """msgspec has no Path; every setting with one is never None when it is given."""
    return Path if Path in (field.kind, *get_args(field.kind)) else field.kind


def _path(kind: type, raw: object) -> Any:
    if kind is not Path or not isinstance(raw, str) or not raw:
        raise ValueError(f"not a {kind.__name__}")
    try:
        return Path(raw).expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


def _wanted(field: Field) -> str:
    """What would have been right, in words."""
    match field.unit:
        case Span():
            return "seconds, or a text such as 60s"
        case Size():
            return "bytes, or a text such as 500MiB"
        case Count():
            return "a whole number" if field.kind is int else "a whole number, or auto"
    if get_origin(field.kind) is Literal:
        return "one of " + ", ".join(get_args(field.kind))
    if field.kind == tuple[str, ...]:
        return "a list of texts"
    if field.kind is bool:
        return "true or false"
    return "a text that is not empty" if _wire_type(field) is Path else "a text"


def _bounded(field: Field, value: Any) -> Any:
    if field.unit is not None and not isinstance(value, str) and not field.unit.low <= value <= field.unit.high:
        low, high = field.show(field.unit.low), field.show(field.unit.high)
        raise SetupError(field.name, f"{field.show(value)} is out of bounds", f"give {low} to {high}")
    return value
