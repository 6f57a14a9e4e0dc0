"""What a run of the script tests can be told."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / ".cache/conformance"

MODULE_SCRIPTS = "^(mod_|get_|install_|gotoolchain|sum|proxy|list_|govcs|toolchain|work_|reuse|goauth|embed)"
"""The scripts whose subject is modules. `--run .` runs all of cmd/go's scripts."""

MODGATE = (
    f"{Path(sys.executable).parent / 'modgate'} serve --listen {{listen}} --data {{store}} --admin off "
    '--upstream {upstream} --checksum "{sumdb_key} {sumdb_upstream}" --access-log off '
    "--no-checksum example.com/dotname,rsc.io/badfile1,rsc.io/badzip"
)
"""All modules are verified, but for three whose sums in the tests' database are wrong by design."""

MODGATE_DIRECT = (
    f"{Path(sys.executable).parent / 'modgate'} serve --listen {{listen}} --data {{store}} --admin off "
    "--upstream direct --checksum off --access-log off --config {settings} --set git.private_hosts=vcs-test.golang.org"
)
"""With `--direct`. No checksum database knows those repositories."""


@dataclass(frozen=True)
class Options:
    """One run."""

    proxy_cmd: str
    """Template of the command that serves the proxy in the foreground; "": none, the adapter passes everything on."""
    path_prefix: str
    """Where the proxy is mounted on its port, with a slash before and none behind; "" is its root."""
    direct: bool
    """Run the scripts of direct mode, with a proxy that reads the repositories in their place."""
    bypass_sumdb: bool
    ready_path: str
    ready_timeout: float
    run: str
    skip: str
    short: bool
    net: bool
    parallel: int
    timeout: float
    """Seconds for the whole run."""
    expected: Path
    strict: bool
    go: str
    """"": one that tests/toolchain.py finds or fetches."""
    cache_dir: Path
    logs: Path | None
    json: Path | None
    tail: int
    verbose: bool


def parse_options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description="Run the Go toolchain's own script tests through a module proxy.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _about_the_proxy(parser)
    _about_the_scripts(parser)
    _about_the_report(parser)
    given = vars(parser.parse_args())
    if given["direct"]:
        expected = HERE / "expected_failures_direct.txt"
        parser.set_defaults(proxy_cmd=MODGATE_DIRECT, run="", expected=expected, strict=True)
        given = vars(parser.parse_args())
    prefix = str(given["path_prefix"]).strip("/")
    return Options(**{**given, "path_prefix": f"/{prefix}" if prefix else ""})


def _about_the_proxy(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--proxy-cmd",
        metavar="TEMPLATE",
        default=MODGATE,
        help="command that serves the proxy in the foreground; variables: {port} {listen} {store} {upstream} {prefix} "
        "{sumdb_name} {sumdb_key} {sumdb_upstream}, with --direct {settings}",
    )
    what.add_argument(
        "--pass-through",
        dest="proxy_cmd",
        action="store_const",
        const="",
        help="no proxy: the adapter passes everything on (what fails then fails because of this machine)",
    )
    add = parser.add_argument
    add("--path-prefix", metavar="PATH", default="", help="where the proxy is mounted on its port")
    add("--bypass-sumdb", action="store_true", help="take the checksum database from the upstream (the report says so)")
    add("--ready-path", metavar="PATH", default="", help="the proxy is ready when this answers 2xx (else: port open)")
    add("--ready-timeout", metavar="SECONDS", type=float, default=60.0, help="for the start of the proxy")


def _about_the_scripts(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--direct", action="store_true", help="the scripts that read repositories with git, `direct` being the proxy")
    add("--run", metavar="REGEXP", default=MODULE_SCRIPTS, help="names of the scripts to run")
    add("--skip", metavar="REGEXP", default="", help="names of scripts to leave out")
    add("--short", action="store_true", help="the quick profile: no scripts that build version control repositories")
    add("--net", action="store_true", help="let the scripts that want the outside network use it (else: skipped)")
    add("--parallel", metavar="N", type=int, default=os.cpu_count() or 2, help="scripts at once")
    add("--timeout", metavar="SECONDS", type=float, default=1800.0, help="of the whole run, compilation included")
    add("--go", metavar="COMMAND", default="", help="the go command whose tests are run (else: as for all tests)")
    add("--cache-dir", metavar="DIR", type=Path, default=CACHE, help="where the compiled tests are kept")


def _about_the_report(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--expected", metavar="FILE", type=Path, default=HERE / "expected_failures.txt", help="failures that are right")
    add("--strict", action="store_true", help="unexpected passes make the run fail too")
    add("--logs", metavar="DIR", type=Path, help="keep the logs here (else: in a temporary folder when the run fails)")
    add("--json", metavar="FILE", type=Path, help="also write the results here")
    add("--tail", metavar="N", type=int, default=15, help="lines shown of each failure")
    add("--verbose", action="store_true", help="a line for every script")
