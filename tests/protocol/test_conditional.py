"""Whoever has an answer already, or a part of it, is not sent it again (RFC 9110 §§13, 14)."""

from __future__ import annotations

import pytest

from tests.protocol.asking import expect_error, kept
from tests.world import Gateway, Module, Response, Upstream, World

SMALL, LARGE = 0, 300_000
LONG_AGO, LATER = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=["small", "large"])
def module(request: pytest.FixtureRequest, upstream: Upstream) -> Module:
    module = Module(f"example.com/conditional{request.param}", "v1.0.0", payload=request.param)
    upstream.publishes(module)
    return module


@pytest.fixture(params=["zip", "mod", "info"])
def target(request: pytest.FixtureRequest, gateway: Gateway, module: Module) -> str:
    """An artifact that the gateway has."""
    target = f"{module.name}.{request.param}"
    kept(gateway, target)
    return target


def test_the_same_tag_is_304(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    tag = whole.headers["etag"]
    assert tag.startswith('"')  # strong: it is the hash
    for known in (tag, f"W/{tag}", f'"x", {tag}', f'{tag},"y"', "*"):
        for method in ("GET", "HEAD"):
            answer = gateway.get(target, method=method, if_none_match=known)
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["etag"] == tag
            assert answer.headers["cache-control"] == whole.headers["cache-control"]
            assert "content-type" not in answer.headers


def test_another_tag_is_200(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    for known in ('"x"', whole.headers["etag"].upper(), whole.headers["etag"].strip('"'), '""', ""):
        assert gateway.get(target, if_none_match=known).body == whole.body


def test_a_date_decides_where_there_is_no_tag(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    came = whole.headers["last-modified"]
    for since, status in ((came, 304), (LATER, 304), (LONG_AGO, 200), ("yesterday", 200), ("", 200)):
        assert gateway.get(target, if_modified_since=since).status == status
    # RFC 9110 §13.1.3: a tag outweighs a date.
    assert gateway.get(target, if_none_match='"x"', if_modified_since=LATER).status == 200


def test_preconditions_that_do_not_hold_are_412(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    for condition, status in (
        ({"if_match": whole.headers["etag"]}, 200),
        ({"if_match": "*"}, 200),
        ({"if_match": '"x"'}, 412),
        ({"if_match": f"W/{whole.headers['etag']}"}, 412),  # RFC 9110 §13.1.1 wants the strong comparison
        ({"if_unmodified_since": LATER}, 200),
        ({"if_unmodified_since": LONG_AGO}, 412),
    ):
        assert gateway.get(target, **condition).status == status, condition


def part(whole: Response, answer: Response) -> tuple[int, int]:
    """The range that a 206 says it is; its bytes are those of the whole."""
    assert answer.status == 206
    unit, _, extent = answer.headers["content-range"].partition(" ")
    first, _, rest = extent.partition("-")
    last, _, size = rest.partition("/")
    assert (unit, size) == ("bytes", str(len(whole.body)))
    assert answer.body == whole.body[int(first) : int(last) + 1]
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["etag"] == whole.headers["etag"]
    assert answer.headers["content-type"] == whole.headers["content-type"]
    return int(first), int(last)


def test_a_range_is_served(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    size = len(whole.body)
    assert whole.headers["accept-ranges"] == "bytes"
    for wanted, expected in (
        ("bytes=0-0", (0, 0)),
        ("bytes=5-9", (5, 9)),
        ("bytes=5-", (5, size - 1)),
        ("bytes=-7", (size - 7, size - 1)),
        (f"bytes=-{size + 1}", (0, size - 1)),
        (f"bytes=7-{size + 100}", (7, size - 1)),
        (f"bytes={size - 1}-", (size - 1, size - 1)),
        (f"bytes=0-{10**18}", (0, size - 1)),
        ("BYTES=0-1", (0, 1)),
    ):
        assert part(whole, gateway.get(target, range=wanted)) == expected


def test_a_range_behind_the_end_is_416(gateway: Gateway, target: str) -> None:
    size = len(gateway.get(target).body)
    for wanted in (f"bytes={size}-", f"bytes={size + 5}-{size + 9}", "bytes=-0"):
        answer = gateway.get(target, range=wanted)
        expect_error(answer, 416, "refused: ")
        assert answer.headers["content-range"] == f"bytes */{size}"


def test_what_is_no_single_range_of_bytes_is_answered_whole(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    for wanted in ("bytes=0-1,3-4", "lines=1-2", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-2-3"):
        answer = gateway.get(target, range=wanted)
        assert (answer.status, answer.body) == (200, whole.body), wanted


def test_a_range_of_something_else_is_answered_whole(gateway: Gateway, target: str) -> None:
    whole = gateway.get(target)
    tag, came = whole.headers["etag"], whole.headers["last-modified"]
    for condition in (tag, came):
        assert part(whole, gateway.get(target, range="bytes=1-2", if_range=condition)) == (1, 2)
    for condition in ('"x"', f"W/{tag}", LONG_AGO, LATER, "nonsense"):
        answer = gateway.get(target, range="bytes=1-2", if_range=condition)
        assert (answer.status, answer.body) == (200, whole.body), condition


def test_head_knows_no_ranges(gateway: Gateway, target: str) -> None:
    answer = gateway.get(target, method="HEAD", range="bytes=0-1")
    assert answer.status == 200
    assert answer.headers["content-length"] == str(len(gateway.get(target).body))


@pytest.mark.parametrize("kind", ["@v/list", "@latest", "@v/main.info"])
def test_what_may_change_has_a_tag_too(gateway: Gateway, upstream: Upstream, module: Module, kind: str) -> None:
    upstream.branch(module.path, "main", module.version)
    tag = kept(gateway, f"{module.path}/{kind}").headers["etag"]
    assert gateway.get(f"{module.path}/{kind}", if_none_match=tag).status == 304
    assert gateway.get(f"{module.path}/{kind}", if_none_match='"x"').status == 200


def test_conditions_do_not_touch_errors(gateway: Gateway) -> None:
    for header in ({"if_none_match": "*"}, {"if_match": '"x"'}, {"range": "bytes=0-1"}):
        assert gateway.get("example.com/nothing/@v/list", **header).status == 404


@pytest.mark.parametrize("payload", [SMALL, LARGE])
def test_a_range_of_a_cold_zip_is_a_part_of_the_zip(gateway: Gateway, upstream: Upstream, payload: int) -> None:
    module = Module(f"example.com/coldrange{payload}", "v1.0.0", payload=payload)
    upstream.publishes(module)
    answer = gateway.get(f"{module.name}.zip", range="bytes=10-19")
    if answer.status == 200:
        assert answer.body == module.zip_bytes
    else:
        assert (answer.status, answer.body) == (206, module.zip_bytes[10:20])
    assert gateway.get(f"{module.name}.zip").body == module.zip_bytes


def test_tags_and_dates_outlive_the_gateway(world: World) -> None:
    module = Module("example.com/lasting", "v1.0.0", payload=LARGE)
    upstream = world.upstream([module])
    first = world.gateway(upstream)
    before = {kind: kept(first, f"{module.name}.{kind}").headers for kind in ("info", "mod", "zip")}
    first.stop()
    upstream.goes_down()
    second = world.gateway(upstream, data=first.data)
    for kind, headers in before.items():
        after = second.get(f"{module.name}.{kind}").headers
        assert (after["etag"], after["last-modified"]) == (headers["etag"], headers["last-modified"])
        assert second.get(f"{module.name}.{kind}", if_none_match=headers["etag"]).status == 304
