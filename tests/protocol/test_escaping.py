"""A name has one meaning, however a client spells it on the wire, and what has no meaning is absent, never an error."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.protocol.asking import expect_error, kept
from tests.world import Gateway, Module, Upstream


@pytest.fixture(scope="module")
def quote_module(upstream: Upstream) -> Module:
    module = Module("example.com/QUOTE", "v1.5.3-PRE")
    upstream.publishes(module)
    return module


@pytest.mark.parametrize(
    "target",
    [
        "example.com/!q!u!o!t!e/@v/v1.5.3-!p!r!e.info",
        "example.com/%21q%21u%21o%21t%21e/@v/v1.5.3-%21p%21r%21e.info",
        "example.com/%21q!u%21o!t%21e/@v/v1.5.3-!p%21r!e.info",
        "example.com/!q!u!o!t!e/%40v/v1.5.3-!p!r!e.info",
        "example.com/!q!u!o!t!e/@v/v1%2E5%2e3-!p!r!e%2einfo",
        "%65xample.com/!%71!u!o!t!e/@v/v1.5.3-!p!r!e.info",
        "example.com/!q!u!o!t!e/@v/v1.5.3-!p!r!e.info?",
        "example.com/!q!u!o!t!e/@v/v1.5.3-!p!r!e.info?go-get=1&x=%20",
    ],
)
def test_every_legal_spelling_means_the_same(gateway: Gateway, quote_module: Module, target: str) -> None:
    for _ in range(2):
        assert gateway.get(target).body == quote_module.info_bytes


def test_all_spellings_are_one_entry_of_the_cache(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/ONE", "v1.0.0")
    upstream.publishes(module)
    kept(gateway, "example.com/!o!n!e/@v/v1.0.0.mod")
    assert gateway.get("example.com/%21o%21n%21e/@v/v1.0.0.mod").cache == "hit"
    assert upstream.asked_for(f"{module.name}.mod") == 1


def test_the_upstream_is_asked_as_the_go_command_would(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/Asked", "v2.0.0-Pre+incompatible")
    upstream.publishes(module)
    assert gateway.get(f"{module.name}.mod").status == 200
    asked = [request.target for request in upstream.requests if "sked/" in request.target]
    assert asked == ["/example.com/%21asked/@v/v2.0.0-%21pre+incompatible.mod"]


def test_a_plus_survives_decoding(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/plus", "v2.0.0+incompatible")
    upstream.publishes(module)
    for target in ("example.com/plus/@v/v2.0.0+incompatible.mod", "example.com/plus/@v/v2.0.0%2Bincompatible.mod"):
        assert gateway.get(target).body == module.mod_bytes


@pytest.mark.parametrize(
    "target",
    [
        "example.com/QUOTE/@v/list",  # upper case is escaped on the wire
        "example.com/!q!u!o!t!e/@v/v1.5.3-PRE.info",
        "example.com/%51uote/@v/list",
        "example.com/!!quote/@v/list",
        "example.com/quote!/@v/list",
        "example.com/!1quote/@v/list",
        "example.com/!Quote/@v/list",
        "example.com/%2521q/@v/list",  # encoded twice
        "example.com/quote/@v/v1.0.0%252Binc.info",
        "example.com/quote/%2540v/list",
        "example.com/qu%C3%B6te/@v/list",
        "example.com/quote/@v/%E6%97%A5%E6%9C%AC.info",
        "example.com/qu ote/@v/list".replace(" ", "%20"),
        "example.com/quote+/@v/list",
        "example.com/.quote/@v/list",
        "-example.com/quote/@v/list",
        "example.com/quote./@v/list",
        "example.com/con/@v/list",
        "example.com/aux.x/@v/list",
        "example.com/short~1/@v/list",
        "_example.com/quote/@v/list",
        "example.com/quote/v1/@v/list",
        "example.com/quote/v02/@v/list",
        "example.com/quote/v2.0/@v/list",
        "gopkg.in/yaml/@v/list",
        "gopkg.in/yaml.v2.0/@v/list",
        "example.com/quote/@v/v1.0.0",
        "example.com/quote/@v/v1.0.0.",
        "example.com/quote/@v/.info",
        "example.com/quote/@v/v1.0.0.ziphash",
        "example.com/quote/@v/v1.0.0.tar.gz",
        "example.com/quote/@v/list.info",
        "example.com/quote/@v/a;b.info",
        "example.com/quote/@v/a%3Fb.info",
        "example.com/quote/@v/a%5Cb.info",
        "example.com/quote/@v/a%22b.info",
        "example.com/quote/@v/con.info",
        "example.com/quote/@v/a..info",
        "example.com/quote/@v/LIST",
        "example.com/quote/@V/list",
        "example.com/quote/@v",
        "example.com/quote/@v/x/list",
        "example.com/quote/@latest/x",
        "example.com/quote/@Latest",
        "example.com/quote",
        "example.com/quote/list",
        "@v/list",
        "@latest",
        "example.com",
    ],
)
def test_what_names_nothing_is_not_found_and_nobody_is_asked(gateway: Gateway, upstream: Upstream, target: str) -> None:
    before = upstream.asked
    for method in ("GET", "HEAD"):
        answer = gateway.get(target, method=method)
        assert answer.status == 404
    expect_error(gateway.get(target), 404, "not found: ")
    assert upstream.asked == before


@pytest.mark.parametrize(
    "version",
    ["v1", "v1.0", "v1.0.0+meta", "v1.0.0-01", "v01.0.0", "1.0.0", "main", "latest", "v2.0.0", "v1.0.0-", "x@y"],
)
def test_mod_and_zip_exist_for_canonical_versions_that_fit_the_path_only(
    gateway: Gateway, upstream: Upstream, version: str
) -> None:
    before = upstream.asked
    for extension in ("mod", "zip"):
        expect_error(gateway.get(f"example.com/strict/@v/{version}.{extension}"), 404, "not found: malformed version")
    assert upstream.asked == before


@pytest.mark.parametrize(
    "query", ["a b", "x@y", "a#b", "a&b=c", "a,b", "a(b)", "[a]", "{a}", "a^b", "$a", "~a", "=", "a..b", ".x", "HEAD"]
)
def test_a_query_of_any_legal_characters_reaches_the_upstream_as_it_is(
    gateway: Gateway, upstream: Upstream, query: str
) -> None:
    module = Module("example.com/queries", "v1.0.0")
    upstream.publishes(module)
    upstream.branch(module.path, query, "v1.0.0")
    escaped = query.replace("HEAD", "!h!e!a!d")
    assert gateway.get(f"example.com/queries/@v/{quote(escaped)}.info").body == module.info_bytes


def test_the_last_at_v_divides_path_and_version(gateway: Gateway) -> None:
    expect_error(gateway.get("example.com/a/@v/b/@v/list"), 404, "not found: malformed module path")


@pytest.mark.parametrize("length", [256, 300, 1000])
def test_a_name_longer_than_any_file_system_takes_is_absent(gateway: Gateway, length: int) -> None:
    long = "a" * length
    for target in (f"example.com/{long}/@v/list", f"example.com/m/@v/{long}.info", f"example.com/{long}/@latest"):
        expect_error(gateway.get(target), 404, "not found: ")
    expect_error(gateway.get(f"example.com/m/@v/v1.0.0-{long}.zip"), 404, "not found: ")
    assert gateway.get("readyz").status == 200
