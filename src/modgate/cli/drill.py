"""`modgate drill`: a failover rehearsal on a running gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modgate.cli.ending import FAILED

if TYPE_CHECKING:
    from modgate.gateway.drill import Plan
    from modgate.settings.load import Sources
    from modgate.settings.loaded import Loaded

PARAMETERS = (
    click.Option(["--for", "span"], default="60s", metavar="TIME", help="For how long; default 60s, at most 1h."),
    click.Option(
        ["--how"], default="refuse", metavar="refuse|hang", help="Refuse connections, or take requests and be silent."
    ),
    click.Option(
        ["--modules"],
        multiple=True,
        metavar="FILE|MODULE@VERSION",
        help="What to ask for; by default some stored modules; repeatable.",
    ),
    click.Option(["--report", "report_file"], type=Path, metavar="FILE.json", help="Write the report as JSON."),
    click.Option(["--markdown", "page_file"], type=Path, metavar="FILE.md", help="Write the report as a page."),
)


def drill(
    sources: Sources,
    *,
    span: str,
    how: str,
    modules: tuple[str, ...],
    report_file: Path | None,
    page_file: Path | None,
) -> int:
    """Rehearse the failure of an upstream, that of --upstream or else the first one of the settings.

    The running gateway acts as if that upstream failed, while its lists are asked for through the data port; then the
    upstream may answer again. The report tells how long the switch and the return took. When this command ends, for
    whatever reason, the drill is over. The exit code is 1 if an ask was not answered, or nobody took over.
    """
    from modgate.gateway.controlling_client import Control
    from modgate.gateway.drill import rehearse
    from modgate.gateway.drill_report import markdown, report
    from modgate.settings.load import load

    loaded = load(sources)
    for file in (report_file, page_file):
        _writable(file)
    with Control(loaded.settings.data) as control:
        base = control.ask("about")["listen"]
        plan = _plan(loaded, span, how, modules)
        seen = rehearse(control, base, plan, lambda text: click.echo(text, err=True))
    document = report(seen)
    if report_file is not None:
        report_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if page_file is not None:
        page_file.write_text(markdown(document), encoding="utf-8")
    click.echo(markdown(document), nl=False)
    return 0 if document["verdict"] == "passed" else FAILED


def _plan(loaded: Loaded, span: str, how: str, modules: tuple[str, ...]) -> Plan:
    from modgate.cli.upstreams import wanted_modules
    from modgate.errors import Malformed, SetupError
    from modgate.gateway.drill import Plan, stored_modules
    from modgate.settings.values import parse_duration

    try:
        seconds = parse_duration(span)
    except Malformed as error:
        raise SetupError("--for", f"{span!r} is no time", error.why) from error
    upstream = next((link.shown for link in loaded.meaning.chain if link.is_http), None)
    if upstream is None:
        raise SetupError("--upstream", "names no mirror", "give the URL of the upstream that shall fail")
    paths = list(dict.fromkeys(one.path for one in wanted_modules(modules))) or stored_modules(loaded.settings.data)
    if not paths:
        raise SetupError("--modules", "is not given, and nothing is stored yet", "give MODULE@VERSION")
    return Plan(upstream, seconds, how, tuple(paths))


def _writable(file: Path | None) -> None:
    """Find out before the drill, which takes a minute.

    Raises:
        SetupError: it cannot be written.
    """
    from modgate.errors import SetupError

    try:
        if file is not None:
            file.open("a", encoding="utf-8").close()
    except OSError as error:
        raise SetupError("--report", f"cannot write {file}: {error.strerror}", "name a writable file") from error
