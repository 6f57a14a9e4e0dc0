"""`modgate checksum …`: checksum databases. One function a command; `commands` is the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modgate.cli.checksum_preload import FROM, preload
from modgate.cli.checksum_status import NEW_KEY, TRUST, accept, status
from modgate.cli.ending import FAILED
from modgate.cli.flags import settings_command

if TYPE_CHECKING:
    from modgate.settings.load import Sources

HELP = "Checksum databases: our own log, and what is verified against that of others."

ANOTHER = click.Option(["--another"], is_flag=True, help="Make one more key beside those that are there; all sign.")


def checksum() -> click.Group:
    """`modgate checksum` with all its commands."""
    return click.Group("checksum", commands=commands(), help=HELP)


def commands() -> list[click.Command]:
    """In the order of their names."""
    return [
        settings_command(accept, [TRUST, NEW_KEY]),
        settings_command(audit),
        settings_command(init, [ANOTHER]),
        settings_command(preload, [FROM]),
        settings_command(status),
    ]


def audit(sources: Sources) -> int:
    """Read our own checksum database again.

    Every record is hashed anew and compared with the published head and with the stored files. The exit code is 1 if
    anything is wrong.
    """
    import asyncio
    import sys

    from modgate.gateway.ownlog import audited
    from modgate.settings.load import load

    loaded = load(sources)
    with click.progressbar(length=1, label="records", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:

        def progress(read: int, of: int) -> None:
            bar.length = of
            bar.update(read - bar.pos)

        found = asyncio.run(audited(loaded, progress))
    for fault in found.faults:
        click.echo(fault, err=True)
    click.echo(f"{found.records} records, {found.covered} of them covered by the published head")
    return FAILED if found.faults else 0


def init(sources: Sources, *, another: bool = False) -> int:
    """Make the key pair of our own checksum database.

    The private key goes into the file that own_database.key names, readable by its owner only; a key that is there
    already is kept. Prints the verifier keys, and the line that makes go use the newest one.
    """
    from modgate.gateway.ownlog import keys_of, new_key
    from modgate.settings.load import load

    loaded = load(sources)
    keys = new_key(loaded, another=another)
    for key in keys:
        click.echo(key)
    click.echo(f"go env -w GOSUMDB={keys[-1]}")
    click.echo(f"private key: {keys_of(loaded.settings)}; keep a copy of it, and show it to nobody", err=True)
    return 0
