"""One single failure is nobody's business: it is hidden by asking again, and a cut body is continued."""

from __future__ import annotations

import pytest

from tests.outage.trouble import LARGE, Publish, answers_to, expect_cut, expect_whole, published, target_of
from tests.world import Gateway, Module, Request, Upstream, World, faults
from tests.world.delivery import Delivery
from tests.world.faults import Fault

SINGLE: dict[str, Fault] = {
    "503": faults.status(503),
    "500": faults.status(500),
    "reset": faults.resets(),
    "reset in the body": faults.resets(after=5),
    "cut": faults.cuts(after=5),
    "hangs up": faults.hangs_up(),
    "garbage": faults.garbage(),
    "cut chunks": faults.chunked(cut_after=5),
}


@pytest.mark.parametrize("fault", SINGLE)
def test_a_single_failure_is_hidden(gateway: Gateway, upstream: Upstream, publish: Publish, fault: str) -> None:
    made = published(publish)
    for kind, module in made.items():
        upstream.misbehaves(SINGLE[fault], on=target_of(module, kind), times=1)
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429, 451])
def test_an_answer_is_not_asked_for_twice(gateway: Gateway, upstream: Upstream, publish: Publish, status: int) -> None:
    made = published(publish)
    upstream.misbehaves(faults.status(status))
    answers_to(gateway, made)
    upstream.behaves()
    for kind, module in made.items():
        assert upstream.asked_for(f"{module.path}/*") == 1, kind


def test_retries_are_bounded(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    made = published(publish)
    upstream.misbehaves(faults.status(503))
    answers_to(gateway, made)
    upstream.behaves()
    for kind, module in made.items():
        assert upstream.asked_for(f"{module.path}/*") == 2, kind
    assert gateway.metric("modgate_upstream_retries_total", upstream=upstream.url) >= len(made)


def test_a_second_try_is_counted_and_no_line_of_the_log(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    before = gateway.metric("modgate_upstream_retries_total", upstream=upstream.url)
    module = publish()
    upstream.misbehaves(faults.status(503), on=f"{module.name}.mod", times=1)
    expect_whole(gateway.get(f"{module.name}.mod"), module, "mod")
    assert gateway.metric("modgate_upstream_retries_total", upstream=upstream.url) == before + 1
    assert "retry" not in gateway.log_text()


@pytest.mark.parametrize("after", [1, 70_000, 150_000])
@pytest.mark.parametrize("how", ["cut", "reset"])
def test_a_cut_zip_is_continued_where_it_was_cut(
    gateway: Gateway, upstream: Upstream, publish: Publish, how: str, after: int
) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"
    upstream.misbehaves(faults.cuts(after=after) if how == "cut" else faults.resets(after=after), on=target, times=1)
    expect_whole(gateway.get(target), module, "large zip")
    first, second = [request for request in upstream.requests if request.path == target]
    assert "range" not in first.headers
    start = int(second.headers["range"].removeprefix("bytes=").removesuffix("-"))
    assert 0 < start <= after
    assert second.headers["if-range"].startswith('"')


def test_a_zip_that_is_cut_again_and_again_comes_all_the_same(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"
    for _ in range(5):
        upstream.misbehaves(faults.cuts(after=40_000), on=target, times=1)
    expect_whole(gateway.get(target), module, "large zip")


@pytest.mark.parametrize(("ranges", "etags"), [(False, True), (True, False), (False, False)])
def test_an_upstream_without_ranges_or_tags_is_read_again_and_compared(world: World, ranges: bool, etags: bool) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    upstream = world.upstream([module], ranges=ranges, etags=etags)
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.cuts(after=100_000), on="zip", times=1)
    expect_whole(gateway.get(f"{module.name}.zip"), module, "large zip")
    assert upstream.asked_for("zip") == 2


@pytest.mark.parametrize("etags", [True, False])
def test_a_zip_that_changed_in_between_is_never_glued_together(world: World, etags: bool) -> None:
    module = Module("example.com/m", "v1.0.0", payload=LARGE)
    other = Module("example.com/m", "v1.0.0", payload=LARGE, files={"a.go": "package other"})
    upstream = world.upstream([module], etags=etags)
    gateway = world.gateway(upstream)

    def changes(request: Request, given: Delivery) -> Delivery:
        upstream.publishes(other)
        return faults.cuts(after=100_000)(request, given)

    upstream.misbehaves(changes, on="zip", times=1)
    answer = gateway.get(f"{module.name}.zip")
    if answer.status == 200 and not answer.cut:
        assert answer.body == other.zip_bytes
    else:
        assert answer.cut or answer.status in {502, 503}
    again = gateway.get(f"{module.name}.zip")
    assert (again.status, again.body) == (200, other.zip_bytes)


def test_a_server_that_lies_about_the_range_is_not_believed(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"

    def lies(request: Request, given: Delivery) -> Delivery:
        if given.status != 206:
            return given
        return faults.other_success(206)(request, faults.body(module.zip_bytes[:-1000])(request, given))

    upstream.misbehaves(lies, on=target)
    upstream.misbehaves(faults.cuts(after=100_000), on=target, times=1)
    answer = gateway.get(target)
    assert answer.cut or answer.body == module.zip_bytes
    upstream.behaves()
    expect_whole(gateway.get(target), module, "large zip")


def test_416_to_a_continuation_is_no_dead_end(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"

    def refuses(request: Request, given: Delivery) -> Delivery:
        return faults.status(416)(request, given) if "range" in request.headers else given

    upstream.misbehaves(refuses, on=target)
    upstream.misbehaves(faults.cuts(after=100_000), on=target, times=1)
    expect_whole(gateway.get(target), module, "large zip")


def test_a_body_that_stalls_is_continued(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"
    upstream.pauses(after=100_000, on=target, times=1)
    expect_whole(gateway.get(target), module, "large zip")


def test_a_zip_that_never_gets_whole_is_cut_and_leaves_nothing(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"
    # Each transfer is cut at the same place of the file: nothing new ever comes.
    upstream.misbehaves(
        lambda _, given: faults.cuts(after=100_000)(_, faults.body(module.zip_bytes)(_, given)), on=target
    )
    expect_cut(gateway.get(target), module)
    gateway.tidies_up()
    assert not gateway.files(f"modules/public/{module.path}")
    upstream.behaves()
    expect_whole(gateway.get(target), module, "large zip")
