"""Proxies are read from the environment as the go command reads them."""

from __future__ import annotations

import pytest

from modgate.errors import Malformed
from modgate.net.noproxy import NoProxy
from modgate.net.proxies import DIRECT, Egress, Proxy


@pytest.mark.parametrize(
    ("words", "host", "port", "covered"),
    [
        ("", "a.example", 443, False),
        ("*", "a.example", 443, True),
        ("x.example,*", "a.example", 443, True),
        ("a.example", "a.example", 443, True),
        ("A.Example", "a.example", 443, True),
        ("a.example", "b.a.example", 443, True),
        ("a.example", "ba.example", 443, False),
        (".a.example", "b.a.example", 443, True),
        (".a.example", "a.example", 443, False),
        ("*.a.example", "b.a.example", 443, True),
        ("*.a.example", "a.example", 443, False),
        ("a.example:443", "a.example", 443, True),
        ("a.example:443", "a.example", 80, False),
        ("*.a.example:80", "b.a.example", 80, True),
        (" a.example , b.example ", "b.example", 443, True),
        ("10.0.0.0/8", "10.1.2.3", 443, True),
        ("10.1.0.0/8", "10.2.2.3", 443, True),
        ("10.0.0.0/8", "11.1.2.3", 443, False),
        ("10.0.0.0/8", "a.10.example", 443, False),
        ("10.1.2.3", "10.1.2.3", 443, True),
        ("10.1.2.3:80", "10.1.2.3", 443, False),
        ("2001:db8::1", "2001:db8::1", 443, True),
        ("[2001:db8::1]:443", "2001:db8:0::1", 443, True),
        ("[2001:db8::1]:80", "2001:db8::1", 443, False),
        ("2001:db8::/32", "2001:db8::1", 443, True),
        ("1", "10.1.2.1", 443, False),
        (":80", "a.example", 80, False),
        (",,", "a.example", 80, False),
        ("", "localhost", 443, True),
        ("", "127.0.0.1", 443, True),
        ("", "::1", 443, True),
    ],
)
def test_hosts_without_a_proxy(words: str, host: str, port: int, covered: bool) -> None:
    assert NoProxy.parse(words).covers(host, port) is covered


PLAIN, SECURE = Proxy("http", "p.example", 3128), Proxy("http", "s.example", 80)


@pytest.mark.parametrize(
    ("environ", "url", "proxy"),
    [
        ({}, "https://a.example/", DIRECT),
        ({"HTTP_PROXY": "http://p.example:3128"}, "http://a.example/", PLAIN),
        ({"HTTP_PROXY": "http://p.example:3128"}, "https://a.example/", DIRECT),
        ({"https_proxy": "s.example"}, "https://a.example/", SECURE),
        ({"HTTPS_PROXY": "s.example", "https_proxy": "p.example"}, "https://a.example/", SECURE),
        ({"HTTPS_PROXY": "", "https_proxy": "s.example"}, "https://a.example/", SECURE),
        ({"HTTPS_PROXY": "s.example", "NO_PROXY": "a.example"}, "https://a.example/", DIRECT),
        ({"HTTPS_PROXY": "s.example", "no_proxy": "a.example:8443"}, "https://a.example/", SECURE),
        ({"HTTPS_PROXY": "s.example"}, "https://localhost:8443/", DIRECT),
        ({"HTTPS_PROXY": "s.example", "ALL_PROXY": "x"}, "ssh://git@a.example/", DIRECT),
    ],
)
def test_the_proxy_of_the_environment(environ: dict[str, str], url: str, proxy: Proxy) -> None:
    assert Egress.of(environ).proxy(url) == proxy


@pytest.mark.parametrize(
    ("text", "shown", "given"),
    [
        ("http://p.example", "http://p.example:80", "http://p.example:80"),
        ("p.example:3128", "http://p.example:3128", "http://p.example:3128"),
        ("socks5://u:p%40@P.example", "socks5://p.example:1080", "socks5h://u:p%40@p.example:1080"),
        ("socks5h://[::1]:9", "socks5://[::1]:9", "socks5h://[::1]:9"),
        ("direct", "direct", ""),
    ],
)
def test_a_proxy_is_shown_without_its_password(text: str, shown: str, given: str) -> None:
    proxy = Proxy.parse(text)
    assert (proxy.shown, proxy.url("socks5h")) == (shown, given)
    assert "p@" not in repr(proxy)


@pytest.mark.parametrize(
    "text",
    [
        "https://p.example",
        "ftp://p.example",
        "http://",
        "http://p.example/x",
        "http://p.example:99999",
        "a b",
        "http://[x",
    ],
)
def test_what_is_no_proxy_is_not_repeated(text: str) -> None:
    with pytest.raises(Malformed) as caught:
        Proxy.parse(text.replace("://", "://u:s3cr3t@"))
    assert "s3cr3t" not in str(caught.value)


def test_the_variable_that_is_wrong_is_named() -> None:
    with pytest.raises(Malformed) as caught:
        Egress.of({"https_proxy": "https://u:s3cr3t@p.example"})
    assert caught.value.what == "HTTPS_PROXY" and "s3cr3t" not in str(caught.value)
