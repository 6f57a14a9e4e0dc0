"""Tables of routes and views: what they may hold, what they mean together, and where a wrong one stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from modgate.serve import target
from modgate.settings.load import examine, load
from modgate.settings.loaded import Loaded
from modgate.settings.routing import RESERVED
from modgate.settings.values import HOUR
from tests.settings.sources import sources, told

TWO = """
private = "*.corp.example"
[[route]]
match = ["github.com/corp/*", "corp.example"]
upstream = "direct"
private = true
[[route]]
match = "github.com/**"
exclude = "github.com/left/out"
upstream = "https://a.example|https://b.example,direct"
checksum = false
freshness = { fresh = "5m" }
deadlines = { first_byte = 3 }
limits = { zip = "10MiB" }
[view.team-a]
[[view.team-a.route]]
match = "**"
upstream = "https://u:secret@c.example"
"""


def written(directory: Path, text: str) -> Path:
    file = directory / "modgate.toml"
    file.write_text(text, encoding="utf-8")
    return file


def loaded(directory: Path, text: str) -> Loaded:
    return load(sources(file=written(directory, text)))


@pytest.mark.parametrize(
    ("view", "path", "place", "namespace", "chain"),
    [
        ("", "github.com/corp/x", "route[1]", "private", "direct"),
        ("", "corp.example/x", "route[1]", "private", "direct"),
        ("", "github.com/any/x", "route[2]", "public", "https://a.example"),
        ("", "github.com/left/out/x", "upstream", "public", "off"),
        ("", "rsc.io/quote", "upstream", "public", "off"),
        ("", "git.corp.example/x", "upstream", "private", "off"),  # by the setting `private`
        ("team-a", "github.com/corp/x", "view.team-a.route[1]", "public", "https://u:secret@c.example"),
        ("team-a", "git.corp.example/x", "view.team-a.route[1]", "team-a-private", "https://u:secret@c.example"),
    ],
)
def test_the_first_route_that_matches_counts(
    tmp_path: Path, view: str, path: str, place: str, namespace: str, chain: str
) -> None:
    route = loaded(tmp_path, TWO).meaning.views[view].of(path)
    assert (route.place, route.namespace, route.chain[0].url) == (place, namespace, chain)
    assert route.private is (namespace != "public")


def test_a_route_has_ages_deadlines_and_limits_of_its_own(tmp_path: Path) -> None:
    meaning = loaded(tmp_path, TWO).meaning
    route, other = meaning.views[""].of("github.com/any/x"), meaning.views[""].of("rsc.io/quote")
    assert (route.ages.fresh, route.deadlines.first_byte, route.limits.zip) == (300.0, 3.0, 10 << 20)
    assert (route.ages.stale, route.deadlines.idle) == (3 * HOUR, other.deadlines.idle)
    assert other.ages.fresh == 60.0
    assert meaning.views[""].of("corp.example/x").ages.fresh == 0.0


def test_what_a_route_says_of_public_modules_does_not_hold_for_private_ones(tmp_path: Path) -> None:
    text = 'private = "github.com/corp"\n[[route]]\nmatch = "**"\nfreshness = { fresh = "5m" }\n'
    routing = loaded(tmp_path, text).meaning.views[""]
    assert routing.of("github.com/corp/x").ages.fresh == 0.0
    assert routing.choose("github.com/corp/x").by_private
    assert not routing.choose("github.com/x").by_private


def test_what_one_view_keeps_private_is_told_to_nobody(tmp_path: Path) -> None:
    meaning = loaded(tmp_path, TWO).meaning
    assert meaning.is_private("github.com/corp/x")
    assert not meaning.is_private("github.com/any/x")
    assert meaning.is_exempt("github.com/any/x"), "its route says so"
    assert not meaning.is_exempt("rsc.io/quote")


def test_nobody_sees_the_credentials_of_a_route(tmp_path: Path) -> None:
    assert "secret" not in repr(loaded(tmp_path, TWO))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("route = 1", "route: is a list of tables; write [[route]]"),
        ("[route]\nmatch = 'a'", "route: is a list of tables; write [[route]]"),
        ("[[view]]\n", "view: is a set of tables; write [view.NAME]"),
        ("[[route]]\nupstream = 'off'", "route[1].match: is missing"),
        ("[[route]]\nmatch = []", "route[1].match: is empty"),
        (
            "[[route]]\nmatch = 'a'\n[[route]]\nmatsh = 'a'",
            "route[2].matsh: there is no such setting; did you mean rout",
        ),
        ("[[route]]\nmatch = 5", "route[1].match: 5 is not of its type; give a list of texts"),
        ("[[route]]\nmatch = '[a'", "route[1].match: malformed pattern '[a'"),
        ("[[route]]\nmatch = 're:('", "route[1].match: malformed regular expression"),
        ("[[route]]\nmatch = 'a'\nexclude = 'a//b'", "route[1].exclude: malformed pattern"),
        ("[[route]]\nmatch = 'a'\nprivate = 'yes'", "route[1].private: 'yes' is not of its type; give true or false"),
        ("[[route]]\nmatch = 'a'\nupstream = 'proxy'", "route[1].upstream: malformed GOPROXY entry"),
        ("[[route]]\nmatch = 'a'\nupstream = 'https://u:secret@a b'", "route[1].upstream: malformed GOPROXY entry"),
        ("[[route]]\nmatch = 'a'\nnamespace = 'x'", "route[1].namespace: is for private modules only"),
        ("[[route]]\nmatch = 'a'\nprivate = true\nnamespace = 'public'", "route[1].namespace: 'public' is no name"),
        ("[[route]]\nmatch = 'a'\nprivate = true\nnamespace = '../x'", "route[1].namespace: '../x' is no name"),
        ("[[route]]\nmatch = 'a'\nforward_token = 'X-T'", "route[1].forward_token: would share"),
        ("[[route]]\nmatch = 'a'\nprivate = true\nforward_token = 'a b'", "route[1].forward_token: 'a b' cannot"),
        ("[[route]]\nmatch = 'a'\nprivate = true\nforward_token = 'Host'", "route[1].forward_token: 'Host' cannot"),
        ("[[route]]\nmatch = 'a'\nfreshness = { fresh = 'soon' }", "route[1].freshness.fresh: 'soon' is no duration"),
        ("[[route]]\nmatch = 'a'\nfreshness = { fresh = '4h' }", "route[1].freshness.stale: 3h is less than"),
        ("[[route]]\nmatch = 'a'\nfreshness = 5", "route[1].freshness: is a table, not a value"),
        ("[[route]]\nmatch = 'a'\nlimits = { url = 5 }", "route[1].limits.url: there is no such setting"),
        ("[[route]]\nmatch = 'a'\nlimits = { zip = '4GiB' }\n[limits]\nspool = '1GiB'", "route[1].limits.zip: is more"),
        ("[view.api]\n", "view.api: is a path that means something else"),
        ("[view.'Team A']\n", "view.Team A: 'Team A' is no name"),
        ("[view.x]\n[[view.x.route]]\n", "view.x.route[1].match: is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_a_remedy(tmp_path: Path, text: str, problem: str) -> None:
    (line,) = told(examine(sources(file=written(tmp_path, text))))
    assert line.startswith(problem)
    assert "secret" not in line
    assert "; " in line


def test_a_route_that_asks_this_gateway_itself_is_cut_short(tmp_path: Path) -> None:
    text = "listen = '127.0.0.1:8080'\n[[route]]\nmatch = 'a.b'\nupstream = 'http://127.0.0.1:8080,https://a.example'\n"
    it = loaded(tmp_path, text)
    assert [link.url for link in it.meaning.views[""].of("a.b/c").chain] == ["https://a.example"]
    assert any(warning.startswith("route[1].upstream: http://127.0.0.1:8080 is left out") for warning in it.warnings)


@pytest.mark.parametrize(
    ("route", "hears"),
    [
        ("private = true", True),
        ("private = true\nupstream = 'direct'", False),
        ("private = true\nupstream = 'https://proxy.corp.example'", False),
        ("", False),
    ],
)
def test_who_hears_of_private_names_without_having_been_named_is_told(tmp_path: Path, route: str, hears: bool) -> None:
    file = written(tmp_path, f"[[route]]\nmatch = 'corp.example'\n{route}\n")
    it = load(sources({"upstream": "https://user:s3cr3t@a.example,direct"}, file=file))
    warnings = [line for line in it.warnings if line.startswith("route[1]")]
    told = "route[1]: is private and has no upstream of its own, so https://a.example hears its names"
    assert warnings == ([told] if hears else [])


def test_a_view_has_no_name_that_means_something_else() -> None:
    assert {*target.RESERVED, "sumdb", "cached-only"} == RESERVED
