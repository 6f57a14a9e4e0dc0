"""Stores with many versions in them, made without asking anybody: files and rows as a gateway would have left them.

.info files of one version number are alike in all modules, and .mod files of one module in all its versions: hard links
make a million versions of a few ten thousand files. Rows go in through modgate's own storage.

Belongs here: such a store's bytes. Not here: what is measured on it (scenarios/growth.py).
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from modgate.gomod.dirhash import h1_of_mod
from modgate.gomod.info import info_identity
from modgate.storage.layout import Layout
from modgate.storage.records import AnswerRow, ArtifactRow
from modgate.storage.sqlite import SqliteRecords

NAMESPACE, SOURCE = "public", "https://upstream.example"
EACH = 20
"""Versions of one module."""
BATCH = 10_000
"""Rows written at once."""


@dataclass(frozen=True, slots=True)
class Grown:
    """A store of `modules` times `each` versions."""

    root: Path
    modules: int
    each: int

    def mods(self, count: int) -> list[str]:
        """Targets of different .mod files, spread over the whole store; fewer than `count` if there are not so many."""
        places = _spread(self.modules * self.each, count)
        return [f"/{self._path(one // self.each)}/@v/{self._version(one)}.mod" for one in places]

    def lists(self, count: int) -> list[str]:
        """Targets of lists, likewise."""
        return [f"/{self._path(number)}/@v/list" for number in _spread(self.modules, count)]

    def write(self) -> None:
        """Make everything."""
        layout = Layout(self.root)
        layout.create()
        tree = layout.modules / NAMESPACE
        infos = self._infos(layout.root / "seed")
        for number in range(self.modules):
            self._write_module(tree / self._path(number) / "@v", number, infos)
        records = SqliteRecords(layout.records)
        rows = self._rows()
        while batch := list(islice(rows, BATCH)):
            records.write(batch)
        records.close()

    def _path(self, number: int) -> str:
        return f"example.com/grown{number % 100:02}/module{number:06}"

    def _version(self, number: int) -> str:
        return f"v1.{number % self.each}.0"

    def _info(self, version: str) -> bytes:
        return f'{{"Version":"{version}","Time":"2024-01-02T03:04:05Z"}}'.encode()

    def _mod(self, number: int) -> bytes:
        return f"module {self._path(number)}\n\ngo 1.21\n".encode()

    def _infos(self, folder: Path) -> dict[str, Path]:
        """One file for each version number."""
        folder.mkdir()
        made = {self._version(number): folder / f"{number}.info" for number in range(self.each)}
        for version, file in made.items():
            file.write_bytes(self._info(version))
        return made

    def _write_module(self, folder: Path, number: int, infos: dict[str, Path]) -> None:
        os.makedirs(folder)
        first = folder / f"{self._version(0)}.mod"
        first.write_bytes(self._mod(number))
        for version, info in infos.items():
            os.link(info, folder / f"{version}.info")
            if version != self._version(0):
                os.link(first, folder / f"{version}.mod")

    def _rows(self) -> Iterator[ArtifactRow | AnswerRow]:
        now = time.time()
        for number in range(self.modules):
            path, mod = self._path(number), self._mod(number)
            versions = [self._version(one) for one in range(self.each)]
            names = "".join(f"{version}\n" for version in versions).encode()
            yield AnswerRow(NAMESPACE, f"{path}/@v/list", names, "", SOURCE, now)
            yield from self._artifacts(path, "mod", dict.fromkeys(versions, mod), now)
            yield from self._artifacts(path, "info", {version: self._info(version) for version in versions}, now)

    def _artifacts(self, path: str, extension: str, files: dict[str, bytes], now: float) -> Iterator[ArtifactRow]:
        for version, data in files.items():
            h1 = h1_of_mod(data) if extension == "mod" else info_identity(data)
            digest = hashlib.sha256(data).hexdigest()
            yield ArtifactRow(NAMESPACE, f"{path}/@v/{version}.{extension}", len(data), digest, h1, SOURCE, now)


def _spread(many: int, count: int) -> list[int]:
    return list(range(0, many, max(many // count, 1)))[:count]


def grown(root: Path, versions: int) -> Grown:
    """A store with so many versions, which is made."""
    each = min(EACH, versions)
    store = Grown(root, versions // each, each)
    store.write()
    return store
