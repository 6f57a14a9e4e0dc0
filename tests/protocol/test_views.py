"""A module path begins with a dotted element; what begins otherwise is reserved, and absent so far."""

from __future__ import annotations

import pytest

from tests.protocol.asking import expect_error
from tests.world import Gateway, Upstream

RESERVED = ["index", "catalog", "api", "health", "sumdb", "cached-only"]


@pytest.mark.parametrize("segment", RESERVED)
def test_reserved_segments_are_404(gateway: Gateway, upstream: Upstream, segment: str) -> None:
    before = upstream.asked
    for rest in ("", "/x", "/x/@v/list"):
        expect_error(gateway.get(f"{segment}{rest}"), 404, "not found: ")
    assert upstream.asked == before


@pytest.mark.parametrize("segment", ["healthz", "readyz", "version"])
def test_nothing_lies_below_the_probes(gateway: Gateway, upstream: Upstream, segment: str) -> None:
    before = upstream.asked
    expect_error(gateway.get(f"{segment}/x"), 404, "not found: ")
    expect_error(gateway.get(f"{segment}/@v/list"), 404, "not found: ")
    expect_error(gateway.get(f"{segment}/"), 400, "refused: ")
    assert upstream.asked == before


@pytest.mark.parametrize(
    "target",
    [
        "team-a",
        "team-a/example.com/m/@v/list",
        "team-a/example.com/m/@v/v1.0.0.zip",
        "team-a/sumdb/sum.example.com/supported",
        "team-a/cached-only/example.com/m/@v/list",
        "localhost/m/@v/list",
        "m/@latest",
        "std/@v/list",
        "favicon",
    ],
)
def test_a_view_that_is_not_there_is_404_and_says_so(gateway: Gateway, upstream: Upstream, target: str) -> None:
    before = upstream.asked
    answer = gateway.get(target)
    expect_error(answer, 404, "not found: ")
    assert f'no view "{target.partition("/")[0]}"' in answer.text
    assert upstream.asked == before


@pytest.mark.parametrize("target", ["favicon.ico", "robots.txt", "index.html", ".well-known/x", ".env", ".git/config"])
def test_what_browsers_and_scanners_ask_for_is_404(gateway: Gateway, upstream: Upstream, target: str) -> None:
    before = upstream.asked
    expect_error(gateway.get(target), 404, "not found: ")
    assert upstream.asked == before
