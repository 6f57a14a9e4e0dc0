"""`modgate checksum status` and `accept`: what is held against a checksum database, and a decision about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modgate.cli.ending import FAILED

if TYPE_CHECKING:
    from modgate.checksum.standing import Trust
    from modgate.settings.load import Sources

TRUST = click.Option(
    ["--trust"],
    type=click.Choice(["known", "older", "newer"]),
    default="known",
    help="Which history is believed: what was known before the fork, or that of one of the two heads.",
)

NEW_KEY = click.Option(
    ["--new-key"],
    is_flag=True,
    help="The database has a new key, that of the settings: forget the head that it has not signed.",
)


def status(sources: Sources) -> int:
    """Tell how the checksum database stands.

    The exit code is 1 while a fork waits for a decision.
    """
    import asyncio
    import base64

    from modgate.gateway.checksums import Standings, desk
    from modgate.settings.load import load

    async def look() -> Standings:
        async with desk(load(sources)) as opened:
            return opened.status()

    found = asyncio.run(look())
    head, fork = found.head, found.state.fork
    root = f"{head.size} records, root {base64.b64encode(head.root).decode()}" if head else "none yet"
    click.echo(f"database    {found.name}")
    click.echo(f"head        {root}")
    click.echo(f"unverified  {found.unverified} files")
    click.echo(f"fork        {fork or 'none'}")
    if fork:
        click.echo("Its key has signed two histories; both heads lie there, below the data directory. New public")
        click.echo("modules are refused. Ask whoever runs the database, then run modgate checksum accept.")
    return FAILED if fork else 0


def accept(sources: Sources, trust: Trust, *, new_key: bool = False) -> int:
    """Decide on a fork: new public modules are verified again.

    The evidence stays where it is. A running gateway goes on at its next look-up. With --new-key it is about a key that
    the database no longer has.
    """
    import asyncio

    from modgate.gateway.checksums import desk
    from modgate.settings.load import load

    async def decide() -> bool:
        async with desk(load(sources)) as opened:
            return opened.accept(trust)

    async def decide_on_key() -> str:
        async with desk(load(sources)) as opened:
            return opened.accept_key()

    if new_key:
        kept = asyncio.run(decide_on_key())
        click.echo(
            f"accepted: the history begins anew; the old head is {kept}" if kept else "there is no head to forget"
        )
        return 0
    if not asyncio.run(decide()):
        click.echo("there is no fork to decide on")
        return 0
    click.echo(f"accepted: the history that is believed is the {trust} one")
    return 0
