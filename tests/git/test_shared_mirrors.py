"""Mirrors that several workers share: what one of them removes or makes anew, the others notice."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modgate.errors import Trouble, Unavailable
from tests.git.asking import Asking, contents
from tests.git.forge import HOST, tree
from tests.git.repositories import Repo
from tests.git.test_mirrors import PATH, VERSIONS, history, mirror

Repos = Callable[[str], Repo]


@pytest.fixture
def workers(tmp_path: Path) -> list[Asking]:
    """Two processes that share one directory of mirrors, with room for none that is not in use."""
    return [Asking(tmp_path / "ours", HOST, tmp_path / "acme", size=0, refs_age=0.0) for _ in range(2)]


@pytest.mark.parametrize("deeper", ["main", "v1.0.0"])
async def test_a_mirror_that_another_worker_has_removed_and_made_anew_has_no_history_any_more(
    repo: Repos, workers: list[Asking], deeper: str
) -> None:
    one, other = workers
    origin = history(repo("m"), ["v1.0.0"])
    head = origin.commit(tree("m", new__go="package m\n"))
    origin.save()
    pseudo = (await one.info(PATH, "main"))["Version"]
    assert pseudo.startswith("v1.0.1-0.") and pseudo.endswith(origin.hash(head)[:12])
    assert await other.mirrors.sweep() == 1
    await other.info(PATH, deeper)
    assert (await one.info(PATH, "main"))["Version"] == pseudo
    await other.mirrors.sweep()
    await other.info(PATH, deeper)
    one.mirrors._mirrors[next(iter(one.mirrors._mirrors))]._proven.clear()
    assert (await one.info(PATH, pseudo))["Version"] == pseudo
    assert contents(await one.zip(PATH, pseudo)).keys() >= {f"{PATH}@{pseudo}/new.go"}


async def test_a_mirror_is_thrown_away_once_however_many_workers_meet_its_damage(
    repo: Repos, workers: list[Asking]
) -> None:
    """One that was made anew meanwhile is another one, and stays."""
    one, other = workers
    history(repo("m"), ["v1.0.0"])
    url, generations = f"https://{PATH}", list[int]()
    for asking in workers:
        await asking.info(PATH, "v1.0.0")
        async with asking.mirrors.using(url) as used:
            generations.append(used.generation)
    await asyncio.gather(*(one.mirrors.discard(url, generations[0]) for _ in range(3)))
    await one.info(PATH, "v1.0.0")
    anew = (mirror(one) / "HEAD").stat().st_ino
    await other.mirrors.discard(url, generations[1])
    await one.mirrors.discard(url, generations[0])
    assert (mirror(one) / "HEAD").stat().st_ino == anew


async def test_a_mirror_that_goes_while_it_is_read_is_made_anew(repo: Repos, asking: Asking) -> None:
    origin = history(repo("m"), VERSIONS[:1])
    whole = await asking.zip(PATH, "v1.0.0")
    run, gone = asking.git.run, list[str]()

    async def losing(repository: Path, *arguments: str, **options: Any) -> bytes:
        if "ls-tree" in arguments and not gone:
            gone.append("ls-tree")
            shutil.rmtree(mirror(asking))
        return await run(repository, *arguments, **options)

    asking.git.run = losing  # type: ignore[method-assign]  # a mirror may go at any moment; this is the worst one
    assert await asking.zip(PATH, "v1.0.0") == whole
    assert gone and origin.place.exists()


async def test_trees_that_history_left_out_are_fetched_once_for_all(repo: Repos, tmp_path: Path) -> None:
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme", refs_age=3600.0)
    origin = history(repo("m"), VERSIONS[:5])
    origin.commit(tree("m", new__go="package m\n"))
    origin.save()
    await asking.info(PATH, "main")
    fetched = asking.git.count("fetch")
    await asyncio.gather(*(asking.mod(PATH, "v1.1.0") for _ in range(10)))
    assert asking.git.count("fetch") == fetched + 1  # its go.mod is that of the others


async def test_who_gave_up_waiting_for_a_mirror_does_not_keep_it_in_use(repo: Repos, workers: list[Asking]) -> None:
    one, other = workers
    history(repo("m"), ["v1.0.0"])
    await one.info(PATH, "v1.0.0")
    removing = other.mirrors._try_hold(mirror(one).name, fcntl.LOCK_EX)
    assert removing is not None
    waiting = asyncio.create_task(one.info(PATH, "v1.0.0"))  # noqa: TID251  # cancelled and awaited right below
    await asyncio.sleep(0)
    # Somebody waits, so it is not swept; and looking for that takes nothing that others wait for.
    assert await one.mirrors.sweep() == 0
    waiting.cancel()
    await asyncio.wait([waiting])
    os.close(removing)
    assert await one.mirrors.sweep() == 1
    async with asyncio.timeout(60):
        assert (await other.info(PATH, "v1.0.0"))["Version"] == "v1.0.0"


async def test_a_mirror_that_somebody_is_about_to_use_is_left_to_them(repo: Repos, workers: list[Asking]) -> None:
    one, other = workers
    history(repo("m"), ["v1.0.0"])
    await one.info(PATH, "v1.0.0")
    key = mirror(one).name.removesuffix(".git")
    one.mirrors._users[key] += 1  # as between two looks at the lock
    assert await one.mirrors.sweep() == 0
    assert await other.mirrors.sweep() == 1


async def test_mirrors_that_cannot_be_used_are_our_trouble(repo: Repos, asking: Asking) -> None:
    history(repo("m"), ["v1.0.0"])
    shutil.rmtree(asking.mirrors_at)
    with pytest.raises(Unavailable, match="mirrors here cannot be used") as caught:
        await asking.info(PATH, "v1.0.0")
    assert caught.value.trouble is Trouble.OURS
