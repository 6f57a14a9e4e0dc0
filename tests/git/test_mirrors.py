"""A repository is cloned once and little of it, whoever asks for however much; what is damaged is made anew."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modgate.errors import Absent, Unavailable
from modgate.source.base import Kind
from tests.git.asking import Asking, contents
from tests.git.forge import HOST, tree
from tests.git.repositories import Content, Repo, git

PATH = f"{HOST}/m"
VERSIONS = [f"v1.{number}.0" for number in range(50)]

Repos = Callable[[str], Repo]


def history(repo: Repo, versions: list[str]) -> Repo:
    for version in versions:
        repo.commit(
            tree("m", v__go=f'package m\n\nconst Version = "{version}"\n', big__bin=os.urandom(20_000)), version
        )
    return repo.save()


def mirror(asking: Asking) -> Path:
    """The only mirror."""
    [path] = asking.mirrors_at.glob("*.git")
    return path


def packed(path: Path) -> int:
    """Bytes of a repository's objects."""
    return sum(file.stat().st_size for file in (path / "objects").rglob("*") if file.is_file())


async def test_fifty_versions_of_one_repository_cost_one_look_at_its_refs_and_no_second_clone(
    repo: Repos, tmp_path: Path
) -> None:
    history(repo("m"), VERSIONS)
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=60.0)
    infos = await asyncio.gather(*(asking.info(PATH, version) for version in VERSIONS))
    assert [info["Version"] for info in infos] == VERSIONS
    assert asking.git.count("ls-remote") == 1
    # Each commit is fetched alone, and the second file of a kind never fetches a commit again.
    fetched = asking.git.count("fetch")
    mods = await asyncio.gather(*(asking.mod(PATH, version) for version in VERSIONS))
    assert len(mods) == 50
    assert asking.git.count("fetch") == fetched
    assert asking.git.count("ls-remote") == 1


async def test_info_and_mod_of_one_version_read_one_file_and_no_history(repo: Repos, asking: Asking) -> None:
    origin = history(repo("m"), VERSIONS)
    await asking.info(PATH, VERSIONS[10])
    await asking.mod(PATH, VERSIONS[10])
    assert packed(mirror(asking)) < 5000 < packed(origin.place)


ODD = ("main", "file", "directory", "a-name", "v1.0.1-0.20060102150405-000000000000")


@pytest.mark.parametrize("first", ODD)
@pytest.mark.parametrize("second", ODD)
async def test_tags_of_files_and_directories_are_no_versions_and_in_nobody_s_way(
    repo: Repos, asking: Asking, first: str, second: str
) -> None:
    origin = repo("m")
    commit = origin.commit(tree("m"), "v1.0.0")
    origin.save()
    for tag, stands_for in {"file": ":m.go", "directory": "^{tree}", "a-name": ""}.items():
        digits = git(origin.place, "rev-parse", origin.hash(commit) + stands_for)
        git(origin.place, "update-ref", f"refs/tags/{tag}", digits)
    for query in (first, second):
        if query in ("main", "a-name"):
            assert (await asking.info(PATH, query))["Version"] == "v1.0.0"
        else:
            with pytest.raises(Absent):
                await asking.info(PATH, query)


async def test_a_zip_fetches_its_own_files_only(repo: Repos, asking: Asking) -> None:
    origin = repo("m")
    origin.commit(tree("m", big__bin=os.urandom(300_000)), "v1.0.0")
    more: dict[str, Content] = {
        "vendor/x/y.bin": os.urandom(300_000),
        "sub/go.mod": f"module {PATH}/sub\n",
        "sub/z": os.urandom(300_000),
    }
    origin.commit(tree("m") | more, "v1.1.0")
    origin.save()
    files = contents(await asking.zip(PATH, "v1.1.0"))
    assert set(files) == {f"{PATH}@v1.1.0/go.mod", f"{PATH}@v1.1.0/m.go"}
    assert packed(mirror(asking)) < 10_000


async def test_the_zip_of_a_commit_has_the_same_bytes_every_time(repo: Repos, asking: Asking, tmp_path: Path) -> None:
    history(repo("m"), VERSIONS[:2])
    other = Asking(tmp_path / "others", HOST, tmp_path / "acme")
    assert await asking.zip(PATH, "v1.0.0") == await other.zip(PATH, "v1.0.0")


async def test_concurrent_asks_share_one_look_and_one_fetch(repo: Repos, asking: Asking) -> None:
    history(repo("m"), VERSIONS[:3])
    await asyncio.gather(*(asking.info(PATH, "v1.1.0") for _ in range(20)), *(asking.list(PATH) for _ in range(20)))
    assert asking.git.count("ls-remote") == 1
    assert asking.git.count("fetch") == 2  # the commit, and its go.mod


async def test_two_processes_may_share_the_mirrors(repo: Repos, tmp_path: Path) -> None:
    history(repo("m"), VERSIONS[:8])
    both = [Asking(tmp_path / "ours", HOST, tmp_path / "acme") for _ in range(2)]
    infos = await asyncio.gather(*(asking.zip(PATH, version) for asking in both for version in VERSIONS[:8]))
    assert len(infos) == 16


async def test_a_path_below_a_module_is_absent_without_another_look(repo: Repos, asking: Asking) -> None:
    history(repo("m"), VERSIONS[:3])
    await asking.list(PATH)
    for below in ("internal", "v", "some/package", "v2", "v3"):
        with pytest.raises(Absent):
            await asking.list(f"{PATH}/{below}")
    assert asking.git.count("ls-remote") == 1
    # The newest commit's trees tell, and come once; for v2, the root's go.mod too.
    assert asking.git.count("fetch") == 2


async def test_a_new_tag_is_seen_at_once_by_those_who_ask_anew(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=3600.0)
    origin = history(repo("m"), ["v1.0.0"])
    assert await asking.list(PATH) == ["v1.0.0"]
    history(origin, ["v1.1.0"])
    assert await asking.list(PATH) == ["v1.0.0"]
    assert await asking.list(PATH, refresh=True) == ["v1.0.0", "v1.1.0"]


async def test_the_files_of_a_version_are_of_the_commit_that_was_served_first(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=0.0)
    origin = history(repo("m"), ["v1.0.0"])
    before = await asking.info(PATH, "v1.0.0")
    moved = origin.commit(tree("m", other__go="package m\n"), "v1.0.0")
    origin.save()
    assert origin.hash(moved) in git(origin.place, "rev-parse", "v1.0.0")
    await asking.list(PATH, refresh=True)
    await asking.list(PATH, refresh=True)
    assert asking.retagged == [(f"https://{PATH}", "v1.0.0", before["Origin"]["Hash"], origin.hash(moved))]
    assert await asking.info(PATH, "v1.0.0") == before
    assert f"{PATH}@v1.0.0/other.go" not in contents(await asking.zip(PATH, "v1.0.0"))


async def test_what_is_here_is_served_while_the_host_is_away(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=0.0)
    origin = history(repo("m"), VERSIONS[:2])
    whole = await asking.zip(PATH, "v1.0.0")
    shutil.rmtree(origin.place)
    assert await asking.zip(PATH, "v1.0.0") == whole


@pytest.mark.parametrize("damage", ["packs", "head", "everything", "garbage", "commit"])
async def test_a_damaged_mirror_is_made_anew(repo: Repos, asking: Asking, damage: str) -> None:
    origin = history(repo("m"), VERSIONS[:2])
    whole = await asking.zip(PATH, "v1.0.0")
    path = mirror(asking)
    if damage == "packs":
        shutil.rmtree(path / "objects/pack")
    elif damage == "head":
        (path / "HEAD").unlink()
    elif damage == "everything":
        shutil.rmtree(path)
    elif damage == "commit":
        (path / "config").write_text("no config")
    else:
        for pack in (path / "objects").rglob("*.pack"):
            pack.chmod(0o600)
            pack.write_bytes(b"PACK" + bytes(200))
    # A process that has just begun, so that nothing is remembered of it.
    fresh = Asking(asking.mirrors_at.parent, HOST, origin.place.parent)
    assert await fresh.zip(PATH, "v1.0.0") == whole
    assert await asking.zip(PATH, "v1.1.0")


async def test_locks_that_a_killed_git_has_left_are_removed(repo: Repos, asking: Asking) -> None:
    history(repo("m"), VERSIONS[:2])
    await asking.info(PATH, "v1.0.0")
    (mirror(asking) / "shallow.lock").touch()
    assert (await asking.info(PATH, "v1.1.0"))["Version"] == "v1.1.0"


async def test_a_server_without_filters_is_fetched_from_all_the_same(repo: Repos, asking: Asking) -> None:
    origin = history(repo("m"), VERSIONS[:3])
    git(origin.place, "config", "uploadpack.allowFilter", "false")
    assert (await asking.info(PATH, "v1.0.0"))["Version"] == "v1.0.0"
    assert await asking.zip(PATH, "v1.1.0")
    pseudo = (await asking.info(PATH, "main"))["Version"]
    assert await asking.zip(PATH, pseudo)
    assert not asking.is_whole  # it sends more than it was asked for, and that does no harm


async def test_a_server_that_gives_no_single_objects_is_fetched_from_all_the_same(repo: Repos, asking: Asking) -> None:
    origin = history(repo("m"), VERSIONS[:3])
    # Protocol version 0 knows filters, but gives out only what a ref names.
    asking.config["protocol.version"] = "0"
    git(origin.place, "config", "uploadpack.allowAnySHA1InWant", "false")
    assert await asking.zip(PATH, "v1.0.0")
    assert await asking.zip(PATH, "v1.1.0")
    assert (await asking.info(PATH, "main"))["Version"] == "v1.2.0"


async def test_history_comes_without_files_and_later_commits_still_have_theirs(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=0.0)
    origin = history(repo("m"), VERSIONS[:5])
    head = origin.commit(tree("m", new__go="package m\n", deep__txt="x" * 1000))
    origin.save()
    version = (await asking.info(PATH, "main"))["Version"]
    assert version.startswith("v1.4.1-0.") and version.endswith(origin.hash(head)[:12])
    assert await asking.zip(PATH, "v1.2.0")
    # Its trees share most of what the history's commits have, whose trees are not here.
    later = origin.commit(tree("m", new__go="package m\n", deep__txt="x" * 1000, later__go="package m\n"), "v1.5.0")
    origin.save()
    files = contents(await asking.zip(PATH, "v1.5.0"))
    assert f"{PATH}@v1.5.0/deep.txt" in files and f"{PATH}@v1.5.0/later.go" in files
    assert (await asking.info(PATH, origin.hash(later)[:10]))["Version"] == "v1.5.0"


async def test_the_mirrors_that_were_not_used_for_the_longest_time_make_room(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", size=250_000)
    for name in ("m", "n", "o"):
        origin = repo(name)
        origin.commit(tree(name, big__bin=os.urandom(100_000)), "v1.0.0")
        origin.save()
    made: dict[str, Path] = {}
    for age, name in ((300, "m"), (200, "n"), (100, "o")):
        before = set(asking.mirrors_at.glob("*.git"))
        await asking.zip(f"{HOST}/{name}", "v1.0.0")
        [made[name]] = set(asking.mirrors_at.glob("*.git")) - before
        used = made[name] / "used"
        os.utime(used, (used.stat().st_atime - age, used.stat().st_mtime - age))
    # Used once more, the oldest one is the youngest.
    await asking.info(f"{HOST}/m", "v1.0.0")
    assert await asking.mirrors.sweep() == 1
    assert [name for name, path in made.items() if path.exists()] == ["m", "o"]
    assert await asking.zip(f"{HOST}/n", "v1.0.0")


async def test_a_mirror_in_use_is_not_removed(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", size=0)
    history(repo("m"), VERSIONS[:1])
    await asking.info(PATH, "v1.0.0")
    async with asking.mirrors.using(f"https://{PATH}"):
        assert await asking.mirrors.sweep() == 0
    assert await asking.mirrors.sweep() == 1


async def test_a_zip_that_is_not_read_to_its_end_lets_go_of_its_mirror(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", size=0)
    history(repo("m"), VERSIONS[:1])
    body = (await asking.answer(Kind.ZIP, PATH, "v1.0.0")).body
    await body.chunks.aclose()  # type: ignore[union-attr]  # it is arriving
    assert await asking.mirrors.sweep() == 1


async def test_a_repository_that_cannot_be_read_is_unavailable_and_one_that_is_not_there_absent(
    repo: Repos, asking: Asking
) -> None:
    origin = history(repo("m"), VERSIONS[:1])
    with pytest.raises(Absent):
        await asking.list(f"{HOST}/gone")
    lost = git(origin.place, "rev-parse", "v1.0.0^{tree}")
    (origin.place / "objects" / lost[:2] / lost[2:]).unlink()
    with pytest.raises(Unavailable):
        await asking.info(PATH, "v1.0.0")


async def test_those_who_wait_for_a_host_that_fails_share_its_failure(repo: Repos, asking: Asking) -> None:
    asking.config = {"url.file:///nowhere/.insteadOf": "https://elsewhere.example/"}
    done = await asyncio.gather(*(asking.list(PATH) for _ in range(10)), return_exceptions=True)
    assert [type(error).__name__ for error in done] == ["Forbidden"] * 10  # https is not allowed here
    assert asking.git.count("ls-remote") == 1


async def test_the_files_of_a_pseudo_version_cost_one_look_at_the_tags(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=0.0)
    origin = history(repo("m"), VERSIONS[:3])
    origin.commit(tree("m", new__go="package m\n"))
    origin.save()
    version = (await asking.info(PATH, "main"))["Version"]
    looked = asking.git.count("ls-remote")
    await asking.info(PATH, version)
    assert asking.git.count("ls-remote") > looked
    looked = asking.git.count("ls-remote")
    await asking.mod(PATH, version)
    await asking.zip(PATH, version)
    assert asking.git.count("ls-remote") == looked


async def test_a_directory_that_is_gone_does_not_end_the_sweeping(repo: Repos, asking: Asking) -> None:
    history(repo("m"), ["v1.0.0"])
    await asking.info(PATH, "v1.0.0")
    shutil.rmtree(asking.mirrors_at)
    slept = 0

    async def sleep(_: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await asking.mirrors.watch(sleep)
    assert slept == 3
