"""What a stranger puts into a repository costs no more than it may, and never leaves the repository."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Absent, GatewayError, Unavailable
from modgate.gomod.modzip import ZipLimits
from modgate.source.git.archive import _exclusions
from modgate.source.git.program import Bounds
from tests.git.asking import Asking, contents
from tests.git.forge import HOST, tree
from tests.git.repositories import Content, Link, Repo, Submodule, git

PATH = f"{HOST}/m"
Repos = Callable[[str], Repo]


def limited(tmp_path: Path, **limits: int) -> Asking:
    return Asking(tmp_path / "ours", HOST, tmp_path / "acme", limits=ZipLimits(**limits))


async def test_a_bomb_is_refused_before_it_is_unpacked(repo: Repos, tmp_path: Path) -> None:
    origin = repo("m")
    # 40 MB in the repository's few kilobytes, ten times over: one blob stands for all.
    origin.commit({**tree("m"), **{f"bomb{number}": bytes(40 << 20) for number in range(2)}}, "v1.0.0")
    origin.save()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Absent, match="create zip"):
        await limited(tmp_path, uncompressed_bytes=50 << 20).zip(PATH, "v1.0.0")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10  # KiB


async def test_a_tree_that_grows_only_by_its_attributes_is_cut(repo: Repos, tmp_path: Path) -> None:
    origin = repo("m")
    text = "x\n" * 60_000
    origin.commit({**tree("m"), ".gitattributes": "*.txt text eol=crlf\n", "a.txt": text}, "v1.0.0")
    origin.save()
    asking = limited(tmp_path, uncompressed_bytes=150_000)
    with pytest.raises(Absent, match="create zip"):
        await asking.zip(PATH, "v1.0.0")


async def test_a_large_zip_is_made_in_little_memory(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), "large": bytes(60 << 20)}, "v1.0.0")
    origin.save()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert len(await asking.zip(PATH, "v1.0.0")) < 1 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30 << 10  # KiB


@pytest.mark.parametrize("name", ["go.mod", "LICENSE"])
async def test_a_go_mod_or_licence_that_is_too_large_is_refused(repo: Repos, tmp_path: Path, name: str) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), name: f"module {PATH}\n" + "// \n" * 1000}, "v1.0.0")
    origin.save()
    with pytest.raises(Absent, match="create zip"):
        await limited(tmp_path, mod_bytes=2000).zip(PATH, "v1.0.0")


async def test_too_many_files_are_refused(repo: Repos, tmp_path: Path) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), **{f"d{number}/f": "" for number in range(300)}}, "v1.0.0")
    origin.save()
    with pytest.raises(Absent, match="create zip"):
        await limited(tmp_path, entries=100).zip(PATH, "v1.0.0")


async def test_a_pack_that_is_larger_than_allowed_is_not_kept(repo: Repos, tmp_path: Path) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), "noise": os.urandom(3 << 20)}, "v1.0.0")
    origin.save()
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", bounds=Bounds(file=1 << 20))
    assert (await asking.info(PATH, "v1.0.0"))["Version"] == "v1.0.0"
    with pytest.raises(Unavailable):
        await asking.zip(PATH, "v1.0.0")
    assert not asking.is_whole
    assert sum(file.stat().st_size for file in asking.mirrors_at.rglob("*") if file.is_file()) < 1 << 20


@pytest.mark.parametrize("path", ["../escape", "a/../../escape", ".git/config", "a//b"])
async def test_a_tree_that_would_leave_its_directory_is_refused(repo: Repos, asking: Asking, path: str) -> None:
    """Such trees cannot be written with git's own commands, so one is put together by hand."""
    origin = repo("m")
    origin.commit(tree("m"))
    origin.save()
    blob = git(origin.place, "hash-object", "-w", "--stdin", stdin=b"x")
    mod = git(origin.place, "hash-object", "-w", "--stdin", stdin=f"module {PATH}\n".encode())
    raw = b"".join(
        b"100644 " + name.encode() + b"\0" + bytes.fromhex(name_of)
        for name, name_of in sorted({path: blob, "go.mod": mod}.items())
    )
    tree_name = git(origin.place, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)
    commit = git(
        origin.place, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit-tree", tree_name, "-m", "x"
    )
    git(origin.place, "update-ref", "refs/tags/v1.0.0", commit)
    try:
        files = contents(await asking.zip(PATH, "v1.0.0"))
    except GatewayError:
        files = {}
    assert set(files) <= {f"{PATH}@v1.0.0/go.mod", f"{PATH}@v1.0.0/.git/config"}
    assert not (asking.mirrors_at.parent / "escape").exists()


async def test_symbolic_links_lead_nowhere(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    files: dict[str, Content] = {**tree("m"), "passwd": Link("/etc/passwd"), "up": Link("../../../..")}
    origin.commit({**files, "LICENSE": Link("/etc/passwd")}, "v1.0.0")
    origin.save()
    assert set(contents(await asking.zip(PATH, "v1.0.0"))) == {f"{PATH}@v1.0.0/go.mod", f"{PATH}@v1.0.0/m.go"}


async def test_programs_that_a_repository_names_are_never_run(repo: Repos, asking: Asking, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    origin = repo("m")
    attributes = "* filter=x diff=x merge=x\n*.go export-subst\n[attr]x filter=lfs\n"
    config = f'[filter "x"]\n\tsmudge = touch {marker}\n[core]\n\tfsmonitor = touch {marker}\n'
    modules = f"[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c 'touch {marker}'\n\tupdate = !touch {marker}\n"
    origin.commit({**tree("m"), ".gitattributes": attributes, ".gitconfig": config, ".gitmodules": modules}, "v1.0.0")
    origin.save()
    assert await asking.zip(PATH, "v1.0.0")
    assert not marker.exists()


async def test_a_repository_with_very_many_tags_is_listed(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    first = origin.commit(tree("m"))
    for number in range(3000):
        origin.tag(f"v1.{number}.0", first)
    origin.save()
    git(origin.place, "pack-refs", "--all")
    assert len(await asking.list(PATH)) == 3000
    assert (await asking.info(PATH, "main"))["Version"] == "v1.2999.0"


async def test_refs_with_odd_names_do_no_harm(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    first = origin.commit(tree("m"), "v1.0.0", "-x", "--upload-pack=x", "v1.1.0/v1.2.0", "ünïcode", "v1.3.0\u2028")
    origin.save()
    for ref in ("refs/heads/-y", "refs/heads/HEAD", "refs/tags/refs/heads/main", "refs/tags/v1.4.0;id"):
        git(origin.place, "update-ref", ref, origin.hash(first))
    assert await asking.list(PATH) == ["v1.0.0"]
    assert (await asking.info(PATH, "-x"))["Version"] == "v1.0.0"
    assert (await asking.info(PATH, "main"))["Version"] == "v1.0.0"


async def test_a_stopped_reader_leaves_no_git_behind(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), "large": bytes(30 << 20)}, "v1.0.0")
    origin.save()
    async with asyncio.timeout(60):
        for _ in range(2):
            reading = asyncio.create_task(asking.zip(PATH, "v1.0.0"))  # noqa: TID251  # cancelled and awaited below
            while not any("archive" in run for run in asking.git.runs) and not reading.done():
                await asyncio.sleep(0.01)
                if len(asking.git.runs) > 8:
                    break
            reading.cancel()
            await asyncio.wait([reading])
    assert await asking.zip(PATH, "v1.0.0")


# Bombs that are small in the repository: what they would be is never made.


def nested(origin: Repo, depth: int, width: int, leaf: str) -> str:
    """A tree of `width` directories with the same tree below, and so on; its name. `leaf` is the deepest tree."""
    for _ in range(depth):
        raw = b"".join(b"40000 d%03d\0" % number + bytes.fromhex(leaf) for number in range(width))
        leaf = written(origin, raw)
    return leaf


def written(origin: Repo, raw: bytes) -> str:
    """A tree of these entries, whatever git thinks of them; its name. (A git process for each would take its time.)"""
    data = b"tree %d\0" % len(raw) + raw
    name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    file = origin.place / "objects" / name[:2] / name[2:]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(zlib.compress(data))
    return name


def with_tree(origin: Repo, below: str, module: str = PATH) -> None:
    """Tag v1.0.0 a commit that has the module's go.mod and, in a directory, the tree `below`."""
    mod = git(origin.place, "hash-object", "-w", "--stdin", stdin=f"module {module}\n".encode())
    raw = b"40000 below\0" + bytes.fromhex(below) + b"100644 go.mod\0" + bytes.fromhex(mod)
    root = written(origin, raw)
    person = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    git(origin.place, "update-ref", "refs/tags/v1.0.0", git(origin.place, *person, "commit-tree", root, "-m", "x"))


def leaf_of(origin: Repo) -> str:
    """A tree with one file."""
    blob = git(origin.place, "hash-object", "-w", "--stdin", stdin=b"x")
    return written(origin, b"100644 f\0" + bytes.fromhex(blob))


async def test_a_tree_that_would_have_a_billion_files_costs_little(repo: Repos, tmp_path: Path) -> None:
    origin = repo("m")
    origin.commit(tree("m"))
    origin.save()
    with_tree(origin, nested(origin, 9, 10, leaf_of(origin)))
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", bounds=Bounds(output=4 << 20))
    assert (await asking.info(PATH, "v1.0.0"))["Version"] == "v1.0.0"
    assert await asking.mod(PATH, "v1.0.0") == f"module {PATH}\n".encode()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(GatewayError, match="bytes that are allowed"):
        await asking.zip(PATH, "v1.0.0")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60 << 10  # KiB


async def test_a_tree_of_a_hundred_thousand_files_more_than_are_allowed_is_absent(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    origin.commit(tree("m"))
    origin.save()
    with_tree(origin, nested(origin, 5, 10, leaf_of(origin)))
    with pytest.raises(Absent, match="create zip"):
        await limited_of(asking, entries=50_000).zip(PATH, "v1.0.0")


def limited_of(asking: Asking, **limits: int) -> Asking:
    """The same repositories, with other limits."""
    place = asking.mirrors_at.parent.parent / "acme"
    return Asking(asking.mirrors_at.parent / "other", HOST, place, limits=ZipLimits(**limits))


@pytest.mark.parametrize("depth", [3000, pytest.param(14_000, marks=pytest.mark.soak)])
async def test_directories_that_lie_very_deep_are_packed_or_refused(repo: Repos, asking: Asking, depth: int) -> None:
    """A path of 15 KB is longer than any file system takes, and nothing but git ever sees it; one of 70 KB has no place
    in a zip."""
    origin = repo("m")
    origin.commit(tree("m"))
    origin.save()
    with_tree(origin, nested(origin, depth, 1, leaf_of(origin)))
    assert (await asking.info(PATH, "v1.0.0"))["Version"] == "v1.0.0"
    if depth < 10_000:
        assert len(contents(await asking.zip(PATH, "v1.0.0"))) == 2
        return
    with pytest.raises(Absent, match=r"create zip: .* longer than the 65535 bytes of a zip") as caught:
        await asking.zip(PATH, "v1.0.0")
    assert len(caught.value.reason) < 1000


@pytest.mark.soak
async def test_a_file_of_half_a_gigabyte_is_refused_as_the_go_command_does(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    origin.commit({**tree("m"), "huge": bytes((500 << 20) + 1)}, "v1.0.0")
    origin.save()
    assert (await asking.info(PATH, "v1.0.0"))["Version"] == "v1.0.0"
    with pytest.raises(Absent, match="create zip"):
        await asking.zip(PATH, "v1.0.0")


async def test_submodules_are_left_alone(repo: Repos, asking: Asking, tmp_path: Path) -> None:
    marker, origin = tmp_path / "marker", repo("m")
    told = "".join(
        f'[submodule "{name}"]\n\tpath = {name}\n\turl = {url}\n'
        for name, url in (("x", f"ext::sh -c 'touch {marker}'"), ("y", "file:///etc"), ("-c", "--upload-pack=id"))
    )
    gone = Submodule("0123456789" * 4)
    files: dict[str, Content] = {**tree("m"), ".gitmodules": told, "x": gone, "y": gone}
    origin.commit(files, "v1.0.0")
    origin.save()
    names = set(contents(await asking.zip(PATH, "v1.0.0")))
    assert names == {f"{PATH}@v1.0.0/{name}" for name in (".gitmodules", "go.mod", "m.go")}
    assert not marker.exists()
    assert not any("submodule" in run for run in asking.git.runs)


async def test_names_of_very_deep_directories_cost_little_memory(tmp_path: Path) -> None:
    """All directories of one such name would have a gigabyte."""
    deep = "a/" * 30_000
    tracemalloc.start()
    try:
        assert _exclusions([f"{deep}x"], [f"{deep}y", "b/z"]) == [f":(exclude,literal){deep}y", ":(exclude,literal)b"]
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


NAMES = st.lists(st.text("ab.", min_size=1, max_size=2), min_size=1, max_size=4).map("/".join)


@given(st.sets(NAMES), st.data())
def test_what_is_left_out_is_all_that_was_not_chosen_and_nothing_else(names: set[str], data: st.DataObject) -> None:
    files = sorted(name for name in names if not any(other.startswith(f"{name}/") for other in names))
    chosen = [name for name in files if data.draw(st.booleans())]
    outside = [name for name in files if name not in chosen]
    excluded = [spec.removeprefix(":(exclude,literal)") for spec in _exclusions(chosen, outside)]
    assert [name for name in files if not any(f"{name}/".startswith(f"{one}/") for one in excluded)] == chosen
    # As few as can be: what has a chosen file in it, or lies in another one, is not among them.
    assert all(not any(one.startswith(f"{other}/") for other in excluded) for one in excluded)
    assert all("/" not in one or _has_chosen(one, chosen) for one in excluded)


def _has_chosen(excluded: str, chosen: list[str]) -> bool:
    """Whether the directory around it has a file that was chosen; else that directory would be left out."""
    return any(name.startswith(f"{excluded.rpartition('/')[0]}/") for name in chosen)


async def test_a_go_mod_that_retracts_very_much_holds_nobody_up(repo: Repos, asking: Asking) -> None:
    """Each of so many tags is held against all of so many intervals: one by one that would take an hour."""
    origin = repo("m")
    retracts = "".join(f"\t[v1.{number}.1, v1.{number}.5]\n" for number in range(30_000))
    first = origin.commit({"go.mod": f"module {PATH}\n\nretract (\n{retracts})\n", "m.go": "package m\n"})
    for number in range(10_000):
        origin.tag(f"v1.{number}.3", first)
    origin.tag("v1.77.6", first)
    origin.save()
    git(origin.place, "pack-refs", "--all")
    async with asyncio.timeout(120):
        assert (await asking.latest(PATH))["Version"] == "v1.77.6"
