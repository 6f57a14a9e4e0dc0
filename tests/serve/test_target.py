"""A request target means one thing or is refused, however it is spelled."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.serve.errors import failure_of
from modgate.serve.target import LONGEST_TARGET, Place, Target, parse_target
from modgate.source.base import Ask, Kind

QUOTE = ModulePath("rsc.io/quote")
AZURE = ModulePath("github.com/Azure/azure-sdk")


def module(kind: Kind, path: str, version: str = "", *, cached_only: bool = False) -> Target:
    return Target(Place.MODULE, Ask(kind, ModulePath(path), version), cached_only=cached_only)


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        (b"/", Target(Place.ROOT)),
        (b"/?x=y", Target(Place.ROOT)),
        (b"/health/live", Target(Place.LIVE)),
        (b"/healthz", Target(Place.LIVE)),
        (b"/health/ready", Target(Place.READY)),
        (b"/readyz", Target(Place.READY)),
        (b"/version", Target(Place.VERSION)),
        (b"/rsc.io/quote/@v/list", module(Kind.LIST, "rsc.io/quote")),
        (b"/rsc.io/quote/@latest", module(Kind.LATEST, "rsc.io/quote")),
        (b"/rsc.io/quote/@v/v1.5.2.info", module(Kind.INFO, "rsc.io/quote", "v1.5.2")),
        (b"/rsc.io/quote/@v/v1.5.2.mod", module(Kind.MOD, "rsc.io/quote", "v1.5.2")),
        (b"/rsc.io/quote/@v/v1.5.2.zip", module(Kind.ZIP, "rsc.io/quote", "v1.5.2")),
        (b"/rsc.io/quote/@v/v1.5.2.zip?go-get=1", module(Kind.ZIP, "rsc.io/quote", "v1.5.2")),
        (b"http://gw.example/rsc.io/quote/@v/list", module(Kind.LIST, "rsc.io/quote")),
        (b"HTTPS://u:p@gw.example:8080/rsc.io/quote/@v/list", module(Kind.LIST, "rsc.io/quote")),
        (b"http://gw.example", Target(Place.ROOT)),
        # Go sends the ! of an escaped capital as %21; other clients send it as it is (protocol.md §1.2).
        (b"/github.com/%21azure/azure-sdk/@v/list", module(Kind.LIST, AZURE)),
        (b"/github.com/!azure/azure-sdk/@v/list", module(Kind.LIST, AZURE)),
        (b"/rsc.io/quote/@v/v1.5.3-%21p%21r%21e.info", module(Kind.INFO, "rsc.io/quote", "v1.5.3-PRE")),
        (b"/rsc.io/%71uote/%40v/v1.5.2%2Einfo", module(Kind.INFO, "rsc.io/quote", "v1.5.2")),
        (b"/a.b/c/@v/v2.0.0+incompatible.zip", module(Kind.ZIP, "a.b/c", "v2.0.0+incompatible")),
        (b"/a.b/c/@v/v2.0.0%2Bincompatible.zip", module(Kind.ZIP, "a.b/c", "v2.0.0+incompatible")),
        # Queries: branches, commits, HEAD, versions with metadata, and versions that do not fit the path (§1.3, §1.4).
        (b"/rsc.io/quote/@v/master.info", module(Kind.INFO, "rsc.io/quote", "master")),
        (b"/rsc.io/quote/@v/%21h%21e%21a%21d.info", module(Kind.INFO, "rsc.io/quote", "HEAD")),
        (b"/rsc.io/quote/@v/v1.2.3+meta.info", module(Kind.INFO, "rsc.io/quote", "v1.2.3+meta")),
        (b"/rsc.io/quote/@v/v2.0.0.info", module(Kind.INFO, "rsc.io/quote", "v2.0.0")),
        (b"/rsc.io/quote/@v/x@y.info", module(Kind.INFO, "rsc.io/quote", "x@y")),
        (b"/rsc.io/quote/@v/v1.info", module(Kind.INFO, "rsc.io/quote", "v1")),
        (
            b"/golang.org/toolchain/@v/v0.0.1-go1.22.0.linux-amd64.zip",
            module(Kind.ZIP, "golang.org/toolchain", "v0.0.1-go1.22.0.linux-amd64"),
        ),
        (b"/cached-only/rsc.io/quote/@v/list", module(Kind.LIST, "rsc.io/quote", cached_only=True)),
        (b"/sumdb/sum.golang.org/supported", Target(Place.SUMDB, rest="sum.golang.org/supported")),
        (
            b"/sumdb/sum.golang.org/lookup/github.com/%21azure/x@v1.0.0+incompatible",
            Target(Place.SUMDB, rest="sum.golang.org/lookup/github.com/!azure/x@v1.0.0+incompatible"),
        ),
        (
            b"/cached-only/sumdb/sum.golang.org/tile/8/0/x001/234.p/5",
            Target(Place.SUMDB, rest="sum.golang.org/tile/8/0/x001/234.p/5", cached_only=True),
        ),
    ],
)
def test_a_target_is_understood(raw: bytes, target: Target) -> None:
    assert parse_target(raw) == target


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"*", 400),
        (b"rsc.io/quote/@v/list", 400),
        (b"httpx", 400),
        (b"gw.example:443", 400),
        (b"/rsc.io/quote/@v/list#x", 400),
        (b"/rsc.io/quote/@v/li\x00st", 400),
        (b"/rsc.io/quote/@v/li st", 400),
        (b"/rsc.io/quote/@v/list\xff", 400),
        (b"/rsc.io/quote/@v/list%00", 400),
        (b"/rsc.io/quote/@v/list%0A", 400),
        (b"/rsc.io/quote/@v/list%7f", 400),
        (b"/rsc.io/quote/@v/list%C2%85", 400),
        (b"/rsc.io/quote/@v/list%ff", 400),
        (b"/rsc.io/quote/@v/list%ed%a0%80", 400),  # a surrogate is no character
        (b"/rsc.io/quote/@v/list%zz", 400),
        (b"/rsc.io/quote/@v/list%2", 400),
        (b"/rsc.io/quote/@v/list%", 400),
        (b"/rsc.io%2Fquote/@v/list", 400),
        (b"/rsc.io%2fquote/@v/list", 400),
        (b"//rsc.io/quote/@v/list", 400),
        (b"/rsc.io//quote/@v/list", 400),
        (b"/rsc.io/./quote/@v/list", 400),
        (b"/rsc.io/../quote/@v/list", 400),
        (b"/rsc.io/%2e%2e/quote/@v/list", 400),
        (b"/../etc/passwd", 400),
        (b"/rsc.io/quote/@v/list/", 400),
        (b"/rsc.io/quote/", 400),
        (b"/health/", 400),
        (b"/" + b"a" * LONGEST_TARGET, 414),
        (b"/rsc.io/Quote/@v/list", 404),
        (b"/rsc.io/quote/@v/v1.0.0-PRE.info", 404),
        (b"/rsc.io/%51uote/@v/list", 404),
        (b"/rsc.io/%2521quote/@v/list", 404),  # encoded twice
        (b"/rsc.io/quote/@v/v1.0.0%2521x.info", 404),
        (b"/rsc.io/!Quote/@v/list", 404),
        (b"/rsc.io/quote!/@v/list", 404),
        (b"/rsc.io/!!quote/@v/list", 404),
        (b"/rsc.io/quote", 404),
        (b"/rsc.io/quote/@v", 404),
        (b"/rsc.io/quote/@v/", 400),
        (b"/rsc.io/quote/@v/v1.0.0", 404),
        (b"/rsc.io/quote/@v/v1.0.0.ziphash", 404),
        (b"/rsc.io/quote/@v/.info", 404),
        (b"/rsc.io/quote/@v/..info", 404),
        (b"/rsc.io/quote/@v/feature/x.info", 404),
        (b"/rsc.io/quote/@v/x/@latest", 404),
        (b"/rsc.io/quote/@v/latest.info", 404),
        (b"/rsc.io/quote/@v/upgrade.info", 404),
        (b"/rsc.io/quote/@v/patch.info", 404),
        (b"/rsc.io/quote/@v/list.info", 404),
        (b"/rsc.io/quote/@v/master.mod", 404),
        (b"/rsc.io/quote/@v/master.zip", 404),
        (b"/rsc.io/quote/@v/v1.0.mod", 404),
        (b"/rsc.io/quote/@v/v1.0.0+meta.mod", 404),
        (b"/rsc.io/quote/@v/v2.0.0.mod", 404),
        (b"/rsc.io/quote/@v/v2.0.0.zip", 404),
        (b"/rsc.io/quote/v2/@v/v1.0.0.zip", 404),
        (b"/rsc.io/con/@v/list", 404),
        (b"/rsc.io/\\x/@v/list", 404),
        (b"/@v/list", 404),
        (b"/@latest", 404),
        (b"/team-a/rsc.io/quote/@v/list", 404),
        (b"/api/modules", 404),
        (b"/index", 404),
        (b"/catalog", 404),
        (b"/health", 404),
        (b"/health/other", 404),
        (b"/version/x", 404),
        (b"/sumdb", 404),
        (b"/sumdb/", 400),
        (b"/cached-only", 404),
        (b"/cached-only/cached-only/rsc.io/quote/@v/list", 404),
        (b"/favicon.ico", 404),
    ],
)
def test_a_target_is_refused(raw: bytes, status: int) -> None:
    with pytest.raises(Malformed) as raised:
        parse_target(raw)
    assert failure_of(raised.value, "id").status == status


@pytest.mark.parametrize(
    ("raw", "target"),
    [
        (b"/go/x", Target(Place.ROOT)),
        (b"/go/x/", Target(Place.ROOT)),
        (b"/", Target(Place.ROOT)),
        (b"/readyz", Target(Place.READY)),
        (b"/go/x/readyz", Target(Place.READY)),
        (b"/go/x/rsc.io/quote/@v/list", module(Kind.LIST, "rsc.io/quote")),
        (b"/go/x/sumdb/sum.golang.org/latest", Target(Place.SUMDB, rest="sum.golang.org/latest")),
    ],
)
def test_modules_lie_below_the_base_path_and_health_at_both(raw: bytes, target: Target) -> None:
    assert parse_target(raw, "/go/x") == target


@pytest.mark.parametrize("raw", [b"/rsc.io/quote/@v/list", b"/go/xrsc.io/quote/@v/list", b"/go/y/rsc.io/q/@v/list"])
def test_nothing_else_lies_outside_the_base_path(raw: bytes) -> None:
    with pytest.raises(Malformed) as raised:
        parse_target(raw, "/go/x")
    assert failure_of(raised.value, "id").status == 404


ASKS = st.one_of(
    st.sampled_from([Ask(Kind.LIST, QUOTE), Ask(Kind.LATEST, AZURE), Ask(Kind.INFO, AZURE, "HEAD")]),
    st.builds(
        Ask,
        st.sampled_from([Kind.INFO, Kind.MOD, Kind.ZIP]),
        st.sampled_from([QUOTE, AZURE]),
        st.sampled_from(["v1.0.0", "v0.1.0-Pre.1", "v2.0.0+incompatible", "v0.0.0-20190508235803-abcdef123456"]),
    ),
)


@given(ASKS, st.data())
def test_every_spelling_of_an_ask_is_the_same_ask(ask: Ask, data: st.DataObject) -> None:
    escaped = [data.draw(st.booleans()) and char != "/" for char in ask.name]
    spelled = "".join(f"%{ord(char):02X}" if escape else char for char, escape in zip(ask.name, escaped, strict=True))
    prefix = data.draw(st.sampled_from(["/", "http://gw.example/", "https://GW.example:8080/"]))
    query = data.draw(st.sampled_from(["", "?", "?a=b&c=%zz"])) if "%zz" not in spelled else ""
    raw = f"{prefix}{spelled}{query.replace('%zz', '')}".encode()
    assert parse_target(raw) == Target(Place.MODULE, ask)
    assert parse_target(b"/cached-only" + f"/{ask.name}".encode()).ask == ask


@given(st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: quote(f"/{text}").encode())))
def test_arbitrary_bytes_are_parsed_or_malformed(raw: bytes) -> None:
    for base in ("", "/go"):
        with contextlib.suppress(Malformed):
            assert isinstance(parse_target(raw, base), Target)


@given(st.text("abAB./@v!%-+0123456789", max_size=60))
def test_what_is_accepted_has_one_escaped_spelling(text: str) -> None:
    try:
        target = parse_target(f"/{text}".encode())
    except Malformed:
        return
    if target.ask is not None:
        assert parse_target(f"/{target.ask.name}".encode()).ask == target.ask


@pytest.mark.parametrize("base", ["", "/go/x"])
@pytest.mark.parametrize(
    ("below", "target"),
    [
        ("/team-a", Target(Place.ROOT, view="team-a")),
        ("/team-a/", Target(Place.ROOT, view="team-a")),
        ("/team-a/rsc.io/quote/@v/list", replace(module(Kind.LIST, "rsc.io/quote"), view="team-a")),
        (
            "/team-a/cached-only/rsc.io/a/@latest",
            replace(module(Kind.LATEST, "rsc.io/a", cached_only=True), view="team-a"),
        ),
        ("/team-a/sumdb/sum.golang.org/latest", Target(Place.SUMDB, rest="sum.golang.org/latest", view="team-a")),
        ("/rsc.io/quote/@v/list", module(Kind.LIST, "rsc.io/quote")),
    ],
)
def test_a_view_is_a_base_of_its_own(base: str, below: str, target: Target) -> None:
    assert parse_target(f"{base}{below}".encode(), base, views={"team-a"}) == target


@pytest.mark.parametrize(
    "path", ["/team-b/rsc.io/a/@latest", "/team-a/team-a/rsc.io/a/@latest", "/team-a/healthz", "/team-a/x/"]
)
def test_what_is_no_view_and_what_no_view_has_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        parse_target(path.encode(), views={"team-a"})
