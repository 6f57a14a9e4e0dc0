"""Small files stay open while they are sent again and again, a few of them at once."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from modgate.errors import Unavailable
from modgate.serve.openfiles import OpenFile, OpenFiles
from tests.serve.fakes import StoredBody


def is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def opened(folder: Path) -> int:
    """How many descriptors of this process lead to files that are, or were, in the folder."""
    count = 0
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # the one of the listing itself
            count += os.readlink(f"/proc/self/fd/{name}").startswith(f"{folder}/")
    return count


@pytest.fixture
def names(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.zip" for number in range(5)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def test_it_is_opened_once(names: list[Path]) -> None:
    files = OpenFiles()
    one = OpenFile(StoredBody(names[0]), files)
    descriptor = one.descriptor()
    assert os.pread(descriptor, 10, 0) == b"0.zip"
    assert one.descriptor() == descriptor
    files.close()
    assert not is_open(descriptor)


def test_the_one_that_was_opened_first_makes_room_and_may_be_opened_again(names: list[Path]) -> None:
    files = OpenFiles(most=3)
    all_files = [OpenFile(StoredBody(name), files) for name in names]
    for _ in range(3):
        for one, name in zip(all_files, names, strict=True):
            assert os.pread(one.descriptor(), 10, 0) == name.name.encode()
            assert opened(names[0].parent) <= 3
    files.close()
    assert opened(names[0].parent) == 0


def test_one_that_is_another_by_now_is_closed_and_opened_anew(names: list[Path]) -> None:
    files = OpenFiles()
    one = OpenFile(StoredBody(names[0]), files)
    one.descriptor()
    names[1].rename(names[0])
    assert os.pread(one.descriptor(), 10, 0) == b"1.zip"
    names[2].rename(names[0])
    assert os.pread(one.descriptor(), 10, 0) == b"2.zip"
    assert opened(names[0].parent) == 1
    files.close()


def test_one_that_is_gone_or_no_local_file_is_not_there(names: list[Path]) -> None:
    class Gone(StoredBody):
        def fileno(self) -> int | None:
            raise Unavailable(reason="the file is gone")

    class Elsewhere(StoredBody):
        def fileno(self) -> int | None:
            return None

    files = OpenFiles()
    assert [OpenFile(body, files).descriptor() for body in (Gone(names[0]), Elsewhere(names[0]))] == [-1, -1]
    files.close()
