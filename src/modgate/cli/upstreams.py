"""`modgate upstreams`: how the upstreams of a running gateway are, and which of several mirrors to take."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modgate.cli.ending import FAILED

if TYPE_CHECKING:
    from modgate.gateway.upstreams_ranking import Figures
    from modgate.gomod.wanted import Wanted
    from modgate.settings.load import Sources
    from modgate.settings.loaded import Loaded

MODULES = (
    "golang.org/x/mod@v0.23.0",
    "golang.org/x/text@v0.21.0",
    "github.com/google/uuid@v1.6.0",
    "rsc.io/quote@v1.5.2",
)
"""What mirrors are measured with where nobody names anything: small, old, and on every public one."""

PARAMETERS = (
    click.Argument(["urls"], nargs=-1, metavar="[URL]..."),
    click.Option(["--json", "as_json"], is_flag=True, help="Write JSON."),
    click.Option(["--first-healthy"], is_flag=True, help="Print the first URL that is in use, or none (exit code 1)."),
    click.Option(["--compare"], is_flag=True, help="Measure mirrors: those of the settings, or URLs."),
    click.Option(
        ["--modules"],
        multiple=True,
        metavar="FILE|MODULE@VERSION",
        help="With --compare: what to measure with; repeatable.",
    ),
)


def upstreams(
    sources: Sources,
    urls: tuple[str, ...],
    *,
    as_json: bool,
    first_healthy: bool,
    compare: bool,
    modules: tuple[str, ...],
) -> int:
    """Show how the upstreams are, or compare mirrors.

    Without a flag it asks the gateway that runs on the data directory. --compare asks the mirrors themselves for the
    same modules, and recommends a chain.
    """
    from modgate.errors import SetupError
    from modgate.gateway.controlling_client import Control
    from modgate.settings.load import load

    loaded = load(sources)
    if compare:
        return _compare(loaded, urls, modules, as_json=as_json)
    if urls or modules:
        raise SetupError("URL", "has no meaning here", "add --compare")
    with Control(loaded.settings.data) as control:
        told: list[dict[str, Any]] = control.ask("upstreams")
    if first_healthy:
        healthy = next((one["name"] for one in told if one["state"] in ("up", "no checksums")), None)
        click.echo(healthy or "none")
        return 0 if healthy else FAILED
    _write(told, _states(told, time.time()), as_json=as_json)
    return 0


def _write(document: object, lines: Iterator[str], *, as_json: bool) -> None:
    import json

    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        for line in lines:
            click.echo(line)


def _states(told: Sequence[dict[str, Any]], now: float) -> Iterator[str]:
    if not told:
        yield "This gateway has no HTTP upstream: directories and `direct` have no state."
        return
    rows: list[tuple[str, ...]] = [
        ("UPSTREAM", "STATE", "ASKS", "P50", "P95", "ANSWERED", "BREAKER", "CHECK", "CHANGED")
    ]
    rows += [_state(one, now) for one in told]
    yield from table(rows)
    for one in told:
        for what in ("modules", "checksums", "health"):
            if one[what] and not one[what]["up"]:
                yield f"{one['name']}: {what}: {one[what]['reason']}"


def _state(one: dict[str, Any], now: float) -> tuple[str, ...]:
    is_closed = one["modules"]["up"]
    check = "-" if one["health"] is None else "passed" if one["health"]["up"] else "failed"
    changed = f"{_span(now - one['changed'])} ago" if one["changed"] else "never"
    asks = (str(one["asks"]), milliseconds(one["p50"]), milliseconds(one["p95"]), share(one["share"]))
    return (one["name"], one["state"], *asks, "closed" if is_closed else "open", check, changed)


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines with columns of one width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(f"{text:{width}}" for text, width in zip(row, widths, strict=True)).rstrip()


def milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f} ms"


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}".replace(".0%", "%")


def _span(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _compare(loaded: Loaded, urls: tuple[str, ...], modules: tuple[str, ...], *, as_json: bool) -> int:
    import asyncio

    from modgate.errors import SetupError
    from modgate.gateway.upstreams_compare import measured
    from modgate.gateway.upstreams_ranking import document, recommended

    wanted = wanted_modules(modules or MODULES)
    mirrors = [_mirror(url) for url in urls] or [link.url for link in loaded.meaning.chain if link.is_http]
    if not mirrors:
        raise SetupError("URL", "is not given, and the settings name no mirror", "give the URLs to compare")
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=len(mirrors) * len(wanted), label="asking", file=sys.stderr, hidden=hidden) as bar:
        found = asyncio.run(measured(loaded, mirrors, wanted, lambda: bar.update(1)))
    _write(document(found), _compared(found, recommended(found)), as_json=as_json)
    return 0 if recommended(found) else FAILED


def _compared(found: Sequence[Figures], chain: str) -> Iterator[str]:
    rows = [("MIRROR", "P50", "P95", "MB/S", "ANSWERED", "HAS", "LACKS", "CHECKSUMS", "AGREES", "SLASH")]
    rows += [
        (
            one.url,
            milliseconds(one.p50),
            milliseconds(one.p95),
            "-" if one.throughput is None else f"{one.throughput / 1e6:.1f}",
            share(one.success),
            share(one.coverage),
            f"{one.missing} versions",
            _yes(one.supports_checksums),
            _yes(not one.differs),
            "needed" if one.wants_slash else "-",
        )
        for one in found
    ]
    yield from table(rows)
    for one in found:
        for differing in one.differs:
            yield f"{one.url}: {differing} is not what most of them have"
    yield f"Recommended: {chain}" if chain else "None of them can be recommended."


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _mirror(url: str) -> str:
    from modgate.errors import Malformed, SetupError
    from modgate.gomod.chain import parse_chain

    try:
        links = parse_chain(url)
    except Malformed as error:
        raise SetupError("URL", f"{error.text!r}: {error.why}", "give the URL of a GOPROXY") from error
    if len(links) != 1 or not links[0].is_http:
        raise SetupError("URL", f"{links[0].shown!r} is not one mirror", "give each URL by itself, http or https")
    return links[0].url


def wanted_modules(given: Sequence[str]) -> list[Wanted]:
    """The modules that `--modules` names: files with lists of them, or themselves.

    Raises:
        SetupError: one is neither.
    """
    from modgate.errors import Malformed, SetupError
    from modgate.gomod.wanted import modules_in

    found: list[Wanted] = []
    for text in given:
        try:
            found += modules_in(Path(text).read_text(encoding="utf-8") if Path(text).is_file() else text)
        except (Malformed, OSError, UnicodeDecodeError) as error:
            problem = f"{text} names no module and no list of them"
            raise SetupError("--modules", problem, "give MODULE@VERSION, or a file with one a line") from error
    return found
