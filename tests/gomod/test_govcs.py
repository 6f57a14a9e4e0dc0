"""GOVCS is read as the go command reads it, and what no rule names is not allowed."""

from __future__ import annotations

import pytest

from modgate.errors import Malformed
from modgate.gomod.govcs import Govcs


@pytest.mark.parametrize(
    ("text", "path", "vcs", "allowed"),
    [
        ("*:git", "github.com/a/b", "git", True),
        ("*:git", "github.com/a/b", "hg", False),
        ("*:all", "github.com/a/b", "svn", True),
        ("*:off", "github.com/a/b", "git", False),
        ("", "github.com/a/b", "git", False),
        ("github.com:git,*:off", "github.com/a/b", "git", True),
        ("github.com:git,*:off", "gitlab.com/a/b", "git", False),
        ("github.com/bad/*:off, *:git|hg", "github.com/bad/b", "git", False),
        ("github.com/bad/*:off, *:git|hg", "github.com/good/b", "hg", True),
        ("*:hg,github.com:git", "github.com/a/b", "git", False),  # the first rule that names the path decides
    ],
)
def test_the_first_rule_that_names_a_path_decides(text: str, path: str, vcs: str, allowed: bool) -> None:
    assert Govcs.parse(text).allows(path, vcs) is allowed


def test_public_and_private_paths_may_have_rules_of_their_own() -> None:
    rules = Govcs.parse("private:all,public:git")
    assert rules.allows("corp.example/m", "hg", private=True)
    assert not rules.allows("corp.example/m", "hg", private=False)
    assert rules.allows("corp.example/m", "git", private=False)


@pytest.mark.parametrize(
    "text", ["git", "*:", ":git", "*:git,", "*:git|", "*:git,*:hg", "./x:git", "../x:git", "[:git"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Govcs.parse(text)
