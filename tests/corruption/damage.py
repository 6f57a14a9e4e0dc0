"""What may happen to a file behind a gateway's back: each does it to one file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

Damage = Callable[[Path], None]


def truncated(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def lengthened(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\n")


def flipped(path: Path) -> None:
    """One bit, in place."""
    middle = path.stat().st_size // 2
    with path.open("r+b") as file:
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 1]))


def flipped_secretly(path: Path) -> None:
    """One bit, by something that puts the time of the last change back, as some backup programs do."""
    before = path.stat()
    flipped(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path) -> None:
    """By another file of the same length, under the same name."""
    other = path.with_name("other")
    other.write_bytes(b"x" * path.stat().st_size)
    other.replace(path)


def deleted(path: Path) -> None:
    path.unlink()


def made_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def dangling(path: Path) -> None:
    """A symbolic link to nothing."""
    path.unlink()
    path.symlink_to("nowhere")


def locked(path: Path) -> None:
    """Nobody may read it."""
    path.chmod(0)


DAMAGES: tuple[Damage, ...] = (
    truncated,
    emptied,
    lengthened,
    flipped,
    flipped_secretly,
    replaced,
    deleted,
    made_a_directory,
    dangling,
    locked,
)

all_damages = pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)


def as_others() -> tuple[str, ...]:
    """What a gateway has to be started through so that permissions mean something to it: they mean nothing to root."""
    if os.geteuid() != 0:
        return ()
    found = shutil.which("setpriv")
    if found is None:
        pytest.skip("root reads every file, and there is no setpriv to give that up")
    return (found, "--bounding-set", "-dac_override,-dac_read_search", "--")
