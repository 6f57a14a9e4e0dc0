"""Credentials are taken out of whatever people see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.gomod.redact import redacted


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:secret@proxy.example/x", "https://proxy.example/x"),
        ("https://token@proxy.example", "https://proxy.example"),
        ("https://user:se:cr@et@proxy.example/x", "https://proxy.example/x"),  # the last @ ends the userinfo
        ("http://u:p@a.example,https://u:p@b.example|file:///srv", "http://a.example,https://b.example|file:///srv"),
        ("user:secret@proxy.example/x", "proxy.example/x"),  # GOPROXY entries need no scheme
        ("a.example,user:secret@b.example", "a.example,b.example"),
        (
            "cannot connect to 'https://u:p@a.example:1/x': refused",
            "cannot connect to 'https://a.example:1/x': refused",
        ),
        ("https://u:p@[::1]:8080/x", "https://[::1]:8080/x"),
        ("HTTPS://u:p@a.example", "HTTPS://a.example"),
        # No credentials: nothing changes.
        ("https://proxy.example/github.com/a/b/@v/v1.0.0.info", "https://proxy.example/github.com/a/b/@v/v1.0.0.info"),
        ("https://proxy.example/a@b", "https://proxy.example/a@b"),
        ("github.com/a/b@v1.0.0 zip", "github.com/a/b@v1.0.0 zip"),
        ("rsc.io@v1.0.0", "rsc.io@v1.0.0"),
        ("sum.golang.org+033de0ae+Ac4zctda0e5eza", "sum.golang.org+033de0ae+Ac4zctda0e5eza"),
        ("", ""),
    ],
)
def test_userinfo_is_taken_out_of_urls_and_nothing_else_is(text: str, shown: str) -> None:
    assert redacted(text) == shown


_WORD = st.text(alphabet=st.characters(codec="ascii", categories=["L", "N"]), min_size=1)


@given(
    user=_WORD,
    password=st.text(alphabet="abcXYZ019:@!$&*+;%-._~()="),
    before=st.sampled_from(["", "got ", "'", '"', ","]),
)
def test_no_password_that_an_url_can_hold_survives(user: str, password: str, before: str) -> None:
    # Whatever stands between the scheme and the host has to go, so only the rest may be left.
    assert redacted(f"{before}https://{user}:{password}@proxy.example/x y") == f"{before}https://proxy.example/x y"
