"""cmd/go's own tests as a program: compiled from the Go at hand, with three lines of them changed.

Belongs here: finding the sources, the change, the compilation. Not here: running the program (suite.py). Nothing of Go
is stored here, and the Go at hand is not touched: the changed sources go in through a build overlay.
"""

from __future__ import annotations

import dataclasses
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from tests.conformance.processes import RunnerError, running, tail
from tests.toolchain import CACHE, go_command

URL_OVERRIDE, NO_NETWORK, DIRECT_URL = "TESTGO_PROXY_URL", "TESTGO_NO_NETWORK", "TESTGO_DIRECT_URL"
"""Environment variables that the changed tests read."""


@dataclasses.dataclass(frozen=True)
class Toolchain:
    """The Go whose tests are run."""

    command: str
    root: Path
    version: str

    @property
    def cmd_go(self) -> Path:
        return self.root / "src/cmd/go"


def find_toolchain(command: str) -> Toolchain:
    """The toolchain of `command`, or where that is "" the one that all tests use.

    Raises:
        RunnerError: it does not work, or comes without its tests.
    """
    command = command or str(go_command())
    try:
        out = subprocess.run(
            [command, "env", "GOROOT", "GOVERSION"], env=environ(), text=True, check=True, capture_output=True, cwd="/"
        ).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError) as error:
        raise RunnerError(f"`{command} env` does not work: {error}") from error
    go = Toolchain(command, Path(out[0]), out[1])
    if not (go.cmd_go / "testdata/script").is_dir():
        raise RunnerError(f"{go.version} has no src/cmd/go/testdata/script: a Go with its sources and tests is needed")
    return go


def environ(**extra: str) -> dict[str, str]:
    """The environment without this machine's Go settings; what is compiled is kept for all tests."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("GO")}
    CACHE.mkdir(exist_ok=True)
    own = {"GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "", "GOCACHE": str(CACHE / "go-build")}
    return {**keep, **own, **extra}


@dataclasses.dataclass(frozen=True)
class Edit:
    """A change of one line in one function of cmd/go's tests."""

    file: str
    function: str
    line: str
    """A regular expression that one line of the function matches."""
    replacement: str
    optional: bool = False
    """Whether a Go without that function needs no change."""

    def apply(self, folder: Path) -> str:
        """The changed source.

        Raises:
            RunnerError: the function is not as expected.
        """
        source = (folder / self.file).read_text()
        body = re.search(rf"^func {self.function}\(.*\{{\n(?:.*\n)*?\}}$", source, re.MULTILINE)
        line = re.compile(self.line, re.MULTILINE)
        imports_os = re.search(r'^import \((?:.*\n)*?\t"os"$', source, re.MULTILINE)
        if body is None and self.optional:
            return source
        if body is None or len(line.findall(body[0])) != 1 or imports_os is None:
            raise RunnerError(
                f"{folder / self.file}: expected one line like `{self.line}` in {self.function}() and an import of "
                '"os"; the tests of this Go have another shape, so EDITS must be adapted to it'
            )
        return source[: body.start()] + line.sub(self.replacement, body[0]) + source[body.end() :]


EDITS = (
    Edit(
        "proxy_test.go",
        "StartProxy",
        r"^([ \t]*)proxyURL = .*$",
        rf'\g<0>\n\1if override := os.Getenv("{URL_OVERRIDE}"); override != "" {{\n\1\tproxyURL = override\n\1}}',
    ),
    Edit(
        "scriptconds_test.go",
        "hasNet",
        r"if (!testenv\.HasExternalNetwork\(\)) \{$",
        rf'if os.Getenv("{NO_NETWORK}") != "" || \1 {{',
        optional=True,  # later ones keep the scripts that go out into the network elsewhere
    ),
    # Direct mode becomes a proxy, at a URL that names the script. What is private would go past it.
    Edit(
        "script_test.go",
        "TestScript",
        r"^([ \t]*)scripttest\.Run\(t, engine, s, file, .*$",
        rf'\1if direct := os.Getenv("{DIRECT_URL}"); direct != "" {{\n'
        r'\1\tdirect = "GOPROXY=" + direct + "/" + name\n'
        r'\1\ta.Comment = bytes.ReplaceAll(a.Comment, []byte("GOPROXY=direct"), []byte(direct))\n'
        r'\1\ta.Comment = bytes.ReplaceAll(a.Comment, []byte("GOPRIVATE=vcs-test.golang.org"), '
        r'[]byte("GONOSUMDB=vcs-test.golang.org "+direct))\n'
        r"\1}\n\g<0>",
    ),
)


def sumdb_identity(go: Toolchain) -> tuple[str, str]:
    """Name and verifier key of the checksum database that the tests use.

    Raises:
        RunnerError: they are not where they were.
    """
    where = go.cmd_go / "proxy_test.go"
    key = re.search(r'testSumDBVerifierKey\s*=\s*"(([^"+]+)\+[0-9a-f]+\+[^"]+)"', where.read_text())
    if key is None:
        raise RunnerError(f"{where}: the verifier key of the test checksum database was not found")
    return key[2], key[1]


@dataclasses.dataclass(frozen=True)
class Tests:
    """The compiled tests of a toolchain. They find their data from its source folder."""

    go: Toolchain
    binary: Path


def compiled_tests(command: str, cache: Path, deadline: float) -> Tests:
    """Compile the tests of the toolchain of `command` with the overlay, once per Go version and overlay.

    Raises:
        RunnerError: they do not compile, or not before `deadline` (monotonic seconds).
    """
    go = find_toolchain(command)
    changed = {edit.file: edit.apply(go.cmd_go) for edit in EDITS}
    return Tests(go, _compiled_once(go, "cmd/go", changed, cache, deadline))


def compiled_repositories(tests: Tests, cache: Path, deadline: float) -> Path:
    """The program that serves the repositories of these tests (cmd/go/internal/vcweb), compiled once like them.

    Raises:
        RunnerError: it does not compile, or not before `deadline` (monotonic seconds).
    """
    return _compiled_once(tests.go, "cmd/go/internal/vcweb/vcstest", {}, cache, deadline)


def _compiled_once(go: Toolchain, package: str, changed: dict[str, str], cache: Path, deadline: float) -> Path:
    digest = hashlib.sha256(json.dumps([str(go.root), package, changed]).encode()).hexdigest()[:12]
    folder = cache / f"{re.sub(r'[^A-Za-z0-9.+-]+', '_', go.version)}-{digest}"
    binary = folder / f"{package.rpartition('/')[2]}.test"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not binary.exists():
            print(f"compiling the tests of {package} for {go.version} (once; about a minute) ...", flush=True)
            _compile(go, package, changed, binary, deadline)
    return binary


def _compile(go: Toolchain, package: str, changed: dict[str, str], binary: Path, deadline: float) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        overlay, built = Path(scratch, "overlay.json"), Path(scratch, binary.name)
        for name, source in changed.items():
            Path(scratch, name).write_text(source)
        overlay.write_text(
            json.dumps({"Replace": {str(go.cmd_go / name): str(Path(scratch, name)) for name in changed}})
        )
        log = binary.with_name("compile.log")
        command = [go.command, "test", "-c", "-overlay", str(overlay), "-o", str(built), package]
        with log.open("w") as output, running(command, output, environ(), go.cmd_go) as compiler:
            try:
                status = compiler.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise RunnerError(f"the total timeout is over before the tests of {package} were compiled") from None
        if status != 0:
            raise RunnerError(f"the tests of {package} do not compile:\n{tail(log)}")
        # A run that is ended before the second line leaves nothing that looks like a binary.
        shutil.copy2(built, binary.with_suffix(".new"))
        binary.with_suffix(".new").rename(binary)
