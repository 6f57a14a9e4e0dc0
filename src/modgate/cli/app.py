"""The list of commands. `modgate --help` is the tour."""

from __future__ import annotations

import click

from modgate import __version__
from modgate.cli.check import check
from modgate.cli.checksum import checksum
from modgate.cli.diagnose import diagnose
from modgate.cli.flags import settings_command
from modgate.cli.health import health
from modgate.cli.serve import serve
from modgate.cli.why import MODULE, why

HELP = """A gateway for Go modules: point GOPROXY at it and forget about it.

Start it with `modgate serve`; it prints the line that makes go use it.
"""


def make_app() -> click.Group:
    """`modgate` with all its commands."""
    commands = [
        settings_command(serve),
        settings_command(check),
        checksum(),
        settings_command(diagnose, [MODULE]),
        health,
        settings_command(why, [MODULE]),
    ]
    app = click.Group("modgate", commands=commands, help=HELP)
    return click.version_option(__version__, message="%(prog)s %(version)s")(app)
