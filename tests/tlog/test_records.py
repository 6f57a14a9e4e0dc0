"""Records, heads and lookups are read back as they were written, and nothing else is taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.tlog.ed25519 import Ed25519Verifier
from modgate.tlog.keys import parse_verifier_key
from modgate.tlog.note import open_note, sign_note
from modgate.tlog.record import checked_text, format_record, parse_data_tile, parse_record
from modgate.tlog.tree import Head, format_head, parse_head, parse_lookup
from tests.tlog.test_notes import ANNA, PUBLIC

texts = st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)
numbers = st.integers(0, (1 << 63) - 1)


@given(numbers, texts, st.binary(max_size=20))
def test_a_record_is_read_back(number: int, text: str, after: bytes) -> None:
    assert parse_record(format_record(number, text) + after) == (number, text, after)


@given(st.lists(texts, min_size=1))
def test_the_records_of_a_data_tile_are_read_back(records: list[str]) -> None:
    assert parse_data_tile("".join(f"{text}\n" for text in records).encode()) == records


@pytest.mark.parametrize("text", ["", "a", "\n", "a\n\nb\n", "a\n\n", "\na\n", "a\tb\n", "\ud800\n"])
def test_what_is_no_text_of_a_record_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        checked_text(text)


@given(numbers, st.binary(min_size=32, max_size=32), st.sampled_from(["", "more\n", "more\nand more\n"]))
def test_a_head_is_read_back_and_may_have_more_lines(size: int, root: bytes, more: str) -> None:
    assert parse_head(format_head(Head(size, root)) + more) == Head(size, root)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "go.sum database tree\n5\n",
        "go.sum database tree\n05\nG7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=\n",
        "go.sum database tree\n-5\nG7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=\n",
        "go.sum database tree\n9223372036854775808\nG7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=\n",
        "go.sum database tree\n5\nG7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0w==\n",
        "go.sum database tree\n5\nG7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=",
        "go.sum database forest\n5\nG7l9zCFjXUfiZj79/QoXRobZjdcBNS3SzQbotD/T0wU=\n",
    ],
)
def test_what_is_no_head_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_head(text)


def test_a_lookup_has_a_record_and_a_signed_head() -> None:
    head = Head(9, bytes(32))
    note = sign_note(format_head(head), [ANNA])
    lookup = parse_lookup(format_record(8, "line\nline\n") + note)
    assert (lookup.record_id, lookup.text, lookup.head, lookup.note) == (8, "line\nline\n", head, note)


REAL = """942
rsc.io/quote v1.5.2 h1:w5fcysjrx7yqtD/aO+QwRjYZOKnaM9Uh2b40tElTs3Y=
rsc.io/quote v1.5.2/go.mod h1:LzX7hefJvL54yjefDEDHNONDjII0t9xZLPXsUe+TKr0=

go.sum database tree
51929436
mQw+jf8Ko94JweSoG8190LvpV8myM/RNeAJ9TYKnia8=

\u2014 sum.golang.org Az3grkpNqcZOcvUPGEii+HGw4Omo/J/g+pjjn1+rGRhg6mVhwZBlloAIY+YYfBmHnOZbau4dxH0uzFPHVnZnnD3Sfg4=
"""


def test_an_answer_of_the_public_database_is_signed_with_the_key_that_go_knows() -> None:
    lookup = parse_lookup(REAL.encode())
    assert (lookup.record_id, lookup.head.size) == (942, 51929436)
    assert open_note(lookup.note, [Ed25519Verifier(parse_verifier_key(PUBLIC))]).others == ()


@given(st.binary(max_size=100) | st.text(max_size=50).map(str.encode))
def test_garbage_is_malformed_and_nothing_else(data: bytes) -> None:
    for parse in (parse_record, parse_lookup, parse_data_tile):
        try:
            parse(data)
        except Malformed:
            pass
        else:
            assert parse is not parse_lookup, "no garbage is signed"
