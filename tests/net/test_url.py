"""URLs of upstreams: credentials are taken out, and redirects lead where the go command would go."""

from __future__ import annotations

import base64
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.net.url import Target, origin_of, redirected, target_of

HOME = Target("https://a.example/base/m/@v/list", "Basic eA==")


@pytest.mark.parametrize(
    ("url", "clean", "pair"),
    [
        ("https://a.example/x", "https://a.example/x", None),
        ("https://u:p@a.example:8443/x?y", "https://a.example:8443/x?y", "u:p"),
        ("https://token@a.example", "https://a.example", "token:"),
        ("https://u:p%40%2F%3A@a.example", "https://a.example", "u:p@/:"),
        ("https://u:p@[::1]:8080/", "https://[::1]:8080/", "u:p"),
    ],
)
def test_credentials_become_a_header(url: str, clean: str, pair: str | None) -> None:
    expected = "" if pair is None else "Basic " + base64.b64encode(pair.encode()).decode()
    assert target_of(url) == Target(clean, expected)


@given(st.text(alphabet="ahp:/?#@[]1\n\t .%", max_size=24).map(lambda text: f"http:{text}"))
def test_the_origin_is_that_of_the_whole_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        whole = parts.scheme, parts.hostname or "", parts.port or 80
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011 -- whatever the library says
            origin_of(url)
        return
    assert origin_of(url) == whole


@pytest.mark.parametrize(
    ("location", "url", "with_credentials"),
    [
        ("/x", "https://a.example/x", True),
        ("x", "https://a.example/base/m/@v/x", True),
        ("?y=1", "https://a.example/base/m/@v/list?y=1", True),
        ("https://a.example:443/x", "https://a.example:443/x", True),
        ("HTTPS://a.example/x", "https://a.example/x", True),
        ("https://u:p@a.example/x", "https://a.example/x", True),
        ("//b.example/x", "https://b.example/x", False),
        ("https://a.example:8443/x", "https://a.example:8443/x", False),
        ("https://b.example/%21x?a=b%20c&d", "https://b.example/%21x?a=b%20c&d", False),
        ("https://u:p@b.example/x", "https://b.example/x", False),
        ("https://b.example/k\u00e4se und brot", "https://b.example/k%C3%A4se%20und%20brot", False),
        ("https://b.example/\udce4", "https://b.example/%E4", False),
    ],
)
def test_a_redirect_keeps_its_credentials_within_one_origin(location: str, url: str, with_credentials: bool) -> None:
    assert redirected(HOME, location) == Target(url, HOME.authorization if with_credentials else "")


@pytest.mark.parametrize(
    "location",
    [
        "http://a.example/x",
        "ftp://a.example/x",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///x",
        "https:x",
        "https://[bad/x",
        "https://a.example:99999/x",
        "https://a.example:port/x",
        "https://\u2100.example/x",
        "https://a b.example/x",
        "https://%61.example/x",
        "/x\r\nEvil: 1",
        "/\x00",
        "\x7f",
    ],
)
def test_where_nobody_may_go_is_nowhere(location: str) -> None:
    assert redirected(HOME, location) is None


@given(st.text(max_size=60))
def test_no_location_at_all_is_an_error_or_a_way_out_of_http(location: str) -> None:
    for base in (HOME, Target("http://a.example/x")):
        following = redirected(base, location)
        assert following is None or following.origin[0] in {base.origin[0], "https"}
        assert following is None or following.url.isascii()
