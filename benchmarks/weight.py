"""Zips with weight: large ones, and ones of many files, made faster than they could be packed.

Belongs here: their bytes. Not here: which modules have them (project.py).
"""

from __future__ import annotations

import random
import zipfile
from collections.abc import Iterator, Sequence

from tests.world.modules import Module, pack

WORDS = 2000
"""Different words in the texts that are made up: they are packed to a third, as source code is."""


def noise(prefix: str, size: int) -> bytes:
    """The zip of a module with one file of so many bytes, which are stored as they are: nothing could pack them."""
    path, _, version = prefix.partition("@")
    files = [
        (f"{prefix}/go.mod", Module(path, version).mod_bytes),
        (f"{prefix}/payload.bin", random.Random(prefix).randbytes(size)),
    ]
    return pack(files, method=zipfile.ZIP_STORED, streamed=False)


def many_files(seed: str, files: int, size: int) -> dict[str, bytes]:
    """So many files of text with so many bytes together."""
    text, each = _text(seed, 4 * max(size // files, 1000)), max(size // files, 1)
    step = max((len(text) - each) // files, 1)
    return {f"package{number % 50:02}/file{number:05}.txt": text[number * step :][:each] for number in range(files)}


def versions_of(path: str, versions: Sequence[str], files: int, size: int) -> Iterator[tuple[str, str, bytes]]:
    """(path, version, zip) for versions that have the same content and names of the same length.

    It is packed once: the version stands in no checksum inside a zip, only in the names.
    """
    first = f"{path}@{versions[0]}"
    contents = {"go.mod": Module(path, versions[0]).mod_bytes, **many_files(path, files, size)}
    packed = pack((f"{first}/{name}", data) for name, data in sorted(contents.items()))
    for version in versions:
        assert len(version) == len(versions[0]), "lengths stand in a zip too"
        yield path, version, packed.replace(first.encode(), f"{path}@{version}".encode())


def noise_of(path: str, versions: Sequence[str], size: int) -> Iterator[tuple[Module, bytes]]:
    """Versions, and their zips, that have the same one file of so many bytes, stored as it is, and names of the same
    length."""
    payload, first = random.Random(path).randbytes(size), f"{path}@{versions[0]}"
    files = [(f"{first}/go.mod", Module(path, versions[0]).mod_bytes), (f"{first}/payload.bin", payload)]
    packed = pack(files, method=zipfile.ZIP_STORED, streamed=False)
    for version in versions:
        assert len(version) == len(versions[0]), "lengths stand in a zip too"
        module = Module(path, version, {"payload.bin": payload})
        yield module, packed.replace(first.encode(), str(module).encode())


def _text(seed: str, size: int) -> bytes:
    source = random.Random(seed)
    words = [f"{source.getrandbits(48):x}"[: source.randint(2, 10)] for _ in range(WORDS)]
    return " ".join(source.choices(words, k=size // 5)).encode()[:size]
