"""The model as a flat list of fields.

Belongs here: how any field is named and shown, and how a Settings is built from values by name. Not here: how raw
values become values (convert.py), what a particular field means (meaning.py).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Any, get_args, get_type_hints

from modgate.errors import SetupError
from modgate.settings.model import Settings
from modgate.settings.values import Count, Size, Span, format_duration, format_size

TABLES = ("route", "view", "host")
"""Settings that stand many times: tables.py reads them."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting."""

    name: str
    """Dotted, as in a TOML file: `limits.zip`."""
    kind: Any
    """Its type, without the unit."""
    unit: Span | Size | Count | None
    default: Any
    """MISSING where load.py finds it out."""
    group: type
    """The dataclass that it stands in."""

    @property
    def variable(self) -> str:
        """Its environment variable: `MODGATE_LIMITS_ZIP`."""
        return "MODGATE_" + self.name.upper().replace(".", "_")

    @property
    def flag(self) -> str:
        """How it is given on the command line: top-level settings have a flag of their own."""
        return f"--set {self.name}=…" if "." in self.name else "--" + self.name.replace("_", "-")

    def show(self, value: Any) -> str:
        """`value` as one would write it."""
        if value is None:
            return ""
        if isinstance(self.unit, Span):
            return format_duration(value)
        if isinstance(self.unit, Size):
            return format_size(value)
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(value) if isinstance(value, tuple) else str(value)

    def value_in(self, settings: Settings) -> Any:
        value: Any = settings
        for part in self.name.split("."):
            value = getattr(value, part)
        return value


def all_fields() -> dict[str, Field]:
    """Every setting by its dotted name, in the order of the model."""
    return {found.name: found for found in _walk(Settings, MISSING, "")}


def _walk(group: type, defaults: Any, prefix: str) -> Iterator[Field]:
    hints = get_type_hints(group, include_extras=True)
    for entry in fields(group):
        hint = hints[entry.name]
        default = entry.default if defaults is MISSING else getattr(defaults, entry.name)
        if is_dataclass(hint) and isinstance(hint, type):
            yield from _walk(hint, default, f"{prefix}{entry.name}.")
        elif entry.name not in TABLES:
            yield field_of(prefix + entry.name, hint, default, group)


def field_of(name: str, hint: Any, default: Any, group: type) -> Field:
    """The field `name` of the dataclass `group`, whose type is `hint`."""
    marks = getattr(hint, "__metadata__", ())
    unit = next((mark for mark in marks if isinstance(mark, Span | Size | Count)), None)
    return Field(name, hint if unit is None else get_args(hint)[0], unit, default, group)


def build(values: Mapping[str, Any]) -> Settings:
    """The settings with `values` by dotted name, `upstream` and `data` among them; all others keep their defaults."""
    settings = Settings(upstream=values["upstream"], data=values["data"])
    built = _changed(settings, values)
    assert isinstance(built, Settings)
    return built


def _changed(group: Any, values: Mapping[str, Any]) -> Any:
    changes = {name: value for name, value in values.items() if "." not in name}
    for table in {name.partition(".")[0] for name in values if "." in name}:
        inner = {name.partition(".")[2]: value for name, value in values.items() if name.startswith(table + ".")}
        changes[table] = _changed(getattr(group, table), inner)
    return replace(group, **changes)


def unknown(name: str, known: Iterable[str]) -> SetupError:
    """The error about a setting that does not exist; it names the most similar one that does."""
    similar = difflib.get_close_matches(name, list(known), n=1)
    remedy = f"did you mean {similar[0]}?" if similar else "remove it; docs/reference/settings.md lists all settings"
    return SetupError(name, "there is no such setting", remedy)
