"""`modgate checksum preload`: the records of a list of modules, for a site without a way out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from modgate.cli.ending import FAILED

if TYPE_CHECKING:
    from modgate.errors import ModgateError
    from modgate.gomod.wanted import Wanted
    from modgate.settings.load import Sources

FROM = click.Option(
    ["--from", "file"],
    required=True,
    metavar="FILE|-",
    help="go.sum, the output of go mod download -json, or lines of path@version; - is the standard input.",
)


def preload(sources: Sources, file: str) -> int:
    """Fetch and verify the records of a list of modules.

    Records, tiles and the signed head lie in the data directory then, and go commands that ask this gateway can verify
    these modules with no way out. Sums in the list are compared. Every failure is one line, and makes the exit code 1.
    """
    import asyncio

    from modgate.errors import Malformed, SetupError
    from modgate.gateway.checksums import desk
    from modgate.gomod.wanted import modules_in
    from modgate.settings.load import load

    try:
        wanted = modules_in(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError("--from", f"{file} cannot be read ({error})", "name a file, or -") from error
    except Malformed as error:
        raise SetupError("--from", f"{error.text!r} {error.why}", "give go.sum, or lines of path@version") from error
    failures: list[str] = []

    async def fetch() -> None:
        with click.progressbar(
            length=len(wanted), label="records", file=sys.stderr, hidden=not sys.stderr.isatty()
        ) as bar:

            def told(module: Wanted, error: ModgateError | None) -> None:
                bar.update(1)
                if error is not None:
                    failures.append(f"{module}: {getattr(error, 'reason', '') or getattr(error, 'why', '') or error}")

            async with desk(load(sources), may_be_new=True) as opened:
                await opened.preload(wanted, told)

    asyncio.run(fetch())
    for failure in failures:
        click.echo(failure, err=True)
    click.echo(f"{len(wanted)} modules in the list, {len(failures)} failed")
    return FAILED if failures else 0
