"""What the settings say has to make sense, alone and together."""

from __future__ import annotations

import pytest

from modgate.errors import Malformed
from modgate.settings.meaning import Address, parse_address
from tests.settings.sources import loaded, problems_of

KEY = "localhost.localdev/sumdb+00000c67+AcTrnkbUA+TU4heY3hkjiSES/DSQniBqIeQ/YppAUtK6"
SECRET = "s3cr3t"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("localhost:0", "localhost", 0),
        (":8080", "", 8080),
        ("[::1]:8080", "::1", 8080),
        ("proxy.corp.example:443", "proxy.corp.example", 443),
    ],
)
def test_an_address_is_host_and_port(text: str, host: str, port: int) -> None:
    assert parse_address(text) == Address(host, port)
    assert str(parse_address(text)) == text


@pytest.mark.parametrize(
    "text", ["", "8080", "localhost", "::1:8080", "a:65536", "a:b", "http://a:1", "a b:1", "a@b:1", "[]:1"]
)
def test_anything_else_is_no_address(text: str) -> None:
    with pytest.raises(Malformed):
        parse_address(text)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"listen": "8080"}, "listen: '8080' is no address; write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080"),
        ({"admin": "on"}, "admin: 'on' is no address; write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, or off"),
        ({"listen": ":1", "admin": ":1"}, "admin: :1 is the data port too; give another port, or off"),
        ({"upstream": "proxy"}, "upstream: malformed GOPROXY entry 'proxy': missing scheme"),
        ({"checksum": "sum.corp.example"}, "checksum: malformed GOSUMDB 'sum.corp.example': the key of"),
        ({"checksum_database": "a b c"}, "checksum_database: malformed checksum database 'a b c'"),
        ({"checksum_database": ("a.example", "a.example x")}, "checksum_database: malformed checksum database 'x'"),
        ({"checksum_database": ("a.example", "a.example")}, "checksum_database: a.example is there twice; remove one"),
        ({"private": "[a"}, "private: malformed pattern '[a'"),
        (
            {"trusted_proxies": "10.0.0.1/8"},
            "trusted_proxies: '10.0.0.1/8' is no address or network; write 10.1.2.3, or",
        ),
        ({"base_path": "go"}, "base_path: 'go' is no path; begin with /, do not end with it"),
        ({"base_path": "/go/"}, "base_path: '/go/' is no path"),
        ({"base_path": "/"}, "base_path: '/' is no path"),
        ({"base_path": "/a/../b"}, "base_path: '/a/../b' is no path"),
        ({"base_path": "/a b"}, "base_path: '/a b' is no path"),
        ({"tls_cert": "/c"}, "tls_key: is missing, while tls_cert is set; give both or neither"),
        ({"tls_key": "/k"}, "tls_cert: is missing, while tls_key is set; give both or neither"),
        ({"access_log": ""}, "access_log: is empty; give -, off or the name of a file"),
        (
            {"limits.zip": "1GiB", "limits.spool": "512MiB"},
            "limits.spool: 512MiB is less than limits.zip (1GiB); a zip",
        ),
        (
            {"freshness.public.fresh": "4h"},
            "freshness.public.stale: 3h is less than freshness.public.fresh (4h); raise it",
        ),
        ({"freshness.private.stale": "31d"}, "freshness.private.keep: 30d is less than freshness.private.stale (31d)"),
    ],
)
def test_what_makes_no_sense_is_named_with_a_remedy(settings: dict[str, str | tuple[str, ...]], problem: str) -> None:
    (told,) = problems_of(**settings)
    assert told.startswith(problem)
    assert "; " in told
    assert "\n" not in told


def test_port_zero_may_stand_in_both_addresses() -> None:
    assert problems_of(listen="127.0.0.1:0", admin="127.0.0.1:0") == []


def test_the_admin_port_can_be_off() -> None:
    assert loaded({"admin": "off"}).meaning.admin is None


@pytest.mark.parametrize(
    ("checksum", "others", "databases"),
    [
        ("off", (), []),
        ("off", ("sum.golang.org",), [("sum.golang.org", "")]),
        ("sum.golang.org", ("sum.golang.org",), [("sum.golang.org", "")]),
        ("sum.golang.org", ("sum.golang.org https://a.example",), [("sum.golang.org", "https://a.example")]),
        ("sum.golang.org", ("b.example",), [("sum.golang.org", ""), ("b.example", "")]),
        (
            f"{KEY} https://a.example",
            ("b.example",),
            [("localhost.localdev/sumdb", "https://a.example"), ("b.example", "")],
        ),
        (KEY, ("localhost.localdev/sumdb https://a.example",), [("localhost.localdev/sumdb", "https://a.example")]),
    ],
)
def test_databases_are_that_of_checksum_and_the_listed_ones(
    checksum: str, others: tuple[str, ...], databases: list[tuple[str, str]]
) -> None:
    # A list that is given as empty stands for a TOML file with [].
    meaning = loaded({"checksum": checksum, "checksum_database": others}).meaning
    assert [(spec.name, spec.url) for spec in meaning.databases] == databases
    assert all(spec.key for spec in meaning.databases if spec.name == "localhost.localdev/sumdb")


@pytest.mark.parametrize(
    "settings",
    [
        {"upstream": f"https://user:{SECRET}@proxy.example"},
        {"upstream": f"https://user:{SECRET}@proxy.example:port"},
        {"upstream": f"user:{SECRET}@proxy.example:port"},
        {"upstream": f"https://user:{SECRET}/x@proxy.example"},
        {"upstream": f"ftp://user:{SECRET}@proxy.example"},
        {"upstream": f"http://user:{SECRET}@127.0.0.1:8080"},  # this gateway itself
        {"upstream": f"http://user:{SECRET}@proxy.example"},  # plain http
        {"checksum": f"sum.golang.org https://user:{SECRET}@a.example"},
        {"checksum": f"nonsense https://user:{SECRET}@a.example"},
        {"checksum_database": f"a.example https://user:{SECRET}@a.example"},
        {"checksum_database": f"a.example https://user:{SECRET}@a.example x y"},
        {"checksum_database": f"a.example ftp://user:{SECRET}@a.example"},
    ],
)
def test_no_secret_is_ever_told(settings: dict[str, str]) -> None:
    problems = problems_of(**settings)
    everything = "\n".join(problems)
    if not problems:
        fine = loaded(settings)
        everything = f"{fine!r} {fine.settings!r} {fine.meaning!r} {fine.warnings}"
    assert SECRET not in everything
