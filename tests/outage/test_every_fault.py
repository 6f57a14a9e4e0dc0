"""Whatever an upstream does instead of answering, it is 502, 503 or 504, never 404, and it is forgotten at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.outage.trouble import (
    LARGE,
    Publish,
    answers_to,
    body_of,
    expect_cut,
    expect_trouble,
    expect_whole,
    published,
    target_of,
)
from tests.world import Gateway, Request, Upstream, faults
from tests.world.delivery import Delivery
from tests.world.faults import Fault


def raw(data: bytes) -> Fault:
    return lambda _, given: replace(given, raw=data)


def encoded(encoding: str) -> Fault:
    return lambda _, given: replace(given, headers={**given.headers, "Content-Encoding": encoding})


TROUBLE: dict[str, Fault] = {
    **{str(code): faults.status(code) for code in (400, 401, 407, 408, 418)},
    **{str(code): faults.status(code) for code in (500, 502, 503, 504, 599)},
    **{str(code): faults.status(code) for code in (300, 304)},
    **{f"success {code}": faults.other_success(code) for code in (201, 203, 204, 206, 299)},
    "page": faults.status_page(503),
    "reset": faults.resets(),
    "reset in the body": faults.resets(after=5),
    "cut": faults.cuts(after=5),
    "cut at once": faults.cuts(after=0),
    "hangs up": faults.hangs_up(),
    "cut chunks": faults.chunked(cut_after=5),
    "garbage": faults.garbage(),
    "endless header": faults.endless_header(),
    "half a head": raw(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "another protocol": raw(b"HTTP/2 200\r\n\r\n"),
    "no length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello"),
    "two lengths": raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
    "negative length": raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"),
    "bad chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello"),
    "late bad chunk": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n"),
    "zero byte": raw(b"HTTP/1.1 200 OK\r\nA: \x00b\r\nContent-Length: 2\r\n\r\nhi"),
    "many headers": raw(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 100_000 + b"\r\nContent-Length: 2\r\n\r\nhi"),
    "not gzip": encoded("gzip"),
    "brotli": encoded("br"),
    "nested encodings": encoded("gzip, gzip"),
    "unheard-of encoding": encoded("x-modgate"),
}


@pytest.mark.parametrize("fault", TROUBLE)
def test_trouble_is_no_absence_and_is_not_remembered(
    gateway: Gateway, upstream: Upstream, publish: Publish, fault: str
) -> None:
    made = published(publish)
    upstream.misbehaves(TROUBLE[fault])
    for kind, answer in answers_to(gateway, made).items():
        expect_trouble(answer)
        assert made[kind].path in answer.text
        assert upstream.url in answer.text
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


@pytest.mark.parametrize(("named", "told"), [(None, "1"), (7, "7"), (10**9, "3600"), (0, "1")])
def test_429_stays_429_with_the_time_that_the_upstream_names(
    gateway: Gateway, upstream: Upstream, publish: Publish, named: int | None, told: str
) -> None:
    made = published(publish)
    upstream.misbehaves(faults.status(429, retry_after=named))
    for answer in answers_to(gateway, made).values():
        expect_trouble(answer, 429)
        assert answer.headers["retry-after"] == told
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


@pytest.mark.parametrize("when", ["Wed, 21 Oct 2015 07:28:00 GMT", "soon", "-5", "1.5", "9" * 400, "\u0663"])
def test_an_odd_retry_after_is_no_reason_to_fail(
    gateway: Gateway, upstream: Upstream, publish: Publish, when: str
) -> None:
    module = publish()
    headers = {"Retry-After": when.encode().decode("latin-1")}
    upstream.misbehaves(lambda _, __: Delivery(429, b"", headers), on=f"{module.path}/*")
    expect_trouble(gateway.get(target_of(module, "list")), 429)


LIES: dict[str, Fault] = {
    "login page": faults.login_page(),
    "nothing": faults.body(b""),
    "text": faults.body(b"everything is fine"),
    "binary": faults.body(b"\x00\x01\x02" * 1000),
    "another archive": faults.body(b"\x1f\x8b\x08\x00" + b"\x00" * 10_000),
}


MAYBE_TRUE = {("nothing", "list"), ("text", "mod")}
"""A module without versions, and whatever begins like a statement."""


@pytest.mark.parametrize("lie", LIES)
def test_what_cannot_be_the_answer_is_corrupt_and_never_absent(
    gateway: Gateway, upstream: Upstream, publish: Publish, lie: str
) -> None:
    made = {kind: module for kind, module in published(publish).items() if (lie, kind) not in MAYBE_TRUE}
    upstream.misbehaves(LIES[lie])
    for _ in range(2):
        for answer in answers_to(gateway, made).values():
            expect_trouble(answer, 502, begins="corrupt: ")
    upstream.behaves()


def test_a_body_that_never_gets_as_long_as_promised_is_trouble(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    made = published(publish)
    upstream.misbehaves(faults.claims_length(10_000_000))
    for kind, answer in answers_to(gateway, made).items():
        if kind == "large zip":
            expect_cut(answer, made[kind])
        else:
            expect_trouble(answer)
    upstream.behaves()
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


def test_a_large_zip_with_a_flipped_bit_is_cut_and_the_next_one_is_told_why(
    gateway: Gateway, upstream: Upstream, publish: Publish
) -> None:
    module = publish(LARGE)
    target = f"{module.name}.zip"
    upstream.misbehaves(faults.flipped_bit(at=0.9), on=target)
    expect_cut(gateway.get(target), module)
    upstream.behaves()
    expect_trouble(gateway.get(target), 502, begins="corrupt: ")
    assert not gateway.files(f"modules/public/{module.path}")


@pytest.mark.parametrize(
    "fault",
    [
        faults.chunked(),
        faults.until_close(),
        faults.trickles(1_000_000),
        encoded(""),
        encoded("identity"),
        encoded("IDENTITY"),
    ],
)
def test_odd_ways_of_sending_are_well(gateway: Gateway, upstream: Upstream, publish: Publish, fault: Fault) -> None:
    made = published(publish)
    upstream.misbehaves(fault)
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)
    upstream.behaves()


def test_an_upstream_that_is_gone_is_502(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    made = published(publish)
    upstream.goes_down()
    answers = answers_to(gateway, made)
    upstream.comes_back()
    for answer in answers.values():
        expect_trouble(answer, 502)
    for kind, answer in answers_to(gateway, made).items():
        expect_whole(answer, made[kind], kind)


def test_an_early_hint_is_no_answer(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    module = publish()

    def hinted(_: Request, given: Delivery) -> Delivery:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(given.body)}\r\nConnection: close\r\n\r\n".encode()
        return replace(given, raw=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + head + given.body)

    upstream.misbehaves(hinted, on=f"{module.name}.mod", times=1)
    assert gateway.get(f"{module.name}.mod").body == body_of(module, "mod")


def test_what_is_too_large_is_not_taken(gateway: Gateway, upstream: Upstream, publish: Publish) -> None:
    module = publish()
    upstream.misbehaves(faults.body(b'{"Version":"v1.0.0"}' + b" " * (2 << 20)), on=f"{module.path}/*")
    for kind in ("latest", "info", "query"):
        expect_trouble(gateway.get(target_of(module, kind)), 502)


def test_texts_quote_nothing_of_the_library_or_of_the_upstreams_bytes(gateway: Gateway) -> None:
    """Runs over whatever the other tests of this file have left in the log."""
    for line in gateway.access_log():
        assert "aiohttp" not in str(line)
    for odd in ("RawResponseMessage", "object at 0x", "url='", "ssl:default"):
        assert odd not in gateway.log_text()
