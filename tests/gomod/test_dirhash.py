"""The h1 is the one that go.sum files hold."""

import base64
import hashlib

import pytest

from modgate.errors import Malformed
from modgate.gomod.dirhash import h1, h1_of_mod
from tests.gomod.zips import EMPTY_H1, PREFIX, SIMPLE, SIMPLE_H1


def digested(files: dict[str, bytes], prefix: str = "") -> list[tuple[str, str]]:
    return [(prefix + name, hashlib.sha256(content).hexdigest()) for name, content in files.items()]


@pytest.mark.parametrize(
    ("files", "prefix", "expected"),
    [
        ({}, "", EMPTY_H1),
        ({"xyz": b"data for xyz", "abc": b"data for abc"}, "", "h1:EP6WfDoQTSk9klnxcjriWJOGztueJUywHNmWeq+efB8="),
        (
            {"xyz": b"data for xyz", "abc": b"data for abc"},
            "prefix/",
            "h1:rLyfpGMAgqOnGE2aKOY5Xb6cOc0/YQhPjHBHBwkblhs=",
        ),
        (SIMPLE, PREFIX, SIMPLE_H1),
    ],
)
def test_files_have_the_hash_that_go_gives_them(files: dict[str, bytes], prefix: str, expected: str) -> None:
    assert h1(digested(files, prefix)) == expected
    assert h1(reversed(digested(files, prefix))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'module "rsc.io/quote"\n\nrequire "rsc.io/sampler" v1.3.0\n',
            "h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=",
        ),
        ("module golang.org/x/text\n", "h1:NqM8EUOU14njkJ3fqMW+pc6Ldnwhi/IjpwHt7yyuwOQ="),
        ("", "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY="),
    ],
)
def test_a_go_mod_has_the_hash_that_stands_in_go_sum(text: str, expected: str) -> None:
    assert h1_of_mod(text.encode()) == expected


def test_names_are_ordered_by_their_bytes() -> None:
    names = ["b", "B", "a/b", "a.b", "é", "\U00010000", "\uffff"]
    lines = "".join(f"{'0' * 64}  {name}\n" for name in sorted(names, key=str.encode))
    expected = base64.b64encode(hashlib.sha256(lines.encode()).digest()).decode()
    assert h1((name, "0" * 64) for name in names) == f"h1:{expected}"


def test_a_name_with_a_line_break_is_refused() -> None:
    with pytest.raises(Malformed):
        h1([("a\nb", "0" * 64)])
