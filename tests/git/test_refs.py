"""The names of a repository's commits are read as git tells them, and chosen as the go command chooses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.source.git.refs import Named, Refs, may_be_commit

A, B, C = "a" * 40, "b" * 40, "abcdef0" + "1" * 33
TOLD = f"""{A}\tHEAD
{A}\trefs/heads/main
{B}\trefs/heads/v1.0.0
{C}\trefs/heads/aaaaaaa
{C}\trefs/pull/1/head
{"e" * 40}\trefs/tags/v1.0.0
{A}\trefs/tags/v1.0.0^{{}}
{B}\trefs/tags/sub/v2.0.0
{B}\trefs/tags/v1.3.0\u2028
warning: something else
""".encode()


@pytest.mark.parametrize(
    ("rev", "named"),
    [
        ("v1.0.0", Named(A, "refs/tags/v1.0.0")),  # a tag comes before a branch, and an annotated one is its commit
        ("main", Named(A, "refs/heads/main")),
        ("HEAD", Named(A, "HEAD")),
        ("sub/v2.0.0", Named(B, "refs/tags/sub/v2.0.0")),
        ("aaaaaaa", Named(C, "refs/heads/aaaaaaa")),  # a branch comes before digits
        ("aaaaaaaa", Named(A, "HEAD")),
        ("bbbbbbb", Named(B, "refs/heads/v1.0.0")),
        ("abcdef0", Named(C, "refs/heads/aaaaaaa")),
        ("bbbbbb", None),  # too few digits
        ("refs/heads/main", None),
        ("pull/1/head", None),
        ("v1.3.0", None),
        ("", None),
        ("eeeeeee", None),  # the tag itself is no commit
    ],
)
def test_a_name_is_a_tag_a_branch_or_the_beginning_of_a_commit(rev: str, named: Named | None) -> None:
    assert Refs.parse(TOLD).named(rev) == named


def test_digits_that_fit_two_commits_are_ambiguous() -> None:
    refs = Refs.parse(f"{'a' * 39}b\trefs/heads/x\n{A}\trefs/heads/y\n".encode())
    with pytest.raises(Malformed, match="ambiguous"):
        refs.named("aaaaaaa")


def test_the_tags_of_a_commit_are_known() -> None:
    refs = Refs.parse(TOLD)
    assert refs.tags_of(A) == ["v1.0.0"]
    assert dict(refs.tags("sub/")) == {"sub/v2.0.0": B}
    assert refs.digits == 40
    assert Refs.parse(b"").digits == 40


@given(st.binary(max_size=300))
def test_whatever_a_server_tells_is_read(told: bytes) -> None:
    refs = Refs.parse(told)
    assert refs.named("HEAD") is None or "HEAD" in refs.hashes
    list(refs.tags())


@pytest.mark.parametrize(("rev", "may"), [("abcdef0", True), ("ABCDEF0", False), ("abcdef", False), ("f" * 65, False)])
def test_digits_of_a_commit_are_at_least_seven_and_small(rev: str, may: bool) -> None:
    assert may_be_commit(rev) is may
