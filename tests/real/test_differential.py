"""The h1 of two hundred real zips and go.mod files is what the go command computed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modgate.gomod.dirhash import h1_of_mod
from modgate.gomod.paths import check_path
from modgate.gomod.ziphash import hash_zip
from tests.world import World

PROJECT = (
    "module example.com/app\n\ngo 1.16\n\nrequire (\n\tk8s.io/client-go v0.28.4\n\tgithub.com/spf13/viper v1.18.2\n)\n"
)
"""With go 1.16 its build list has some four hundred modules, of all ages."""
LARGE = ("cloud.google.com/", "google.golang.org/api", "google.golang.org/genproto")
"""Left out: 100 MB of generated code that says nothing that the others do not."""
COUNT = 200


@pytest.mark.real
@pytest.mark.soak
@pytest.mark.timeout(600)  # seconds; two hundred zips have 150 MB
def test_our_hashes_are_those_of_the_go_command(world: World, mirror: str, outside: dict[str, str]) -> None:
    go = world.go(mirror, GOFLAGS="-modcacherw -mod=mod", **outside)
    app = go.project("app", {"go.mod": PROJECT})
    listed = go.run("list", "-m", "-f", "{{if not .Main}}{{.Path}}@{{.Version}}{{end}}", "all", cwd=app).split()
    modules = [module for module in listed if not module.startswith(LARGE)][:COUNT]
    assert len(modules) == COUNT
    for said in _objects(go.run("mod", "download", "-json", *modules, cwd=app)):
        data = Path(said["Zip"]).read_bytes()
        found = hash_zip(lambda at, size, data=data: data[at : at + size], len(data), *_named(said), {})  # type: ignore[misc]
        assert (found.h1, h1_of_mod(Path(said["GoMod"]).read_bytes())) == (said["Sum"], said["GoModSum"]), said["Path"]


def _named(said: dict[str, Any]) -> tuple[Any, str]:
    return check_path(said["Path"]), said["Version"]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest:
        found, end = decoder.raw_decode(rest)
        yield found
        rest = rest[end:].lstrip()
