"""Zips that are made while they are sent pass the cache like any other: checked, and stored once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modgate.errors import Absent
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.paths import check_path
from modgate.source.base import Ask, Kind
from tests.cache.fakes import cellar
from tests.git.asking import Asking, contents
from tests.git.forge import HOST, tree
from tests.git.repositories import Repo

Repos = Callable[[str], Repo]
ZIP = Ask(Kind.ZIP, check_path(f"{HOST}/m"), "v1.0.0")
MOD = Ask(Kind.MOD, check_path(f"{HOST}/m"), "v1.0.0")


async def test_many_who_want_one_zip_get_it_from_one_archive(repo: Repos, asking: Asking, tmp_path: Path) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), "noise": os.urandom(1 << 20)}, "v1.0.0")
    origin.save()
    source: Any = asking.direct
    async with cellar(tmp_path / "data", source) as cache:
        bodies = await asyncio.gather(*(cache.body(ZIP) for _ in range(10)))
        assert len(set(bodies)) == 1
        assert set(contents(bodies[0])) == {f"{HOST}/m@v1.0.0/{name}" for name in ("go.mod", "m.go", "noise")}
        assert await cache.body(MOD) == b"module github.com/acme/m\n\ngo 1.21\n"
        await cache.settle()
        assert asking.git.count("ls-remote") == 1
        assert cache.defects == []


async def test_a_tree_that_turns_out_to_be_too_large_is_absent_to_whoever_waits(repo: Repos, tmp_path: Path) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), ".gitattributes": "*.txt text eol=crlf\n", "a.txt": "x\n" * 60_000}, "v1.0.0")
    origin.save()
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", limits=ZipLimits(uncompressed_bytes=150_000))
    source: Any = asking.direct
    async with cellar(tmp_path / "data", source) as cache:
        with pytest.raises(Absent, match="create zip"):
            await cache.body(ZIP)
        await cache.settle()
        assert cache.defects == []


async def test_a_mirror_that_is_damaged_while_a_zip_is_made_costs_nobody_the_zip(
    repo: Repos, asking: Asking, tmp_path: Path
) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), "noise": os.urandom(1 << 20)}, "v1.0.0")
    origin.save()
    await asking.zip(str(ZIP.path), ZIP.version)
    for pack in asking.mirrors_at.rglob("*.pack"):
        if pack.stat().st_size > 1 << 19:
            pack.chmod(0o600)
            with pack.open("r+b") as file:
                file.seek(1 << 19)
                file.write(bytes(1000))
    source: Any = asking.direct
    async with cellar(tmp_path / "data", source) as cache:
        assert f"{HOST}/m@v1.0.0/noise" in contents(await cache.body(ZIP))
        await cache.settle()
        assert cache.defects == []
