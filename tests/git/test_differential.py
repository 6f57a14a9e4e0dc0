"""Direct mode answers what the go command itself finds in the same repositories: versions, bytes and absence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from modgate.errors import Absent
from tests.git.asking import Asking, h1
from tests.git.forge import HOST, Forge, build
from tests.git.oracle import Oracle, Said

pytestmark = pytest.mark.xdist_group(name="git-differential")  # the go command is asked once


def words(text: str) -> list[str]:
    """Paths below the host, each with a version where one is asked for; `{name}` is a commit."""
    return text.split()


LISTS = words("""
plain plain/v2 tagless bare bare/sub pre hashes oldstyle converted mixed mixed/v2 mixed/v3 mixed/v4 branched
branched/v2 branched/v3 folder folder/v2 both both/v2 wrong2/v2 many many/a many/a/b many/a/v2 many/late many/plain
many/caps many/nowhere many/dir vendor23 attributes attributes/mod odd badname retracted allgone fork nomodule quoted
gopkg badmajor linkmod merged nothing headless oddtags gone
""")

QUERIES = words("""
plain@latest plain@v1.0.0 plain@v1.1.0 plain@main plain@dev plain@HEAD plain@odd plain@v1.7.0 plain@v1.9.0
plain@{plain.second:rev} plain@{plain.third:rev} plain@{plain.fourth:rev} plain@{plain.fifth:rev} plain@v1.1.1+meta
plain@v1.1.1 plain@1.4.0 plain@v01.5.0 plain@nonsense plain@abcdef0 plain@v2.0.0 plain@v1.0.0+incompatible
tagless@latest tagless@{tagless.first:rev} bare@latest bare/sub@latest pre@latest hashes@latest
hashes@{hashes.second:rev} oldstyle@latest oldstyle@v2.0.0 oldstyle@main oldstyle@{oldstyle.last:rev} converted@latest
converted@v2.0.0 converted@v2.0.0+incompatible mixed@latest mixed@v2.1.0 mixed@v4.0.0 mixed@v4.0.0+incompatible
mixed/v2@latest branched@latest branched@v2.0.0 branched/v2@{branched.v2:rev} branched/v2@latest folder@latest
folder/v2@latest folder/v2@main both/v2@latest wrong2/v2@v2.0.0 many@latest many/a@main many/a@latest many/a/v2@latest
many/a/v2@main many/a/b@main many/plain@v1.0.0 many/nowhere@main many/late@main retracted@latest retracted@v1.1.0
retracted@main allgone@latest allgone@main fork@latest badmajor@latest nomodule@latest gopkg@latest merged@latest
merged@{merged.side:rev} merged@{merged.before:rev} merged@{merged.merge:rev} merged@{merged.alone:rev}
hidden@{hidden.lost:rev} nothing@latest nothing@main headless@latest headless@other oddtags@v1.1.0 oddtags@v1.2.0
oddtags@deadbeef oddtags@latest gone@latest
""")

DOWNLOADS = words("""
plain@v0.9.0 plain@v1.0.0-beta plain@v1.0.0 plain@v1.1.0 plain@v1.2.0-rc.1 plain@v1.9.9 plain@v0.0.0-{plain.second}
plain@v1.1.1-0.{plain.dev} plain@v1.1.1-0.{plain.second} plain@v1.0.1-0.{plain.second}
plain@v1.2.0-rc.1.0.{plain.fifth} plain@v1.1.2-0.{plain.fifth} plain@v1.1.2-0.{plain.fourth}
plain@v1.8.1-0.{plain.fifth} plain@v1.0.0-{plain.second} plain@v1.3.0-0.{plain.dev}
plain@v1.1.1-0.20200101000000-{plain.dev:rev} plain@v0.0.0-20200913122740-abcdef123456 tagless@v0.0.0-{tagless.first}
tagless@v0.0.0-{tagless.second} tagless@v0.0.1-0.{tagless.second} bare@v1.0.0 bare@v0.1.0 hashes@v1.0.0
hashes@v1.0.1-0.{hashes.second} oldstyle@v1.0.0 oldstyle@v2.0.0+incompatible
oldstyle@v2.1.1-0.{oldstyle.last}+incompatible oldstyle@v2.1.1-0.{oldstyle.last} oldstyle@v3.0.0-rc.1+incompatible
converted@v2.0.0+incompatible converted@v1.1.0 mixed@v2.0.0+incompatible mixed@v2.1.0+incompatible mixed/v2@v2.1.0
mixed/v4@v4.0.0 branched/v2@v2.0.0 branched/v2@v2.0.1-0.{branched.v2} branched/v2@v2.0.0-{branched.v2}
branched@v2.0.0+incompatible branched@v1.0.0 folder/v2@v2.0.0 folder@v1.0.0 folder/v2@v2.0.1-0.{folder.head}
both/v2@v2.0.0 wrong2/v2@v2.0.0 many@v1.0.0 many/a@v1.0.0 many/a/b@v0.1.0 many/a/v2@v2.5.0 many/a@v2.0.0
many/late@v0.0.1 many/plain@v1.0.0 many/a@v1.0.1-0.{many.head} many/a/b@v0.1.1-0.{many.head}
many/a/b@v0.0.0-{many.head} vendor0@v1.0.0 vendor23@v1.0.0 vendor24@v1.0.0 attributes@v1.0.0 attributes/mod@v1.0.0
odd@v1.0.0 badname@v1.0.0 badchar@v1.0.0 badcase@v1.0.0 badlink@v1.0.0 baddot@v1.0.0 badroot@v1.0.0 badvendored@v1.0.0
retracted@v1.0.1 retracted@v1.1.0 retracted@v1.0.1-0.{retracted.head} allgone@v1.1.0-pre fork@v1.0.0 fork2@v1.0.0
nomodule@v1.0.0 empty@v1.0.0 quoted@v1.0.0 backquoted@v1.0.0 spaced@v1.0.0 gopkg@v1.0.0 badmajor@v1.0.0
unparsable@v1.0.0 linkmod@v1.0.0 merged@v1.1.1-0.{merged.before} merged@v1.5.1-0.{merged.before}
merged@v1.5.1-0.{merged.merge} merged@v1.1.1-0.{merged.merge} merged@v0.0.0-{merged.alone}
hidden@v1.0.1-0.{hidden.lost} oddtags@v1.1.0 gone@v1.0.0 headless@v1.0.0
""")

DOWNLOADS += words("licences/a@v1.0.0 licences/b@v1.0.0 licences/c@v1.0.0 linked-licence/a@v1.0.0 below@v1.0.0")

TOO_NEW = "vendor99@v1.0.0"
"""The go command refuses a zip whose go line is newer than itself; we are no compiler."""


@dataclass(frozen=True)
class Sides:
    """Both, with what the go command said."""

    forge: Forge
    asking: Asking
    lists: dict[str, Said]
    queries: dict[str, Said]
    downloads: dict[str, Said]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Forge, list[dict[str, Said]]]:
    place = tmp_path_factory.mktemp("git")
    forge = build(place / "acme")
    oracle = Oracle(place / "go", HOST, place / "acme")
    expanded = [[forge.expand(f"{HOST}/{one}") for one in asked] for asked in (LISTS, QUERIES, DOWNLOADS)]
    lists = oracle.lists(expanded[0])
    oracle.forget()
    queries = oracle.queries(expanded[1])
    oracle.forget()
    downloads = oracle.downloads(expanded[2])
    return place, forge, [lists, queries, downloads]


@pytest.fixture
def sides(said: tuple[Path, Forge, list[dict[str, Said]]]) -> Sides:
    place, forge, (lists, queries, downloads) = said
    # One set of mirrors for all tests: each may find in them what the others have fetched, as in life.
    return Sides(forge, Asking(place / "ours", HOST, place / "acme"), lists, queries, downloads)


@pytest.mark.parametrize("name", LISTS)
async def test_lists_hold_the_versions_that_go_finds(sides: Sides, name: str) -> None:
    path = f"{HOST}/{name}"
    expected = sides.lists[path]
    try:
        found = await sides.asking.list(path)
    except Absent:
        # Go also calls a path a module that is none, and learns the truth with its next question (protocol.md §7.1).
        assert expected.error or not expected.fields.get("Versions")
    else:
        assert (found, "") == (expected.fields.get("Versions", []), expected.error)


@pytest.mark.parametrize("name", QUERIES)
async def test_queries_find_the_version_that_go_finds(sides: Sides, name: str) -> None:
    asked = sides.forge.expand(f"{HOST}/{name}")
    expected = sides.queries[asked]
    path, _, query = asked.partition("@")
    finding = sides.asking.latest(path) if query == "latest" else sides.asking.info(path, query)
    if expected.error:
        with pytest.raises(Absent):
            await finding
        return
    found = await finding
    assert (found["Version"], found["Time"]) == (expected.fields["Version"], expected.fields["Time"])
    assert found["Origin"]["Hash"] == expected.fields["Origin"]["Hash"]
    assert found["Origin"].get("Subdir") == expected.fields["Origin"].get("Subdir")


@pytest.mark.parametrize("name", DOWNLOADS)
async def test_info_mod_and_zip_are_those_that_go_makes(sides: Sides, name: str) -> None:
    asked = sides.forge.expand(f"{HOST}/{name}")
    expected = sides.downloads[asked]
    path, _, version = asked.partition("@")
    if expected.error:
        # Whatever a client begins with, it does not get the module; a zip that cannot be made still has a go.mod.
        with pytest.raises(Absent):
            await sides.asking.zip(path, version)
        return
    found = await sides.asking.info(path, version)
    if found["Version"] != version:
        assert found["Version"] == expected.fields["Version"]  # v2.0.0 may be v2.0.0+incompatible
        return
    assert found == expected.info
    assert await sides.asking.mod(path, version) == expected.mod
    assert h1(await sides.asking.zip(path, version)) == expected.fields["Sum"]


async def test_a_module_that_is_too_new_for_go_is_served_all_the_same(sides: Sides) -> None:
    path, _, version = f"{HOST}/{TOO_NEW}".partition("@")
    assert h1(await sides.asking.zip(path, version)).startswith("h1:")
