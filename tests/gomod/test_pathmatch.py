"""Patterns of routes: Go's globs, any number of elements, and regular expressions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod.pathmatch import PathPattern, PathPatterns
from modgate.gomod.patterns import Glob


@pytest.mark.parametrize(
    ("pattern", "named", "others"),
    [
        ("github.com/corp/*", ["github.com/corp/a", "github.com/corp/a/b/v2"], ["github.com/corp", "github.com/x/a"]),
        ("corp.example", ["corp.example", "corp.example/a/b"], ["git.corp.example/a", "corp.example.org/a"]),
        ("*.corp.example", ["git.corp.example/a"], ["corp.example/a", "a.b/git.corp.example"]),
        ("github.com/**", ["github.com/a", "github.com/a/b/c"], ["gitlab.com/a"]),
        ("**", ["github.com/a", "x.y"], []),
        ("github.com/**/internal-*", ["github.com/a/b/internal-x", "github.com/internal-x/y"], ["github.com/a/b"]),
        ("**/tools/*", ["a.b/tools/c", "a.b/c/tools/d/e"], ["a.b/tools", "tools"]),
        ("a.b/**/c/**/d", ["a.b/c/d", "a.b/x/c/y/z/d/e"], ["a.b/d/c", "a.b/c"]),
        (r"re:github\.com/(a|b)/.*", ["github.com/a/x", "github.com/b/"], ["github.com/c/x", "my.github.com/a/x"]),
        (r"re:.*/v[0-9]+", ["github.com/a/v2"], ["github.com/a/v2/x"]),
    ],
)
def test_a_pattern_names_a_path_and_what_lies_below(pattern: str, named: list[str], others: list[str]) -> None:
    parsed = PathPattern.parse(pattern)
    assert [path for path in (*named, *others) if parsed.match(path)] == named


@pytest.mark.parametrize("text", ["", "a//b", "/a", "a/***", "a/b**", "[a", "re:(", "re:*"])
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        PathPattern.parse(text)


def test_the_first_pattern_that_names_a_path_is_told() -> None:
    patterns = PathPatterns.parse(["github.com/corp/*", "github.com/**"])
    assert patterns.find("github.com/corp/x") == "github.com/corp/*"
    assert patterns.find("github.com/other") == "github.com/**"
    assert patterns.find("gitlab.com/x") == ""


elements = st.text("ab.*?", min_size=1, max_size=3).filter(lambda element: "**" not in element)


@given(
    st.lists(elements, min_size=1, max_size=3), st.lists(st.text("ab.", min_size=1, max_size=3), min_size=1, max_size=5)
)
def test_without_stars_of_ours_it_is_the_glob_of_goprivate(pattern: list[str], path: list[str]) -> None:
    text, whole = "/".join(pattern), "/".join(path)
    assert PathPattern.parse(text).match(whole) is Glob.parse(text).match(whole)
