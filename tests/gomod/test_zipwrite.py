"""A zip that is written from front to back is what every reader takes for one, and the same every time."""

from __future__ import annotations

import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from modgate.gomod.zipwrite import ZipWriter

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


def written(files: dict[str, list[bytes]]) -> bytes:
    writer = ZipWriter()
    pieces = [piece for name, content in files.items() for piece in writer.file(name, content)]
    return b"".join([*pieces, *writer.end()])


def read(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {entry.orig_filename: archive.read(entry) for entry in archive.infolist()}


@given(st.dictionaries(NAMES, st.lists(st.binary(max_size=2000), max_size=3), max_size=5))
def test_what_is_written_is_read_again(files: dict[str, list[bytes]]) -> None:
    data = written(files)
    assert read(data) == {name: b"".join(pieces) for name, pieces in files.items()}
    assert written(files) == data


def test_the_pieces_that_content_comes_in_change_nothing() -> None:
    assert written({"a": [b"one", b"two"]}) == written({"a": [b"onetwo"]})


def test_more_entries_than_an_old_zip_can_count_are_read_again() -> None:
    files = {f"f{number}": [b""] for number in range(66_000)}
    with zipfile.ZipFile(io.BytesIO(written(files))) as archive:
        assert len(archive.namelist()) == 66_000


def test_nothing_at_all_is_a_zip_too() -> None:
    assert read(written({})) == {}
