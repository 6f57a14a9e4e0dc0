"""A pattern of `[[host]]` is about exactly the URLs below its host and path, however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.net.place import Place

TEAM = "git.corp.example/team"


@pytest.mark.parametrize(
    ("pattern", "url", "covered"),
    [
        ("git.corp.example", "https://git.corp.example/x", True),
        ("git.corp.example", "https://GIT.corp.example./x", True),
        ("git.corp.example", "https://git.corp.example:8443/x", True),
        ("git.corp.example", "ssh://git@git.corp.example/x", True),
        ("git.corp.example", "git+ssh://git.corp.example/x", True),
        ("git.corp.example", "http://git.corp.example/x", True),
        ("git.corp.example", "git://git.corp.example/x", False),
        ("git.corp.example", "file:///git.corp.example/x", False),
        ("git.corp.example", "https://corp.example/x", False),
        ("git.corp.example", "https://a.git.corp.example/x", False),
        ("git.corp.example", "https://git.corp.example.evil.example/x", False),
        ("git.corp.example", "https://git.corp.example@evil.example/x", False),
        ("Git.Corp.Example", "https://git.corp.example/", True),
        ("*.corp.example", "https://git.corp.example/", True),
        ("*.corp.example", "https://a.b.corp.example/", True),
        ("*.corp.example", "https://corp.example/", False),
        ("*.corp.example", "https://evilcorp.example/", False),
        ("*.corp.example", "https://.corp.example/", False),
        ("git.corp.example:8443", "https://git.corp.example:8443/x", True),
        ("git.corp.example:8443", "https://git.corp.example/x", False),
        ("git.corp.example:443", "https://git.corp.example/x", True),
        ("git.corp.example:22", "ssh://git@git.corp.example/x", True),
        ("[::1]:80", "http://[::1]/x", True),
        (TEAM, "https://git.corp.example/team", True),
        (TEAM, "https://git.corp.example/team/x.git/info/refs?service=git-upload-pack", True),
        (TEAM + "/", "https://git.corp.example/team/x", True),
        (TEAM, "https://git.corp.example/teams/x", False),
        (TEAM, "https://git.corp.example/Team/x", False),
        (TEAM, "https://git.corp.example/x/team", False),
        (TEAM, "https://git.corp.example//team/x", False),
        (TEAM, "https://git.corp.example/team/../secret", False),
        (TEAM, "https://git.corp.example/team/%2e%2e/secret", False),
        (TEAM, "https://git.corp.example/team/.%2E/secret", False),
        (TEAM, "https://git.corp.example/team/..%2fsecret", False),
        (TEAM, "https://git.corp.example/team/..%5Csecret", False),
        (TEAM, "https://git.corp.example/%74eam/x", False),
        (TEAM, "https://git.corp.example/team/@v/v1.0.0..zip", True),
        ("http://git.corp.example", "http://git.corp.example/x", True),
        ("http://git.corp.example", "https://git.corp.example/x", False),
        ("https://git.corp.example", "http://git.corp.example/x", False),
    ],
)
def test_which_urls_a_pattern_is_about(pattern: str, url: str, covered: bool) -> None:
    assert Place.parse(pattern).covers(url) is covered


@pytest.mark.parametrize(
    "text",
    [
        *("", "*", "*.", "a.*", "*.*.example", "user@a.example", "ssh://a.example", "a.example:0", "a.example:65536"),
        *("a.example:x", "a.example?x", "a.example/../x", "a.example/%2e%2e", "a.example/x%2fy", "a b", "a.example//"),
    ],
)
def test_what_is_no_pattern(text: str) -> None:
    with pytest.raises(Malformed):
        Place.parse(text)


@pytest.mark.parametrize(
    ("pattern", "url", "may"),
    [
        ("a.example", "https://a.example/x", True),
        ("a.example", "ssh://a.example/x", True),
        ("a.example", "http://a.example/x", False),
        ("http://a.example", "http://a.example/x", True),
        ("127.0.0.1", "http://127.0.0.1:8080/x", True),
        ("localhost", "http://localhost/x", True),
        ("localhost.example", "http://localhost.example/x", False),
    ],
)
def test_credentials_go_unencrypted_only_where_somebody_wrote_so(pattern: str, url: str, may: bool) -> None:
    place = Place.parse(pattern)
    assert place.covers(url)
    assert place.may_sign(url) is may


def test_the_more_specific_pattern_ranks_higher() -> None:
    ascending = [
        "*.example",
        "*.corp.example",
        "*.corp.example/team",
        "git.corp.example",
        "git.corp.example/team",
        "git.corp.example/team/sub",
        "https://git.corp.example",
        "git.corp.example:443",
        "https://git.corp.example:443/team",
    ]
    assert sorted(map(Place.parse, ascending), key=lambda place: place.rank) == list(map(Place.parse, ascending))


ELEMENTS = st.text(alphabet="abc.%2eF/\\~-", max_size=8)


@given(st.lists(ELEMENTS, max_size=4))
def test_no_path_below_a_prefix_leads_out_of_it(parts: list[str]) -> None:
    from urllib.parse import unquote, urljoin

    url = "https://git.corp.example/team/" + "/".join(parts)
    if Place.parse(TEAM).covers(url):
        # Whatever a server makes of it: it decodes, takes backslashes for slashes, removes dots.
        meant = urljoin("https://git.corp.example", unquote(url.partition("example")[2]).replace("\\", "/"))
        assert meant.startswith("https://git.corp.example/team")
        assert Place.parse(TEAM).path == "/team"


@given(st.text(max_size=30))
def test_a_text_is_a_pattern_or_malformed(text: str) -> None:
    try:
        place = Place.parse(text)
    except Malformed:
        return
    assert Place.parse(str(place)) == place
