"""The command line: one file per command, and `main`, which the console script calls.

Belongs here: flags, what a person reads, exit codes. Not here: what a command does; a command's libraries are imported
when it runs, so that `modgate --help` and probes stay quick.
"""

from __future__ import annotations


def main() -> None:
    """Run `modgate` with the arguments of this process. Exits 0 if all is well, 1 on failure, 2 on a wrong setting."""
    from modgate.cli.app import make_app
    from modgate.cli.standard import complete

    complete()
    make_app()(prog_name="modgate")
