"""Settings from a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from modgate.errors import SetupError
from modgate.settings.fields import TABLES, Field, unknown

DEFAULT_NAME = "modgate.toml"
"""Read from the directory in which modgate is started, if it is there and no other file is named."""

MAX_BYTES = 1024 * 1024
"""A settings file has some kilobytes; a larger one is another file given by mistake."""

PASSED_THROUGH, OWN_DATABASE = "checksum_database", "own_database"
"""The first is a list of databases that are passed through. As a table it is the second: our own one."""


def read_file(path: Path) -> dict[str, Any]:
    """The tables of a TOML file as they are.

    Raises:
        SetupError: it is not there, not readable or no TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SetupError("config", f"cannot read {path}: {error.strerror}", "name a readable file") from error
    if len(data) > MAX_BYTES:
        raise SetupError("config", f"{path} is larger than 1 MiB", "name a settings file")
    try:
        return tomllib.loads(data.decode())
    except UnicodeDecodeError as error:
        raise SetupError("config", f"{path} is not UTF-8 text", "write it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        # The decoder's own words name line and column and never quote a value, so they cannot show a password.
        raise SetupError("config", f"{path} is no TOML: {error}", "mend that line") from error


def flatten(
    tables: Mapping[str, Any], known: Mapping[str, Field], problems: list[SetupError]
) -> Iterator[tuple[str, Any]]:
    """Dotted names and raw values; what is no setting is put into `problems`."""
    groups = {name.rpartition(".")[0] for name in known} | {name.partition(".")[0] for name in known if "." in name}
    yield from _flatten(tables, "", known, groups, problems)


def _flatten(
    tables: Mapping[str, Any], prefix: str, known: Mapping[str, Field], groups: set[str], problems: list[SetupError]
) -> Iterator[tuple[str, Any]]:
    for key, value in tables.items():
        name = prefix + key
        if name == PASSED_THROUGH and isinstance(value, dict):
            name = OWN_DATABASE
        if name in known or name in TABLES:
            yield name, value
        elif name in groups and isinstance(value, dict):
            yield from _flatten(value, name + ".", known, groups, problems)
        elif name in groups:
            problems.append(SetupError(name, "is a table, not a value", f"write [{name}] and settings below it"))
        else:
            problems.append(unknown(name, (*known, *TABLES, *groups - {""})))
