"""Links that this gateway cannot ask are left out of the chain, with a warning."""

from __future__ import annotations

import socket

import pytest

from tests.settings.sources import loaded, problems_of


def chain_of(upstream: str, listen: str = "127.0.0.1:8080") -> tuple[str, tuple[str, ...]]:
    found = loaded({"upstream": upstream, "listen": listen, "admin": "off"})
    return "".join(link.url + link.after for link in found.meaning.chain), found.warnings


def test_a_chain_of_proxies_stays_as_it_is() -> None:
    assert chain_of("https://a.example|b.example/go/,file:///srv") == (
        "https://a.example|https://b.example/go,file:///srv,",
        (),
    )


def test_direct_stays() -> None:
    assert chain_of("https://a.example,direct") == ("https://a.example,direct,", ())


def test_off_stays_because_it_answers_that_nothing_exists() -> None:
    assert chain_of("off") == ("off,", ())


def test_plain_http_is_warned_about_once_and_not_on_this_machine() -> None:
    _, warnings = chain_of("http://a.example,http://b.example,http://127.0.0.1:1,http://localhost:1,http://[::1]:1")
    assert warnings == (
        "upstream: http://a.example, http://b.example is plain http: whoever is on the way can read and change it",
    )


@pytest.mark.parametrize(
    ("listen", "url", "itself"),
    [
        ("127.0.0.1:8080", "http://127.0.0.1:8080", True),
        ("127.0.0.1:8080", "http://localhost:8080/base", True),
        ("127.0.0.1:8080", "https://127.0.0.1:8080", True),
        ("localhost:8080", "http://[::1]:8080", True),
        (":8080", "http://127.0.0.1:8080", True),
        ("0.0.0.0:80", "http://localhost", True),
        ("[::]:443", "https://localhost", True),
        ("proxy.corp.example:80", "http://Proxy.corp.example", True),
        ("127.0.0.1:8080", "http://0.0.0.0:8080", True),
        (":8080", f"http://{socket.gethostname()}:8080", True),
        (":8080", "http://192.0.2.1:8080", False),
        (":8080", "http://[2001:db8::1]:8080", False),
        ("127.0.0.1:8080", "http://127.0.0.1:8081", False),
        ("127.0.0.1:8080", "http://127.0.0.2:8080", False),
        ("127.0.0.1:8080", "https://a.example:8080", False),
        ("127.0.0.1:0", "http://127.0.0.1:8080", False),
        ("127.0.0.1:0", "http://127.0.0.1", False),
    ],
)
def test_the_gateway_itself_is_left_out(listen: str, url: str, itself: bool) -> None:
    chain, warnings = chain_of(f"{url},https://a.example", listen)
    assert (chain == "https://a.example,") is itself
    assert any("it is this gateway itself" in warning for warning in warnings) is itself


def test_a_machine_whose_go_already_points_here_is_told_what_to_do() -> None:
    (problem,) = problems_of(upstream="http://127.0.0.1:8080")
    assert problem == (
        "upstream: nothing is left of the chain"
        " (http://127.0.0.1:8080 is left out, because it is this gateway itself); give a proxy: --upstream URL"
    )
