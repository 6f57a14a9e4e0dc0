"""What the upstream of a benchmark hands out is what go commands and gateways take."""

from __future__ import annotations

import zipfile
from pathlib import Path

from benchmarks.grown import grown
from benchmarks.project import CHECKED_FILES, MODULES, WANTED, publish
from benchmarks.weight import many_files, noise, versions_of
from modgate.gomod.dirhash import h1_of_mod
from modgate.storage.layout import Layout
from modgate.storage.sqlite import SqliteRecords


def test_the_projects_name_each_of_their_modules_once(tmp_path: Path) -> None:
    project = publish(tmp_path, weight=0.01)
    assert project.graph.count("example.com/graph") == MODULES == len(project.unstored)
    assert project.download.count("example.com/wanted") == sum(WANTED)
    assert all((tmp_path / name).read_bytes().startswith(b"module ") for name in project.unstored)
    assert (tmp_path / f"sumdb/{project.checksum.partition('+')[0]}/latest").is_file()


def test_versions_that_are_packed_once_have_names_and_content_of_their_own(tmp_path: Path) -> None:
    made = list(versions_of("example.com/m", ["v1.0.0", "v1.0.1"], files=20, size=40_000))
    contents = []
    for path, version, data in made:
        (tmp_path / version).write_bytes(data)
        with zipfile.ZipFile(tmp_path / version) as archive:
            assert archive.testzip() is None
            prefix = f"{path}@{version}/"
            assert all(name.startswith(prefix) for name in archive.namelist())
            contents.append({name.removeprefix(prefix): archive.read(name) for name in archive.namelist()})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 21


def test_weight_is_what_was_asked_for() -> None:
    assert 100_000 < len(noise("example.com/m@v1.0.0", 100_000)) < 101_000
    files = many_files("seed", 100, 200_000)
    assert len(files) == 100 < CHECKED_FILES
    assert sum(map(len, files.values())) == 200_000


def test_a_grown_store_holds_files_and_rows_for_every_version(tmp_path: Path) -> None:
    store = grown(tmp_path / "store", 100)
    layout = Layout(store.root)
    records = SqliteRecords(layout.records)
    try:
        for target in store.mods(5):
            data = (layout.modules / "public" / target[1:]).read_bytes()
            row = records.artifact("public", target[1:])
            assert row is not None and row.h1 == h1_of_mod(data)
        for target in store.lists(5):
            answer = records.answer("public", target[1:])
            assert answer is not None and answer.body.count(b"\n") == store.each
    finally:
        records.close()
    assert sum(1 for _ in layout.modules.rglob("*.info")) == 100
