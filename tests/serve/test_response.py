"""Heads say what is known of an answer, and for how long others may keep it."""

from __future__ import annotations

from hashlib import sha256

import pytest

from modgate.gomod import ModulePath
from modgate.serve.conditional import NotModified, Part, Unsatisfiable, Whole
from modgate.serve.errors import Failure
from modgate.serve.response import Content, content_of, failure, head_bytes, refusal, success
from modgate.source.base import FOREVER, Answer, Ask, Cached, Kind, Ready

QUOTE = ModulePath("rsc.io/quote")
ZIP = Ask(Kind.ZIP, QUOTE, "v1.5.2")
ARTIFACT = Answer(ZIP, Ready(b"zip bytes"), digest="ab" * 32, fetched=1_700_000_000.9, cached=Cached.HIT)


def headers(content: Content, decision: Whole | Part | NotModified | None = None) -> tuple[int, dict[str, str]]:
    status, lines = success(content, decision or Whole())
    return status, {name.decode(): value.decode() for name, value in lines}


def test_an_artifact_may_be_kept_for_a_year() -> None:
    assert headers(content_of(ARTIFACT)) == (
        200,
        {
            "content-type": "application/zip",
            "x-content-type-options": "nosniff",
            "content-length": "9",
            "accept-ranges": "bytes",
            "cache-control": "public, max-age=31536000, immutable",
            "x-cache": "hit",
            "etag": f'"{"ab" * 32}"',
            "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT",
        },
    )


def test_what_can_change_may_be_kept_for_a_minute_and_has_no_date() -> None:
    answer = Answer(Ask(Kind.LIST, QUOTE), Ready(b"v1.0.0\n"), fetched=1.7e9, fresh_until=1.7e9 + 60)
    _, lines = headers(content_of(answer))
    assert lines["cache-control"] == "public, max-age=60"
    assert lines["etag"] == f'"{sha256(b"v1.0.0" + bytes([10])).hexdigest()}"'
    assert "last-modified" not in lines


@pytest.mark.parametrize(
    ("fresh_until", "value"), [(FOREVER, "private, max-age=31536000, immutable"), (1.0, "private, max-age=60")]
)
def test_private_answers_are_not_for_shared_caches(fresh_until: float, value: str) -> None:
    answer = Answer(ZIP, Ready(b""), fresh_until=fresh_until, private=True)
    assert headers(content_of(answer))[1]["cache-control"] == value


@pytest.mark.parametrize(
    ("kind", "media_type"),
    [
        (Kind.LIST, "text/plain; charset=utf-8"),
        (Kind.LATEST, "application/json"),
        (Kind.INFO, "application/json"),
        (Kind.MOD, "text/plain; charset=utf-8"),
        (Kind.ZIP, "application/zip"),
    ],
)
def test_each_kind_has_its_media_type(kind: Kind, media_type: str) -> None:
    assert headers(content_of(Answer(Ask(kind, QUOTE), Ready(b""))))[1]["content-type"] == media_type


def test_a_part_says_where_it_lies() -> None:
    status, lines = headers(content_of(ARTIFACT), Part(2, 5))
    assert status == 206
    assert lines["content-range"] == "bytes 2-4/9"
    assert lines["content-length"] == "3"
    assert "etag" in lines


def test_not_modified_has_validators_and_no_length() -> None:
    status, lines = headers(content_of(ARTIFACT), NotModified())
    assert status == 304
    assert set(lines) == {"cache-control", "x-cache", "etag", "last-modified"}


def test_a_range_beyond_the_end_learns_the_length() -> None:
    said, extra = refusal(content_of(ARTIFACT), Unsatisfiable())
    assert said.status == 416
    assert extra == [(b"content-range", b"bytes */9")]


def test_an_error_is_text_that_nobody_keeps() -> None:
    lines, body = failure(Failure(502, "unavailable: x\n", retry_after=3), "miss")
    assert dict(lines) == {
        b"content-type": b"text/plain; charset=utf-8",
        b"content-length": b"15",
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
        b"x-cache": b"miss",
        b"retry-after": b"3",
    }
    assert body == b"unavailable: x\n"


def test_who_is_not_known_is_asked_for_credentials() -> None:
    lines, _ = failure(Failure(401, "refused: x\n", challenge=True))
    assert dict(lines)[b"www-authenticate"].startswith(b"Basic ")


@pytest.mark.parametrize("value", [b"a\r\nb: c", b"a\nb", b"a\0b"])
def test_no_value_can_begin_a_line_of_its_own(value: bytes) -> None:
    with pytest.raises(ValueError, match="control character"):
        head_bytes(200, [(b"x", value)])


def test_statuses_without_a_phrase_are_legal_too() -> None:
    assert head_bytes(299, []) == b"HTTP/1.1 299 \r\n"
