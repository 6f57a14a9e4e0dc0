"""What a go command is about to ask for is fetched before it does, as long as the guesses are right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from modgate.cache.ahead import CLAIM_SECONDS, MODS_SECONDS, PAUSE_SECONDS, READ, WIDEST, WINDOW, Ahead
from modgate.errors import Absent
from modgate.gomod import ModulePath
from modgate.observe.metrics import Metrics
from modgate.source.base import Answer, Ask, Cached, Freshness, Kind, Ready, Terms


def mod(name: str) -> Ask:
    return Ask(Kind.MOD, ModulePath(f"example.com/{name}"), "v1.0.0")


def go_mod(name: str, requires: Iterable[str] = ()) -> bytes:
    lines = [f"module example.com/{name}", *(f"require example.com/{other} v1.0.0" for other in requires)]
    return "\n".join(lines).encode()


class Cellar:
    """A cache of small files, an upstream behind it, and a clock."""

    def __init__(self) -> None:
        self.upstream: dict[Ask, bytes] = {}
        self.stored: set[Ask] = set()
        self.asked: list[Ask] = []
        self.now = 1000.0
        self.open = asyncio.Event()
        self.open.set()
        self.defects: list[BaseException] = []

    async def get(self, ask: Ask, terms: Terms) -> Answer:
        if ask in self.stored:
            return Answer(ask, Ready(self.upstream[ask]), cached=Cached.HIT)
        self.asked.append(ask)
        await self.open.wait()
        if ask not in self.upstream:
            raise Absent(asked=str(ask))
        self.stored.add(ask)
        return Answer(ask, Ready(self.upstream[ask]), cached=Cached.MISS)

    async def close(self, grace: float = 0.0) -> None:
        """Nothing is open."""

    def has(self, name: str, *requires: str) -> None:
        self.upstream[mod(name)] = go_mod(name, requires)

    def has_many(self, name: str, prefix: str, count: int) -> list[str]:
        """A module that requires so many others, which require nothing; their names."""
        names = [f"{prefix}{number}" for number in range(count)]
        self.has(name, *names)
        for one in names:
            self.has(one)
        return names


@asynccontextmanager
async def ahead(it: Cellar, private: str = "", at_once: int = 16, workers: int = 1) -> AsyncIterator[Ahead]:
    made = Ahead(
        it,
        allowed=lambda ask: not private or not ask.path.startswith(private),
        is_stored=lambda ask: ask in it.stored,
        metrics=Metrics(),
        unexpected=it.defects.append,
        at_once=at_once,
        workers=workers,
        clock=lambda: it.now,
    )
    try:
        yield made
    finally:
        await made.close()
    assert it.defects == []


async def quiet() -> None:
    """Let everything happen that can."""
    for _ in range(50):
        await asyncio.sleep(0)


async def test_after_a_cold_info_comes_its_mod() -> None:
    it = Cellar()
    info = Ask(Kind.INFO, ModulePath("example.com/a"), "v1.0.0")
    it.upstream[info] = b'{"Version":"v1.0.0"}'
    it.has("a", "b")
    async with ahead(it) as cache:
        await cache.get(info, Terms())
        await quiet()
    assert it.asked == [info, mod("a")], "and nothing of what that requires: nobody has asked for it yet"


async def test_after_a_cold_mod_come_those_that_it_requires_and_after_those_that_are_asked_for_theirs() -> None:
    it = Cellar()
    it.has("a", "b", "c")
    it.has("b", "d")
    it.has("c")
    it.has("d", "e")
    it.has("e")
    async with ahead(it) as cache:
        await cache.get(mod("a"), Terms())
        await quiet()
        assert it.asked == [mod("a"), mod("b"), mod("c")]
        assert (await cache.get(mod("b"), Terms())).cached is Cached.HIT
        await quiet()
        assert it.asked[3:] == [mod("d")]


async def test_the_requirements_of_a_pruned_module_are_nobodys_next_question() -> None:
    it = Cellar()
    it.upstream[mod("library")] = go_mod("library", ["b"]) + b"\n\ngo 1.17\n"
    async with ahead(it) as cache:
        await cache.get(mod("library"), Terms())
        await quiet()
    assert it.asked == [mod("library")]


async def test_a_file_of_many_megabytes_is_not_read_for_guesses() -> None:
    it = Cellar()
    it.upstream[mod("monster")] = go_mod("monster", ["b"]) + b"\n// " + b"x" * READ
    async with ahead(it) as cache:
        await cache.get(mod("monster"), Terms())
        await quiet()
    assert it.asked == [mod("monster")]


async def test_a_stored_mod_leads_to_nothing() -> None:
    it = Cellar()
    it.has("a", "b")
    it.has("b")
    it.stored.add(mod("a"))
    async with ahead(it) as cache:
        await cache.get(mod("a"), Terms())
        await quiet()
    assert it.asked == []


async def test_what_is_private_is_never_guessed() -> None:
    it = Cellar()
    it.has("a", "secret/b", "c")
    it.has("c")
    it.has("secret/b", "d")
    async with ahead(it, private="example.com/secret") as cache:
        await cache.get(mod("a"), Terms())
        await cache.get(mod("secret/b"), Terms())
        await quiet()
    assert mod("c") in it.asked
    assert it.asked.count(mod("secret/b")) == 1, "when it was asked for"
    assert mod("d") not in it.asked


async def test_who_wants_only_what_is_stored_causes_no_guess() -> None:
    it = Cellar()
    it.has("a", "b")
    it.has("b", "c")
    async with ahead(it) as cache:
        await cache.get(mod("a"), Terms())
        await quiet()
        await cache.get(mod("b"), Terms(freshness=Freshness.CACHED_ONLY))
        await quiet()
    assert it.asked == [mod("a"), mod("b")]


async def test_few_are_under_way_at_once() -> None:
    it = Cellar()
    it.has("a", *(f"m{number}" for number in range(20)))
    async with ahead(it, at_once=4) as cache:
        await cache.get(mod("a"), Terms())
        it.open.clear()
        await quiet()
        assert len(it.asked) == 1 + 4
        it.open.set()
        await quiet()
    assert len(it.asked) == 1 + 20


async def test_guesses_that_nobody_asks_for_come_to_an_end_and_begin_again_later() -> None:
    it = Cellar()
    names = it.has_many("a", "m", 5 * WINDOW)
    async with ahead(it) as cache:
        await cache.get(mod("a"), Terms())
        await quiet()
        assert len(it.asked) == 1 + WINDOW
        for number in range(3):
            it.now += CLAIM_SECONDS + 1
            it.has(f"cold{number}", *names)
            await cache.get(mod(f"cold{number}"), Terms())
            await quiet()
        made = len(it.asked)
        it.has("later", "x", "y")
        await cache.get(mod("later"), Terms())
        await quiet()
        assert len(it.asked) == made + 1, "no guesses for a while"
        it.now += PAUSE_SECONDS + 1
        it.has("much later", "z")
        it.has("z")
        await cache.get(mod("much later"), Terms())
        await quiet()
        assert it.asked[-1] == mod("z")


async def test_a_guess_that_is_wrong_in_itself_is_nobodys_business() -> None:
    it = Cellar()
    it.has("a", "gone")
    async with ahead(it) as cache:
        await cache.get(mod("a"), Terms())
        await quiet()
    assert it.asked == [mod("a"), mod("gone")]


def info(name: str, version: str = "v1.0.0") -> Ask:
    return Ask(Kind.INFO, ModulePath(f"example.com/{name}"), version)


def built(*names: str) -> Cellar:
    """The upstream of a project that requires modules with these names, none of which requires another one."""
    it = Cellar()
    for name in names:
        it.has(name)
        it.upstream[info(name)] = b'{"Version":"v1.0.0"}'
    return it


async def test_after_the_first_info_of_a_build_list_come_all_others() -> None:
    it = built("a", "b", "c")
    async with ahead(it) as cache:
        for name in ("a", "b", "c"):
            await cache.get(mod(name), Terms())
        await cache.get(info("b"), Terms())
        await quiet()
        assert it.asked[3:] == [info("b"), info("a"), info("c")]
        assert [(await cache.get(info(name), Terms())).cached for name in ("a", "c")] == [Cached.HIT] * 2
        await quiet()
    assert len(it.asked) == 6


async def test_of_several_versions_the_highest_is_in_the_build_list() -> None:
    it = built("a", "b")
    newer = Ask(Kind.MOD, ModulePath("example.com/b"), "v1.10.0")
    older = Ask(Kind.MOD, ModulePath("example.com/b"), "v1.9.0")
    it.upstream |= {newer: go_mod("b"), older: go_mod("b"), info("b", "v1.10.0"): b'{"Version":"v1.10.0"}'}
    async with ahead(it) as cache:
        for ask in (mod("b"), newer, older, mod("a"), info("a")):
            await cache.get(ask, Terms())
        await quiet()
    assert it.asked[4:] == [info("a"), info("b", "v1.10.0")]


async def test_an_info_whose_mod_nobody_wanted_tells_nothing_of_a_build_list() -> None:
    it = built("a", "b", "alone")
    async with ahead(it) as cache:
        for ask in (mod("a"), mod("b"), info("alone")):
            await cache.get(ask, Terms())
        await quiet()
        assert it.asked[2:] == [info("alone"), mod("alone")]
        it.now += MODS_SECONDS + 1
        await cache.get(info("a"), Terms())
        await quiet()
    assert it.asked[4:] == [info("a")], "what was long ago was another build"


async def test_what_other_workers_may_have_been_asked_for_is_not_held_against_a_guess() -> None:
    it = built(*(f"m{number}" for number in range(10 * WINDOW)))
    async with ahead(it, workers=4) as cache:
        for batch in range(5):
            it.has(f"cold{batch}", *(f"m{number}" for number in range(batch * WINDOW, (batch + 1) * WINDOW)))
            await cache.get(mod(f"cold{batch}"), Terms())
            await quiet()
            it.now += CLAIM_SECONDS + 1
    assert len(it.asked) == 5 * (1 + WINDOW)


async def test_the_more_were_right_the_more_are_made_until_one_was_wrong() -> None:
    it = Cellar()
    it.has_many("a", "m", 2 * WIDEST)
    async with ahead(it) as cache:
        await cache.get(mod("a"), Terms())
        await quiet()
        assert len(it.asked) == 1 + WINDOW
        for number in range(WINDOW):
            await cache.get(mod(f"m{number}"), Terms())
            await quiet()
        assert len(it.asked) == 1 + WINDOW + 2 * WINDOW, "as many as were right wait again, and as many more"
        for number in range(WINDOW, 2 * WIDEST - 1):
            await cache.get(mod(f"m{number}"), Terms())
            await quiet()
        it.now += CLAIM_SECONDS + 1
        it.has_many("cold", "x", 2 * WIDEST)
        made = len(it.asked)
        await cache.get(mod("cold"), Terms())
        await quiet()
        assert len(it.asked) == made + 1 + WINDOW, "one was not asked for"
