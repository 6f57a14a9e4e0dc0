"""No file names the registries of the machine that it was written on, or a path of that machine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.pages import ROOT

SECONDS = 30
"""For one look at a tool's own settings; npm, the slowest, takes half a second. None of them asks the network."""
LARGEST = 4 << 20
"""Bytes of a file that is looked through; ours have some kilobytes, and the lock of all requirements 160 KB."""
APT = (Path("/etc/apt/sources.list"), Path("/etc/apt/sources.list.d"))
FREE = {"sum.golang.org", "golang.org", "go.dev", "github.com", "localhost"}
"""Facts of the protocol, and places where modules and not packages come from."""
PIP_DEFAULTS = """
from pip._internal.models import index
for each in vars(index).values():
    if isinstance(each, index.PackageIndex):
        print(each.url, f"https://{each.file_storage_domain}")
"""
ELSEWHERE = re.compile(rb"(?<![\w.~<>}/-])/(?:root|work|Users)/")
"""Homes and mounts that a path of a particular machine begins with."""


def asked(*command: str, environ: Mapping[str, str]) -> str:
    """What a program says about its own settings; "" where there is none, or where it fails."""
    found = shutil.which(command[0], path=environ.get("PATH"))
    if found is None:
        return ""
    done = subprocess.run(
        [found, *command[1:]], cwd="/", env=environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    return done.stdout if done.returncode == 0 else ""


def said_by_tools(environ: Mapping[str, str]) -> Iterator[str]:
    """What go, pip, npm and apt on this machine know of registries."""
    neutral = {**environ, "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    yield from json.loads(asked("go", "env", "-json", "GOPROXY", environ=neutral) or "{}").values()
    yield asked(sys.executable, "-c", PIP_DEFAULTS, environ=environ)
    yield asked(sys.executable, "-m", "pip", "config", "list", environ=environ)
    yield asked("npm", "config", "get", "registry", environ=environ)
    for place in APT:
        for path in [place, *place.glob("*")] if place.exists() else []:
            if path.is_file() and path.stat().st_size < LARGEST:
                yield path.read_text(encoding="utf-8", errors="replace")


def hosts(text: str) -> set[str]:
    """The hosts of all URLs in a text, but for those that are free, reserved for examples, or local."""
    found = {urlsplit(url).hostname or "" for url in re.findall(r"https?://[^\s'\",|]+", text)}
    return {host for host in found if "." in host and host not in FREE and not is_example(host)}


def is_example(host: str) -> bool:
    """Whether a host belongs to nobody (RFC 2606), or is an address."""
    reserved = host.endswith((".example", ".test", ".invalid", ".localhost"))
    return reserved or re.fullmatch(r"(.*\.)?example\.(com|net|org)|[\d.]+", host) is not None


@pytest.fixture(scope="module")
def files(machine_environ: dict[str, str]) -> tuple[Path, ...]:
    """Every file that is, or could be, in the repository."""
    command = ("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listed = asked(*command, environ=machine_environ)
    if not listed:
        pytest.skip("this is no git checkout: nobody knows which files belong to it")
    return tuple(ROOT / name for name in listed.split("\0") if name)


def naming(pattern: re.Pattern[bytes], files: tuple[Path, ...]) -> list[str]:
    """File and line of each place that matches."""
    found = []
    for path in files:
        if not path.is_file() or path.stat().st_size > LARGEST:
            continue  # removed just now, or a fixture
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}")
    return found


def test_no_file_names_a_registry_of_this_machine(machine_environ: dict[str, str], files: tuple[Path, ...]) -> None:
    names = set().union(*map(hosts, said_by_tools(machine_environ)))
    assert names, "not even pip knows where packages come from"
    # As a whole name: `example.com` in `goproxy.example.com` would be another one.
    pattern = rb"(?i)(?<![\w.-])(?:" + b"|".join(re.escape(name.encode()) for name in sorted(names)) + rb")(?![\w-])"
    assert naming(re.compile(pattern), files) == []


def test_no_file_names_a_path_of_this_machine(files: tuple[Path, ...]) -> None:
    pattern = ELSEWHERE.pattern + rb"|" + re.escape(f"{ROOT}/".encode())
    assert naming(re.compile(pattern), files) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://mirror.corp.test/simple/", set()),
        ("https://user:word@packages.vendor.dev:8443/a", {"packages.vendor.dev"}),
        ("https://one.vendor.dev,https://two.vendor.dev|direct", {"one.vendor.dev", "two.vendor.dev"}),
        ("http://127.0.0.1:8080 https://localhost/x https://goproxy.example.com", set()),
        ("direct", set()),
    ],
)
def test_hosts_are_taken_out_of_what_tools_say(text: str, found: set[str]) -> None:
    assert hosts(text) == found
