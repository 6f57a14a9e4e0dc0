"""`modgate diagnose`: which upstream sends what for one module version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from modgate.cli.why import named

if TYPE_CHECKING:
    from modgate.settings.load import Sources

MODULE = click.Argument(["module"], metavar="MODULE@VERSION")


def diagnose(sources: Sources, module: str) -> int:
    """Compare a module version from each upstream.

    Each upstream, the store and the checksum database are asked for it, and a line says what is wrong with what each
    has. Nothing is stored or changed.
    """
    import asyncio

    from modgate.gateway.checksums import desk
    from modgate.gateway.diagnosing import diagnosed
    from modgate.settings.load import load

    wanted, loaded = named(module), load(sources)

    async def look() -> None:
        async with desk(loaded) as opened:
            async for line in diagnosed(loaded, opened, wanted.path, wanted.version):
                click.echo(line)

    asyncio.run(look())
    return 0
