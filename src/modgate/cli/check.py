"""`modgate check`: would it start, and with which settings?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modgate.cli.ending import WRONG_SETTING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modgate.gomod.gosumdb import DatabaseSpec
    from modgate.settings.load import Loaded, Sources


def check(sources: Sources) -> int:
    """Check the settings and this machine.

    Shows the settings that a start would use. Every problem is one line, `setting: problem; remedy`, and makes the
    exit code 2.
    """
    from modgate.gomod.redact import redacted
    from modgate.settings.load import examine
    from modgate.settings.machine import problems

    examined = examine(sources)
    found = [*examined.problems]
    if examined.loaded is not None:
        found += problems(examined.loaded)
    for problem in found:
        click.echo(redacted(str(problem)), err=True)
    if examined.loaded is None or found:
        return WRONG_SETTING
    for warning in examined.loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    for line in table(examined.loaded):
        click.echo(line)
    return 0


def table(loaded: Loaded) -> Iterator[str]:
    """Every top-level setting, and of the others those that are not at their defaults, without credentials."""
    rows = [
        (name, text, origin)
        for name, text in _texts(loaded).items()
        if (origin := loaded.origins[name]) != "default" or "." not in name
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, text, origin in rows:
        yield f"{name:{widths[0]}}  {text:{widths[1]}}  {origin}"
    yield "All others have their defaults: docs/reference/settings.md"


def _texts(loaded: Loaded) -> dict[str, str]:
    from modgate.settings.fields import all_fields

    texts = {field.name: field.show(field.value_in(loaded.settings)) for field in all_fields().values()}
    # These three may hold credentials, so they are shown as they were understood and not as they were written.
    meaning = loaded.meaning
    texts["upstream"] = "".join(f"{link.shown}{link.after}" for link in meaning.chain).rstrip(",|")
    texts["checksum"] = "off" if meaning.checksum is None else _shown(meaning.checksum)
    texts["checksum_database"] = ",".join(_shown(spec) for spec in meaning.databases)
    return texts


def _shown(spec: DatabaseSpec) -> str:
    from modgate.gomod.redact import redacted

    return f"{spec.name} {redacted(spec.url)}".strip()
