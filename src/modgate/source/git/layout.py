"""The directory of a mirror on disk: how it is laid out, cleaned and removed.

Belongs here: files. Not here: what git does with them (mirror.py).
"""

from __future__ import annotations

import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

WHOLE = "whole"
"""A file in mirrors whose server cannot send single files: there everything is fetched with its commit."""
DEEP = "deep"
"""A file in mirrors that have had their whole history."""
USED = "used"
"""A file in each mirror; its time is that of the last use."""
GRAVE = ".removed-"
"""In the names of directories that are being removed."""
_ATTRIBUTES = "* -export-subst -export-ignore\n"
"""Neither may change what is in a zip (protocol.md §3)."""


def is_there(path: Path) -> bool:
    """Whether there is a mirror."""
    return (path / "HEAD").exists()


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a mirror from one that was made later in its place; None where there is none."""
    try:
        about = (path / "HEAD").stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def lay_out(path: Path, url: str, *, sha256: bool, whole: bool) -> None:
    """Make an empty bare repository for `url`; HEAD comes last, and without it there is none."""
    shutil.rmtree(path, ignore_errors=True)
    for folder in ("objects/pack", "refs", "info"):
        (path / folder).mkdir(parents=True)
    extension = "[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""
    core = "[core]\n\trepositoryformatversion = 1\n\tbare = true\n"
    (path / "config").write_text(f'{core}{extension}[remote "origin"]\n\turl = {_quoted(url)}\n')
    (path / "info/attributes").write_text(_ATTRIBUTES)
    if whole:
        (path / WHOLE).touch()
    (path / USED).touch()
    (path / "HEAD").write_text("ref: refs/heads/none\n")


def remove(path: Path) -> None:
    """Remove a mirror: under another name first, so that a half of it is never taken for a whole one."""
    if path.exists():
        grave = tempfile.mkdtemp(prefix=f"{path.name}{GRAVE}", dir=path.parent)
        with suppress(FileNotFoundError):  # somebody else was faster
            path.rename(f"{grave}/mirror")
        shutil.rmtree(grave, ignore_errors=True)


def clear(place: Path) -> None:
    """Remove what git processes that failed or were killed have left; we hold the right to change the mirror."""
    for pattern in ("*.lock", "tmp_*"):
        for file in place.rglob(pattern):
            file.unlink(missing_ok=True)


def packs(place: Path) -> int:
    """How many packs a mirror has."""
    return sum(1 for _ in (place / "objects/pack").glob("*.pack"))


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
