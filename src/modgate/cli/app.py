"""The list of commands. `modgate --help` is the tour."""

from __future__ import annotations

import click

from modgate import __version__
from modgate.cli.check import PARAMETERS as CHECK
from modgate.cli.check import check
from modgate.cli.checksum import checksum
from modgate.cli.diagnose import diagnose
from modgate.cli.drill import PARAMETERS as DRILL
from modgate.cli.drill import drill
from modgate.cli.flags import settings_command
from modgate.cli.health import health
from modgate.cli.route import MODULE as PATH
from modgate.cli.route import VIEW, route
from modgate.cli.serve import serve
from modgate.cli.upstreams import PARAMETERS as UPSTREAMS
from modgate.cli.upstreams import upstreams
from modgate.cli.why import MODULE, why

HELP = """A gateway for Go modules: point GOPROXY at it and forget about it.

Start it with `modgate serve`; it prints the line that makes go use it.
"""


def make_app() -> click.Group:
    """`modgate` with all its commands."""
    commands = [
        settings_command(serve),
        settings_command(check, CHECK),
        checksum(),
        settings_command(diagnose, [MODULE]),
        settings_command(drill, DRILL),
        health,
        settings_command(route, [PATH, VIEW]),
        settings_command(upstreams, UPSTREAMS),
        settings_command(why, [MODULE]),
    ]
    app = click.Group("modgate", commands=commands, help=HELP)
    return click.version_option(__version__, message="%(prog)s %(version)s")(app)
