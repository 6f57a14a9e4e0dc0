"""GOPRIVATE-style patterns match as Go matches them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod.patterns import Glob, Patterns


@pytest.mark.parametrize(
    ("globs", "target", "matches"),
    [
        ("*/quote", "rsc.io/quote", True),
        ("*/quo", "rsc.io/quote", False),
        ("*/quo??", "rsc.io/quote", True),
        ("*/quo*", "rsc.io/quote", True),
        ("*quo*", "rsc.io/quote", False),
        ("rsc.io", "rsc.io/quote", True),
        ("*.io", "rsc.io/quote", True),
        ("rsc.io/", "rsc.io/quote", True),
        ("rsc", "rsc.io/quote", False),
        ("rsc*", "rsc.io/quote", True),
        ("rsc.io", "rsc.io/quote/v3", True),
        ("*/quote", "rsc.io/quote/v3", True),
        ("*/quote/", "rsc.io/quote/v3", True),
        ("*/quote/*", "rsc.io/quote/v3", True),
        ("*/quote/*/", "rsc.io/quote/v3", True),
        ("*/v3", "rsc.io/quote/v3", False),
        ("*/*/v3", "rsc.io/quote/v3", True),
        ("*/*/*", "rsc.io/quote/v3", True),
        ("*/*/*/", "rsc.io/quote/v3", True),
        ("*/*/*", "rsc.io/quote", False),
        ("*/*/*/", "rsc.io/quote", False),
        ("*/*/*,,", "rsc.io/quote", False),
        ("*/*/*,,*/quote", "rsc.io/quote", True),
        (",,*/quote", "rsc.io/quote", True),
        ("*.corp.example,rsc.io/private", "git.corp.example/x", True),
        ("*.corp.example,rsc.io/private", "corp.example/x", False),
        ("*.corp.example, rsc.io/private", "rsc.io/private/x", True),
        ("", "rsc.io/quote", False),
        ("none", "rsc.io/quote", False),
    ],
)
def test_a_pattern_names_what_begins_like_it(globs: str, target: str, matches: bool) -> None:
    assert Patterns.parse(globs).match(target) is matches


@pytest.mark.parametrize(
    ("glob", "text", "matches"),
    [
        ("abc", "abc", True),
        ("*", "abc", True),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("ab[c]", "abc", True),
        ("ab[b-d]", "abc", True),
        ("ab[e-g]", "abc", False),
        ("ab[^c]", "abc", False),
        ("ab[^b-d]", "abc", False),
        ("ab[^e-g]", "abc", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a?b", "a☺b", True),
        ("a[^a]b", "a☺b", True),
        ("[a-ζ]*", "\N{GREEK SMALL LETTER ALPHA}", True),
        ("*[a-ζ]", "A", False),
        ("[\\]a]", "]", True),
        ("[\\-]", "-", True),
        ("[x\\-]", "x", True),
        ("[x\\-]", "z", False),
        ("[\\-x]", "-", True),
        ("*x", "xxx", True),
        ("**x", "xx", True),
        ("*a*", "bab", True),
        ("*a*a", "a", False),
    ],
)
def test_a_glob_matches_as_in_path_match(glob: str, text: str, matches: bool) -> None:
    assert Glob.parse(glob).match(text) is matches


@pytest.mark.parametrize(
    "glob",
    ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "a/b[", "[]", "[^]", "[a", "[a-", "[\\"],
)
def test_a_malformed_glob_is_refused_by_name(glob: str) -> None:
    with pytest.raises(Malformed) as caught:
        Patterns.parse(f"rsc.io,{glob}")
    assert caught.value.text == glob


def test_patterns_can_be_shown() -> None:
    assert str(Patterns.parse("rsc.io/,,*.corp.example")) == "rsc.io,*.corp.example"


def test_many_stars_do_not_make_a_long_path_slow() -> None:
    # A matcher that goes back from every star would take longer than the age of the world.
    assert not Patterns.parse("*a" * 40 + "b").match("a" * 2000)


@given(st.text("ab*?", max_size=6), st.text("ab/", max_size=8))
def test_stars_and_question_marks_mean_what_a_regular_expression_says(glob: str, text: str) -> None:
    meaning = "".join({"*": "[^/]*", "?": "[^/]"}.get(char, char) for char in glob)
    first = text.partition("/")[0]
    assert Glob.parse(glob).match(text) is (re.fullmatch(meaning, first) is not None)
