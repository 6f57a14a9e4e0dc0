"""A commit becomes a module zip: streamed out of `git archive`, never through a work tree.

Belongs here: choosing files and packing them. Not here: the rules of choice (gomod/selection.py), the zip format
(gomod/zipwrite.py).

`git archive` and nothing else gives the bytes that Go's h1 is of: line ends, `$Id$` and encodings follow the
repository's attributes, and its submodules and LFS contents are left out.
"""

from __future__ import annotations

import asyncio
import os
import tarfile
from bisect import bisect
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import IO, Any, cast

from modgate.errors import Absent, Malformed
from modgate.gomod.modlines import go_version
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.selection import Found, check_selected, selected
from modgate.gomod.zipwrite import ZipWriter
from modgate.source.git.module import Module, Place
from modgate.source.git.objects import Commit, Damaged, Item
from modgate.source.git.program import GitFailed, Stream
from modgate.source.git.revision import Repository

PIECE = 262144
"""Bytes of one chunk, and of one read."""
MOST_EXCLUSIONS = 400
"""Directories that git archive is told to leave out. With more of them, all files are fetched and left out here: each
costs a comparison for each file."""
SUBMODULE, SYMLINK = "160000", "120000"


@dataclass(frozen=True, slots=True)
class Plan:
    """What goes into a zip, all of it at hand."""

    repository: Repository
    commit: Commit
    root: str
    """The module's directory with a slash at its end, or ""."""
    prefix: str
    """What the names in the zip begin with: `path@version/`."""
    names: frozenset[str]
    """The chosen files, relative to the module's directory."""
    pathspecs: tuple[str, ...]
    license: bytes | None
    """The repository's own LICENSE, for a module in a directory without one."""
    limits: ZipLimits


async def planned(
    repository: Repository, module: Module, commit: Commit, place: Place, version: str, limits: ZipLimits
) -> Plan:
    """Choose the files and fetch them.

    Raises:
        Absent: this commit can never be a module zip: a name is not allowed, or it is too large.
        GatewayError, Damaged.
    """
    items = await repository.mirror.objects.items(commit.tree)
    try:
        choice = await asyncio.to_thread(_chosen, module, version, place, items, limits)
    except Malformed as error:
        raise repository.absent(f"create zip: {error.text}: {error.why}") from error
    await repository.mirror.fill(choice.needed)
    await _check_sizes(repository, choice.files, limits)
    text = None if choice.has_license else (await repository.files(commit, ["LICENSE"])).get("LICENSE")
    prefix = f"{module.path}@{version}/"
    return Plan(repository, commit, place.prefix, prefix, frozenset(choice.files), choice.pathspecs, text, limits)


async def packed(plan: Plan) -> AsyncGenerator[bytes, None]:
    """The bytes of the zip, the same every time for the same commit.

    Raises:
        Absent: converted by its attributes, the tree is too large.
        Unavailable, Damaged: git failed, or has died in the middle of it.
    """
    if not plan.names:
        # Git archive refuses pathspecs that leave nothing over.
        yield b"".join(_end(plan, ZipWriter()))
        return
    archive = plan.repository.mirror.objects.archive(plan.commit.tree, plan.pathspecs)
    try:
        async with archive as stream:
            async for chunk in _stepwise(stream, _pieces(plan, stream.pipe)):
                yield chunk
    except GitFailed as error:
        raise Damaged(error.text) from error
    except tarfile.TarError as error:
        # Git has died in the middle of it.
        raise Damaged(str(error)) from error
    except Malformed as error:
        raise Absent(source=plan.repository.url, reason=f"create zip: {error.text}: {error.why}") from error


async def _stepwise(stream: Stream, pieces: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The pieces, made in a thread: reading the pipe waits, and deflating takes a second for 40 MB."""
    loop = asyncio.get_running_loop()
    while True:
        step = loop.run_in_executor(None, _gathered, pieces)
        try:
            chunk = await asyncio.shield(step)
        except asyncio.CancelledError:
            # The thread has to have let go of the pipe before anybody closes it.
            stream.kill()
            await asyncio.wait([step])
            raise
        if not chunk:
            return
        yield chunk


def _gathered(pieces: Iterator[bytes]) -> bytes:
    chunk = bytearray()
    for piece in pieces:
        chunk += piece
        if len(chunk) >= PIECE:
            break
    return bytes(chunk)


def _pieces(plan: Plan, pipe: int) -> Iterator[bytes]:
    writer, left, packed_names = ZipWriter(), plan.limits.uncompressed_bytes, set[str]()
    with ExitStack() as stack:
        file = stack.enter_context(os.fdopen(os.dup(pipe), "rb", buffering=PIECE))
        tar = stack.enter_context(
            tarfile.open(fileobj=file, mode="r|", bufsize=PIECE, encoding="utf-8", errors="surrogateescape")
        )
        while (member := tar.next()) is not None:
            cast(Any, tar).members = []  # it would remember all of them
            name = member.name[len(plan.root) :]
            if not member.isreg() or name not in plan.names or not member.name.startswith(plan.root):
                continue
            left -= member.size
            if left < 0:
                most = plan.limits.uncompressed_bytes
                raise Malformed("module zip", name, f"the contents are more than the allowed {most} bytes")
            packed_names.add(name)
            content = cast(IO[bytes], tar.extractfile(member))
            yield from writer.file(plan.prefix + name, iter(partial(content.read, PIECE), b""))
    if len(packed_names) < len(plan.names):
        raise tarfile.ReadError("files are missing")
    yield from _end(plan, writer)


def _end(plan: Plan, writer: ZipWriter) -> Iterator[bytes]:
    if plan.license is not None:
        yield from writer.file(f"{plan.prefix}LICENSE", [plan.license])
    yield from writer.end()


@dataclass(frozen=True, slots=True)
class _Choice:
    """What of a tree is needed."""

    files: dict[str, str]
    """The blobs of the regular files, by name relative to the module's directory."""
    needed: list[str]
    """All blobs that git archive will open."""
    pathspecs: tuple[str, ...]
    has_license: bool
    """Whether the module needs no LICENSE but what it has."""


def _chosen(module: Module, version: str, place: Place, items: list[Item], limits: ZipLimits) -> _Choice:
    """Choose the files. For a large tree this takes a second, so it is done in a thread."""
    root = place.prefix
    inside = {item.path[len(root) :]: item for item in items if item.path.startswith(root) and item.mode != SUBMODULE}
    found = (Found(name, 0, item.mode != SYMLINK) for name, item in inside.items())
    picked = selected(found, go_version(place.go_mod or b""))
    has_license = not root or "LICENSE" in inside
    adopted = [] if has_license else [Found("LICENSE", 0, regular=True) for item in items if item.path == "LICENSE"]
    check_selected(module.path, version, [*picked, *adopted], limits)
    names = {file.name for file in picked}
    pathspecs = _exclusions([root + name for name in names], [root + name for name in inside if name not in names])
    opened = list(inside.values())
    if len(pathspecs) > MOST_EXCLUSIONS:
        pathspecs = []
    else:
        opened = [inside[name] for name in names]
    if root:
        pathspecs.insert(0, f":(literal){place.directory}")
    opened += [item for item in items if _is_attributes(item, root)]
    files = {file.name: inside[file.name].blob for file in picked if file.regular}
    return _Choice(files, [item.blob for item in opened], tuple(pathspecs), has_license)


def _exclusions(chosen: list[str], outside: list[str]) -> list[str]:
    """Pathspecs that keep git archive from opening the files `outside`, which may not be there."""
    # Of all chosen files, one of the two beside a path in their order shares the most directories with it. A set of all
    # their directories could have a thousand times the size of the names.
    kept = sorted(chosen)
    left_out: dict[str, None] = {}
    last = "\0"
    for path in outside:
        if path.startswith(last):
            continue  # most lie together
        place = bisect(kept, path)
        shared = max((_shared(path, one) for one in kept[max(place - 1, 0) : place + 1]), default=0)
        at = path.find("/", shared)
        left_out[path if at < 0 else path[:at]] = None
        last = "\0" if at < 0 else path[: at + 1]
    return [f":(exclude,literal){path}" for path in left_out]


def _shared(path: str, other: str) -> int:
    """Characters of the directories that both have in common, from the root on."""
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(path, other, strict=False))
    return path.rfind("/", 0, sum(1 for _ in alike)) + 1


async def _check_sizes(repository: Repository, files: dict[str, str], limits: ZipLimits) -> None:
    """Refuse at once what is too large before any conversion."""
    sizes = await repository.mirror.objects.sizes(dict.fromkeys(files.values()))
    total = sum(sizes.get(blob, 0) for blob in files.values())
    if total > limits.uncompressed_bytes:
        reason = f"create zip: its files have {total} bytes; {limits.uncompressed_bytes} are allowed"
        raise repository.absent(reason)
    for name in ("go.mod", "LICENSE"):
        if sizes.get(files.get(name, ""), 0) > limits.mod_bytes:
            raise repository.absent(f"create zip: {name} has more than {limits.mod_bytes} bytes")


def _is_attributes(item: Item, root: str) -> bool:
    """Whether a file's attributes may concern the module: it lies in the module's directory, or in one above it."""
    folder, _, name = item.path.rpartition("/")
    return name == ".gitattributes" and (item.path.startswith(root) or not folder or root.startswith(f"{folder}/"))
