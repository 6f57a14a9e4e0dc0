"""The flags of every command that reads the settings.

Belongs here: their names and help. Not here: their meaning (settings/), which is why all of them are plain texts. A
test compares them with the model: every top-level setting has its flag, and `--set` reaches the others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from modgate.cli.ending import ended

if TYPE_CHECKING:
    from modgate.settings.load import Sources

FLAGS = (
    ("listen", "HOST:PORT", "Where go commands ask."),
    ("admin", "HOST:PORT|off", "Health and metrics."),
    ("data", "DIR", "Where everything is kept."),
    ("upstream", "CHAIN", "Where modules come from, as GOPROXY."),
    ("checksum", "DATABASE|off", "Checksum database, as GOSUMDB."),
    ("checksum_database", "'NAME[+KEY] [URL]'", "Another database to pass through; repeatable."),
    ("private", "PATTERNS", "Private modules, as GOPRIVATE."),
    ("no_checksum", "PATTERNS", "Modules that are not verified, as GOPRIVATE."),
    ("on_checksum_unavailable", "refuse|serve-unverified", "When the checksum database is down."),
    ("base_path", "PATH", "Serve everything below this path."),
    ("tls_cert", "FILE", "Certificate chain; makes it HTTPS."),
    ("tls_key", "FILE", "The certificate's private key."),
    ("netrc", "FILE", "Credentials for hosts, as the go command reads them."),
    ("trusted_proxies", "CIDR", "Load balancer whose headers are believed; repeatable."),
    ("workers", "N|auto", "Serving processes; auto: one a core, at most 8."),
    ("fetch_ahead", "public|all|off", "Which go.mod files are fetched before they are asked for."),
    ("drain_time", "TIME", "For open requests on SIGTERM."),
    ("access_log", "FILE|-|off", "One JSON line per request."),
    ("log_format", "auto|console|json", "Of the application log."),
    ("log_level", "LEVEL", "debug, info, warning or error."),
)
"""Setting, what to write, help. The defaults stand in docs/reference/settings.md, and `modgate check` shows them."""

REPEATABLE = frozenset({"checksum_database", "trusted_proxies"})

EPILOG = "Every flag is also a setting in modgate.toml and an environment variable MODGATE_*; a flag wins over both."


def settings_command(run: Callable[..., int], own: Sequence[click.Parameter] = ()) -> click.Command:
    """A command with all settings as flags out of `run`, which returns the exit code.

    Args:
        run: is called with the sources of the settings, and with the values of `own` by their names.
        own: what the command takes besides.
    """

    def callback(config: Path | None, assignments: tuple[str, ...], **given: Any) -> None:
        besides = {name: given.pop(name) for parameter in own if (name := parameter.name)}
        sys.exit(ended(lambda: run(sources(config, assignments, given), **besides)))

    params = [*own, *_options()]
    return click.Command(run.__name__, callback=callback, params=params, help=run.__doc__, epilog=EPILOG)


def _options() -> list[click.Parameter]:
    config = click.Option(["--config"], type=Path, metavar="FILE", help="Settings file; default ./modgate.toml.")
    others = click.Option(
        ["--set", "assignments"],
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other setting, such as limits.zip=1GiB; repeatable.",
    )
    named = [
        click.Option(
            ["--" + name.replace("_", "-")], multiple=name in REPEATABLE, metavar=metavar, help=text, default=None
        )
        for name, metavar, text in FLAGS
    ]
    return [config, *named, others]


def sources(
    config: Path | None, assignments: tuple[str, ...], given: Mapping[str, str | tuple[str, ...] | None]
) -> Sources:
    """Where the settings of this process come from.

    Args:
        config: the settings file, if one was named.
        assignments: `NAME=VALUE` of every `--set`.
        given: the flags by the name of their setting; None or () for those that were not given.

    Raises:
        SetupError: an assignment without `=`.
    """
    from modgate.errors import SetupError
    from modgate.settings.load import Sources

    flags: dict[str, str | tuple[str, ...]] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise SetupError("--set", f"{name!r} has no value", "write NAME=VALUE, such as limits.zip=1GiB")
        flags[name.strip()] = value
    flags |= {name: texts for name, texts in given.items() if texts is not None and texts != ()}
    return Sources(flags, os.environ, config)
