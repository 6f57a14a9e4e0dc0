"""A `Direct` over repositories on this disk, and ways to ask it.

Belongs here: what the tests of this folder share. Not here: expectations.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modgate.gomod import ModulePath
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.paths import check_path
from modgate.source.base import Answer, Arriving, Ask, Freshness, Kind, Ready, Terms
from modgate.source.git.access import Access
from modgate.source.git.direct import Direct, Manner, ProxyBase, Root
from modgate.source.git.forges import known
from modgate.source.git.mirrors import Mirrors
from modgate.source.git.program import Bounds, Git
from tests.world import hash1


class Counting(Git):
    """Remembers what git was asked to do."""

    def __init__(self, home: Path, bounds: Bounds, environ: Mapping[str, str]) -> None:
        super().__init__(home, bounds, environ)
        self.runs: list[tuple[str, ...]] = []

    async def run(self, repository: Path, *arguments: str, **options: Any) -> bytes:
        self.runs.append(arguments)
        return await super().run(repository, *arguments, **options)

    def count(self, command: str) -> int:
        return sum(command in arguments[:4] for arguments in self.runs)


class ByPath:
    """Finds repositories by what their paths say, and asks no host."""

    async def find(self, path: ModulePath, *, refresh: bool = False) -> Root | ProxyBase:
        found = known(path)
        assert found is not None
        return Root(found.root, f"https://{found.repository}")


class Asking:
    """Asks a `Direct` whose mirrors lie below `home`, and whose `host` is a directory of repositories."""

    def __init__(
        self,
        home: Path,
        host: str,
        place: Path,
        *,
        bounds: Bounds | None = None,
        limits: ZipLimits | None = None,
        size: int = 1 << 30,
        refs_age: float = 1.0,
    ) -> None:
        for folder in ("home", "mirrors"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        self.mirrors_at = home / "mirrors"
        self.git = Counting(home / "home", bounds or Bounds(), {"PATH": os.environ.get("PATH", os.defpath)})
        self.config = {f"url.file://{place}/.insteadOf": f"https://{host}/"}
        self.reached: list[str] = []
        self.retagged: list[tuple[str, ...]] = []
        self.mirrors = Mirrors(self.mirrors_at, self.git, self, size, lambda *told: self.retagged.append(told))
        manner = Manner(limits or ZipLimits(), refs_age)
        self.direct = Direct(ByPath(), self.mirrors, _no_proxy, manner)

    @property
    def is_whole(self) -> bool:
        """Whether a mirror does without filters."""
        return any(self.mirrors_at.glob("*.git/whole"))

    async def access(self, url: str) -> Access:
        self.reached.append(url)
        return Access(("file",), self.config)

    async def follow(self, url: str) -> bool:
        return False

    async def renew(self, url: str) -> bool:
        return False

    async def answer(self, kind: Kind, path: str, version: str = "", *, refresh: bool = False) -> Answer:
        terms = Terms(freshness=Freshness.REFRESH if refresh else Freshness.NORMAL)
        return await self.direct.get(Ask(kind, check_path(path), version), terms)

    async def small(self, kind: Kind, path: str, version: str = "", *, refresh: bool = False) -> bytes:
        body = (await self.answer(kind, path, version, refresh=refresh)).body
        assert isinstance(body, Ready)
        return body.data

    async def list(self, path: str, *, refresh: bool = False) -> list[str]:
        return (await self.small(Kind.LIST, path, refresh=refresh)).decode().split()

    async def info(self, path: str, version: str, *, refresh: bool = False) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.small(Kind.INFO, path, version, refresh=refresh))
        return found

    async def latest(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self.small(Kind.LATEST, path))
        return found

    async def mod(self, path: str, version: str) -> bytes:
        return await self.small(Kind.MOD, path, version)

    async def zip(self, path: str, version: str) -> bytes:
        body = (await self.answer(Kind.ZIP, path, version)).body
        assert isinstance(body, Arriving)
        return b"".join([chunk async for chunk in body.chunks])


def contents(data: bytes) -> dict[str, bytes]:
    """The files of a zip."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def h1(data: bytes) -> str:
    return hash1(contents(data))


def _no_proxy(url: str) -> Any:
    raise AssertionError(f"nobody named the proxy {url}")
