"""`modgate check`: would it start, and with which settings?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modgate.cli.ending import FAILED, WRONG_SETTING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modgate.gateway.reaching_ssh import Found
    from modgate.gomod.gosumdb import DatabaseSpec
    from modgate.settings.load import Sources
    from modgate.settings.loaded import Loaded, Origin


PARAMETERS = (
    click.Option(["--upstreams", "outside"], is_flag=True, help="Ask each upstream, checksum database and host."),
    click.Option(["--json", "as_json"], is_flag=True, help="With --upstreams: write JSON."),
)


def check(sources: Sources, *, outside: bool, as_json: bool) -> int:
    """Check the settings and this machine.

    Shows the settings that a start would use. Every problem is one line, `setting: problem; remedy`, and makes the
    exit code 2. With --upstreams it asks each place that the settings name instead: which can be reached, is trusted
    and lets us in. One that is not well makes the exit code 1.
    """
    from modgate.errors import SetupError
    from modgate.gomod.redact import redacted
    from modgate.settings.load import examine
    from modgate.settings.machine import problems

    if outside:
        return _outside(sources, as_json=as_json)
    if as_json:
        raise SetupError("--json", "has no meaning here", "add --upstreams")
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


def _outside(sources: Sources, *, as_json: bool) -> int:
    import asyncio
    import json

    from modgate.gateway.reaching import reached
    from modgate.settings.hostfiles import host_problems
    from modgate.settings.load import load

    loaded = load(sources)
    for problem in host_problems(loaded.settings):
        raise problem
    found: list[Found] = []

    def told(one: Found) -> None:
        found.append(one)
        if not as_json:
            click.echo(_line(one))

    asyncio.run(reached(loaded, told))
    if as_json:
        click.echo(json.dumps([one.document() for one in found], indent=2))
    elif not found:
        click.echo("The settings name no place that could be asked.")
    return FAILED if any(one.problem for one in found) else 0


def _line(found: Found) -> str:
    if not found.problem:
        state = "ok"
    elif not found.reachable:
        state = "not reached"
    elif not found.trusted:
        state = "not trusted"
    else:
        state = "not accepted" if not found.accepted else "in trouble"
    way = "" if found.way == "direct" else f", by {found.way}"
    told = f": {found.problem}" if found.problem else ""
    return f"{state:12}  {found.what} {found.name} ({found.seconds * 1000:.0f} ms{way}){told}"


def table(loaded: Loaded) -> Iterator[str]:
    """Every top-level setting, and of the others those that are not at their defaults, without credentials."""
    rows = [
        (name, text, origin)
        for name, text in _texts(loaded).items()
        if (origin := loaded.origins[name]) != "default" or "." not in name
    ]
    rows += _tables(loaded)
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for name, text, origin in rows:
        yield f"{name:{widths[0]}}  {text:{widths[1]}}  {origin}"
    yield "All others have their defaults: docs/reference/settings.md"


def _tables(loaded: Loaded) -> Iterator[tuple[str, str, Origin]]:
    """Routes and hosts, which stand in the file only."""
    for routing in loaded.meaning.views.values():
        for route in routing.routes[:-1]:
            chain = "".join(f"{link.shown}{link.after}" for link in route.chain).rstrip(",|")
            yield route.place, f"{route.match} from {chain}{', private' if route.private else ''}", "file"
    for one in loaded.meaning.outside:
        yield one.setting, str(one.place), "file"


def _texts(loaded: Loaded) -> dict[str, str]:
    from modgate.settings.fields import all_fields

    texts = {field.name: field.show(field.value_in(loaded.settings)) for field in all_fields().values()}
    # These may hold credentials, so they are shown as they were understood and not as they were written.
    meaning = loaded.meaning
    texts["upstream"] = "".join(f"{link.shown}{link.after}" for link in meaning.chain).rstrip(",|")
    texts["checksum"] = "off" if meaning.checksum is None else _shown(meaning.checksum)
    texts["checksum_database"] = ",".join(_shown(spec) for spec in meaning.databases)
    texts["own_database.witness"] = meaning.own_witness.shown if meaning.own_witness else ""
    return texts


def _shown(spec: DatabaseSpec) -> str:
    from modgate.gomod.redact import redacted

    return f"{spec.name} {redacted(spec.url)}".strip()
