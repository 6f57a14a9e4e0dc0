"""GOSUMDB is read as the go command reads it, and a wrong key is noticed at once."""

import pytest

from modgate.errors import Malformed
from modgate.gomod.gosumdb import DatabaseSpec, parse_database, parse_gosumdb

PUBLIC = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
LOCAL = "localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("sum.golang.org", DatabaseSpec("sum.golang.org", PUBLIC, "")),
        (" sum.golang.org ", DatabaseSpec("sum.golang.org", PUBLIC, "")),
        (PUBLIC, DatabaseSpec("sum.golang.org", PUBLIC, "")),
        (
            "sum.golang.org https://sums.corp.example/x/",
            DatabaseSpec("sum.golang.org", PUBLIC, "https://sums.corp.example/x"),
        ),
        ("sum.golang.google.cn", DatabaseSpec("sum.golang.org", PUBLIC, "https://sum.golang.google.cn")),
        (LOCAL, DatabaseSpec("localhost.localdev/sumdb", LOCAL, "")),
        (f"{LOCAL} http://127.0.0.1:80", DatabaseSpec("localhost.localdev/sumdb", LOCAL, "http://127.0.0.1:80")),
    ],
)
def test_a_database_is_named_by_its_key_or_by_a_known_name(text: str, spec: DatabaseSpec) -> None:
    assert parse_gosumdb(text) == spec
    assert parse_database(text) == spec


def test_off_means_no_database() -> None:
    assert parse_gosumdb("off") is None
    with pytest.raises(Malformed):
        parse_database("off")


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("sums.corp.example", DatabaseSpec("sums.corp.example", "", "")),
        ("sums.corp.example:8443/go/sums", DatabaseSpec("sums.corp.example:8443/go/sums", "", "")),
        ("sums.corp.example http://10.0.0.1/x", DatabaseSpec("sums.corp.example", "", "http://10.0.0.1/x")),
    ],
)
def test_a_database_that_is_passed_through_needs_no_key(text: str, spec: DatabaseSpec) -> None:
    assert parse_database(text) == spec
    with pytest.raises(Malformed, match="key"):
        parse_gosumdb(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "write a name"),
        (f"{PUBLIC} https://a.example extra", "write a name"),
        ("sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "does not match"),
        ("sum.golang.com+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "does not match"),
        ("sum.golang.org+33de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "8 hex digits"),
        ("sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn", "verifier key"),
        ("sum.golang.org+033de0ae+", "verifier key"),
        ("sum.golang.org+033de0ae", "verifier key"),
        ("sum.golang.org+", "verifier key"),
        ("sum.golang.org+033de0ae+As4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "Ed25519"),
        ("sum.golang.org+033de0ae+AQID", "Ed25519"),
        ("a.example/", "host"),
        ("a.example//b", "host"),
        ("a.example/../b", "host"),
        ("https://a.example", "host"),
        ("a.example?x", "host"),
        ("a.example/%41", "host"),
        ("user@a.example", "host"),
        ("/a", "host"),
        ("sum.golang.org a.example", "https://"),
        ("sum.golang.org file:///x", "https://"),
        ("sum.golang.org https://", "https://"),
        ("sum.golang.org https://a.example:port", "https://"),
        ("sum.golang.org https://a.example?x", "https://"),
        ("sum.golang.google.cn+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "does not match"),
    ],
)
def test_what_is_no_database_is_refused_with_the_reason(text: str, why: str) -> None:
    for parse in (parse_gosumdb, parse_database):
        with pytest.raises(Malformed, match=why):
            parse(text)


def test_no_error_tells_a_password() -> None:
    with pytest.raises(Malformed) as caught:
        parse_gosumdb("sum.golang.org https://user:secret@a.example?x")
    assert "secret" not in str(caught.value)
