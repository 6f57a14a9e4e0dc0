"""GOPROXY is read as the go command reads it."""

import pytest

from modgate.errors import Malformed
from modgate.gomod.chain import Link, parse_chain


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://a.example", [("https://a.example", ",")]),
        ("https://a.example,direct", [("https://a.example", ","), ("direct", ",")]),
        (
            "https://a.example|https://b.example,off",
            [("https://a.example", "|"), ("https://b.example", ","), ("off", ",")],
        ),
        ("https://a.example/", [("https://a.example", ",")]),
        ("https://a.example/base//", [("https://a.example/base", ",")]),
        ("HTTPS://a.example", [("https://a.example", ",")]),
        ("a.example", [("https://a.example", ",")]),
        ("localhost:8080/base", [("https://localhost:8080/base", ",")]),
        ("http://127.0.0.1:3000", [("http://127.0.0.1:3000", ",")]),
        ("https://[::1]:3000/x", [("https://[::1]:3000/x", ",")]),
        ("file:///srv/mods", [("file:///srv/mods", ",")]),
        ("file:///srv/mods/", [("file:///srv/mods", ",")]),
        ("FILE:///srv/my mods", [("file:///srv/my mods", ",")]),
        (" a.example ,\tb.example |,", [("https://a.example", ","), ("https://b.example", "|")]),
        (",,a.example", [("https://a.example", ",")]),
        ("off", [("off", ",")]),
        ("direct|a.example", [("direct", ",")]),
        ("off,not a proxy", [("off", ",")]),
        ("https://user:p%40ss@a.example/x@y", [("https://user:p%40ss@a.example/x@y", ",")]),
    ],
)
def test_a_chain_is_split_and_its_urls_completed(text: str, links: list[tuple[str, str]]) -> None:
    assert parse_chain(text) == tuple(Link(url, after) for url, after in links)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("a.example,noproxy", "noproxy"),
        ("/srv/mods", "/srv/mods"),
        ("ftp://a.example", "ftp://a.example"),
        ("file://host/srv/mods", "file://host/srv/mods"),
        ("file:/srv/mods", "file:/srv/mods"),
        ("file:///srv/mods?x", "file:///srv/mods"),
        ("file:srv.mods", "file:srv.mods"),
        ("http:/a.example", "http:/a.example"),
        ("https://", "https://"),
        ("https://a.example:port", "https://a.example:port"),
        ("https://a.example:0", "https://a.example:0"),
        ("https://a example", "https://a example"),
        ("https://a.example/%zz", "https://a.example/%zz"),
        ("https://a.example/\x01", "https://a.example/\x01"),
        ("https://[::1", "https://[::1"),
        ("https://a.example[::1]", "https://a.example[::1]"),
        ("https://a.example/x?y=z", "https://a.example/x"),
        ("https://a.example/x#y", "https://a.example/x"),
    ],
)
def test_what_is_no_proxy_is_refused_by_name(text: str, entry: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_chain(text)
    assert caught.value.text == entry


@pytest.mark.parametrize("text", ["", " ", ",", " , |"])
def test_a_chain_without_entries_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="contains no entries"):
        parse_chain(text)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@a.example/x@y", "https://a.example/x@y"),
        ("https://secret@a.example", "https://a.example"),
        ("user:secret@a.example/x", "https://a.example/x"),
        ("https://a.example", "https://a.example"),
        ("file:///srv/mods@home/x", "file:///srv/mods@home/x"),
        ("direct", "direct"),
    ],
)
def test_an_entry_is_shown_without_credentials(url: str, shown: str) -> None:
    assert parse_chain(url)[0].shown == shown


@pytest.mark.parametrize(
    "text",
    [
        "ftp://user:secret@a.example",
        "https://user:sec/secret@a.example",
        "https://user:sec?secret@a.example",
        "https://user:sec#secret@a.example",
        "https://user:secret@a.example:port",
        "http:/user:secret@a.example",
        "https://a.example?token=secret",
        "user:secret@host%zz",
        "user.x:secret@",
    ],
)
def test_no_error_tells_a_secret(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse_chain(text)
    assert "secret" not in str(caught.value)
