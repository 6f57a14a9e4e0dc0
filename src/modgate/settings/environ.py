"""Settings from environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modgate.errors import SetupError
from modgate.settings.fields import Field, unknown

PREFIX = "MODGATE_"

CONFIG = "MODGATE_CONFIG"
"""Names the settings file."""

SKIP_CHECKSUM = "PROXY_SKIP_CHECKSUM"
"""`true`: modules are not verified, for debugging. Not one of ours by its name, so that it is no setting that lasts."""

SUMDB_DIR = "GOSUMDB_DIR"
"""Another directory of checksum databases to read from, as `modgate checksum preload` and the go command fill one."""

FALLBACK = "GOMODCACHE_FALLBACK"
"""A directory of modules that public chains fall back to when their upstreams are in trouble."""

OTHERS = frozenset(
    {
        CONFIG,
        "MODGATE_DEBUG",  # tracebacks of unexpected errors (cli/)
        "MODGATE_READY_FILE",  # where serve writes its addresses once it listens (gateway.py)
    }
)
"""Variables that are no settings."""


def read_environ(
    environ: Mapping[str, str], known: Mapping[str, Field], problems: list[SetupError]
) -> Iterator[tuple[str, str]]:
    """Dotted names and texts. Any other MODGATE_ variable is a slip of the pen, and put into `problems`.

    An empty variable counts as not set, as with Go's own: compose files and charts pass on variables that nobody gave.
    """
    names = {field.variable: field.name for field in known.values()}
    for variable in sorted(environ):
        if variable in names and environ[variable]:
            yield names[variable], environ[variable]
        elif variable.startswith(PREFIX) and variable not in names and variable not in OTHERS:
            problems.append(unknown(variable, (*names, *OTHERS)))
