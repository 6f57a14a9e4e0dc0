"""Bare repositories made of a few lines, as a git host would have them.

Belongs here: making them, quickly (one git process each). Not here: serving them over HTTP (hosts.py).
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRON = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "LC_ALL": "C",
}
START = 1_600_000_000
"""Seconds since the epoch: the time of a repository's first commit; each further one is a minute later."""

Content = str | bytes


class Link(str):
    """The target of a symbolic link."""

    __slots__ = ()


class Submodule(str):
    """The commit of a git submodule."""

    __slots__ = ()


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git in a repository; it has to succeed."""
    done = subprocess.run(
        ["git", *arguments], cwd=directory, env=ENVIRON, input=stdin, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr.decode()}"
    return done.stdout.decode(errors="replace").strip()


class Repo:
    """A history that is written down first and made by `save`; further commits may follow."""

    def __init__(self, place: Path, *, sha256: bool = False) -> None:
        """`place` is where the bare repository will lie."""
        self.place = place
        self._marks = 0
        self._time = START
        self._stream = bytearray()
        self._marked: dict[int, str] = {}
        self._branches: set[str] = set()
        self._saved: set[str] = set()
        place.mkdir(parents=True)
        git(place, "init", "-q", "--bare", f"--object-format={'sha256' if sha256 else 'sha1'}")
        git(place, "symbolic-ref", "HEAD", "refs/heads/main")
        git(place, "config", "uploadpack.allowFilter", "true")

    def commit(
        self,
        files: Mapping[str, Content],
        *tags: str,
        branch: str = "main",
        parent: int | None = None,
        merge: int | None = None,
        message: str = "change",
    ) -> int:
        """A commit whose whole tree is `files`, with these tags; returns its number.

        `parent` 0 begins a history anew; without it the branch goes on.
        """
        self._marks += 1
        self._time += 60
        person = f"A <a@example.com> {self._time} +0200"
        self._line(f"commit refs/heads/{branch}", f"mark :{self._marks}", f"committer {person}")
        self._data(message.encode())
        if parent == 0 and branch in self._branches:
            raise AssertionError("a branch that is there cannot begin anew: take another one")
        if parent:
            self._line(f"from :{parent}")
        elif branch in self._saved:
            # To a new process the branch is new too.
            self._line(f"from refs/heads/{branch}^0")
            self._saved.discard(branch)
        if merge is not None:
            self._line(f"merge :{merge}")
        self._branches.add(branch)
        self._line("deleteall")
        for name, content in files.items():
            if isinstance(content, Submodule):
                self._line(f"M 160000 {content} {_quoted(name)}")
                continue
            self._line(f"M {'120000' if isinstance(content, Link) else '100644'} inline {_quoted(name)}")
            self._data(content.encode() if isinstance(content, str) else content)
        for tag in tags:
            self.tag(tag, self._marks)
        return self._marks

    def tag(self, name: str, commit: int) -> None:
        """A lightweight tag."""
        self._line(f"reset refs/tags/{name}", f"from :{commit}", "")

    def annotate(self, name: str, commit: int) -> None:
        """An annotated tag."""
        self._line(f"tag {name}", f"from :{commit}", f"tagger A <a@example.com> {self._time} +0000")
        self._data(b"a tag\n")

    def save(self) -> Repo:
        """Make all of it."""
        marks = self.place / "test-marks"
        options = [f"--export-marks={marks}"] + ([f"--import-marks={marks}"] if marks.exists() else [])
        git(self.place, "fast-import", "--quiet", "--force", *options, stdin=bytes(self._stream))
        self._stream.clear()
        self._saved |= self._branches
        lines = (line.split() for line in marks.read_text().splitlines())
        self._marked = {int(mark[1:]): name for mark, name in lines}
        return self

    def hash(self, commit: int) -> str:
        """All digits of a commit that is saved."""
        return self._marked[commit]

    def _line(self, *lines: str) -> None:
        self._stream += "".join(f"{line}\n" for line in lines).encode(errors="surrogateescape")

    def _data(self, data: bytes) -> None:
        self._stream += f"data {len(data)}\n".encode() + data + b"\n"


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def with_history(place: Path, module: str, count: int, size: int = 5000) -> list[str]:
    """Make a repository of a module with so many versions, each of which changes one of twenty files of `size` bytes
    that nothing can compress; its tags."""
    repo, chance = Repo(place), random.Random(1)
    files: dict[str, Content] = {"go.mod": f"module {module}\n\ngo 1.21\n"}
    files |= {f"part{number}/data.bin": chance.randbytes(size) for number in range(20)}
    tags = [f"v1.{number}.0" for number in range(count)]
    for number, tag in enumerate(tags):
        files[f"part{number % 20}/data.bin"] = chance.randbytes(size)
        repo.commit(files, tag)
    repo.save()
    return tags
