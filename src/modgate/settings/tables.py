"""Tables that stand many times in a file (`[[route]]`, `[view.NAME]`), as the dataclasses of the model.

Belongs here: which keys such a table may have, and where a wrong one stands: `route[2].upstream`. Not here: the
settings that stand once (fields.py), the meaning of a value (meaning.py, routing.py).

They are read from the file only: a variable or a flag has no room for a list of tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from modgate.errors import SetupError
from modgate.settings.convert import from_toml
from modgate.settings.fields import Field, field_of, unknown
from modgate.settings.model import Settings, Some
from modgate.settings.values import NAME


def tables(group: type = Settings) -> dict[str, Any]:
    """The fields of `group` that are lists or named sets of tables, with their types."""
    hints = get_type_hints(group, include_extras=True)
    return {entry.name: hints[entry.name] for entry in fields(group) if item_of(hints[entry.name]) is not None}


def item_of(hint: Any) -> type | None:
    """The dataclass of which `hint` holds many; None if it is something else."""
    if get_origin(hint) not in (tuple, Mapping):
        return None
    item = get_args(hint)[0 if get_origin(hint) is tuple else -1]
    return item if isinstance(item, type) and is_dataclass(item) else None


def read(name: str, hint: Any, raw: object, problems: list[SetupError]) -> Any:
    """The value of the field `name`, whose type is `hint`; what is wrong with it is put into `problems`."""
    item = item_of(hint)
    assert item is not None
    if get_origin(hint) is tuple:
        if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
            problems.append(SetupError(name, "is a list of tables", f"write [[{name}]] and its settings below it"))
            return ()
        made = [_table(item, one, f"{name}[{number}].", problems) for number, one in enumerate(raw, start=1)]
        return tuple(one for one in made if one is not None)
    if not isinstance(raw, dict) or not all(isinstance(one, dict) for one in raw.values()):
        problems.append(SetupError(name, "is a set of tables", f"write [{name}.NAME] and its settings below it"))
        return {}
    named = {key: _table(item, one, f"{_named(name, key, problems)}.", problems) for key, one in raw.items()}
    return {key: one for key, one in named.items() if one is not None}


def _named(name: str, key: str, problems: list[SetupError]) -> str:
    if not NAME.fullmatch(key):
        remedy = "write letters a to z, digits and -, at most 63"
        problems.append(SetupError(f"{name}.{key}", f"{key!r} is no name", remedy))
    return f"{name}.{key}"


def _table(group: type, raw: Mapping[str, Any], prefix: str, problems: list[SetupError]) -> Any:
    """One table as a `group`; None if anything is wrong with it, so that nobody draws conclusions from the rest."""
    hints = get_type_hints(group, include_extras=True)
    known = {entry.name: entry for entry in fields(group)}
    values: dict[str, Any] = {}
    before = len(problems)
    for key, value in raw.items():
        if key not in known:
            problems.append(_unknown(prefix, key, known))
            continue
        try:
            values[key] = _value(prefix + key, hints[key], value, known[key].default, group, problems)
        except SetupError as problem:
            problems.append(problem)
    if len(problems) == before:
        for key, entry in known.items():
            if key not in values and entry.default is MISSING and entry.default_factory is MISSING:
                problems.append(SetupError(prefix + key, "is missing", "give it; docs/reference/settings.md tells how"))
    return group(**values) if len(problems) == before else None


def _value(name: str, hint: Any, raw: object, default: Any, group: type, problems: list[SetupError]) -> Any:
    if item_of(hint) is not None:
        return read(name, hint, raw, problems)
    some = next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Some)), None)
    inner = hint if some is None else some.of
    if isinstance(inner, type) and is_dataclass(inner):
        if not isinstance(raw, dict):
            raise SetupError(name, "is a table, not a value", f"write {name.rpartition('.')[2]} = {{ … }}")
        return _table(inner, raw, f"{name}.", problems) if some is None else dict(_some(name, some, raw, problems))
    optional = _without_none(hint)
    if isinstance(optional, type) and is_dataclass(optional):
        return _value(name, optional, raw, default, group, problems)
    if hint == tuple[str, ...] and isinstance(raw, str):
        raw = [raw]  # one pattern, one proxy: most lists have one entry
    return from_toml(field_of(name, hint, default, group), raw)


def _without_none(hint: Any) -> Any:
    """`X` of `X | None`."""
    rest = [one for one in get_args(hint) if one is not type(None)]
    return rest[0] if get_origin(hint) is not Annotated and len(rest) == 1 else hint


def _some(name: str, some: Some, raw: Mapping[str, Any], problems: list[SetupError]) -> Iterator[tuple[str, Any]]:
    """Some settings of a group, whose others stay as they are elsewhere."""
    hints = get_type_hints(some.of, include_extras=True)
    allowed = some.only or tuple(hints)
    for key, value in raw.items():
        if key not in allowed:
            problems.append(_unknown(f"{name}.", key, dict.fromkeys(allowed)))
            continue
        try:
            yield key, from_toml(field_of(f"{name}.{key}", hints[key], MISSING, some.of), value)
        except SetupError as problem:
            problems.append(problem)


def _unknown(prefix: str, key: str, known: Mapping[str, Any]) -> SetupError:
    return unknown(prefix + key, [prefix + name for name in known])


def described(name: str, hint: Any) -> Iterator[Field]:
    """The fields of one table `name`, and of the tables within it; not of lists of tables, which are described once."""
    item = item_of(hint)
    assert item is not None
    yield from _described(item, f"{name}.")


def _described(group: type, prefix: str) -> Iterator[Field]:
    hints = get_type_hints(group, include_extras=True)
    for entry in fields(group):
        hint = hints[entry.name]
        inner = _without_none(hint)
        if isinstance(inner, type) and is_dataclass(inner):
            yield from _described(inner, f"{prefix}{entry.name}.")
        elif item_of(hint) is None:
            default = {} if entry.default_factory is not MISSING else entry.default
            yield field_of(prefix + entry.name, hint, default, group)


def some_of(group: type) -> dict[str, tuple[str, ...]]:
    """The fields of `group` that hold some settings of another one, and which ones."""
    found = {}
    for name, hint in get_type_hints(group, include_extras=True).items():
        for mark in getattr(hint, "__metadata__", ()):
            if isinstance(mark, Some):
                found[name] = mark.only or tuple(get_type_hints(mark.of))
    return found
