"""Each request has an id; what a proxy in front says of its clients is believed from trusted addresses only."""

from __future__ import annotations

import re

import pytest

from tests.protocol.asking import logged
from tests.world import Gateway, Module, Upstream, World

MODULE = Module("example.com/identified", "v1.0.0")
TARGETS = ["healthz", f"{MODULE.name}.mod", f"{MODULE.name}.zip", "example.com/none/@latest", "%zz", "no-view/x"]


@pytest.fixture(scope="module")
def trusting(wide_world: World, upstream: Upstream) -> Gateway:
    upstream.publishes(MODULE)
    return wide_world.gateway(upstream, trusted_proxies=("127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"))


def test_ids_are_given_to_every_answer_and_never_twice(gateway: Gateway, upstream: Upstream) -> None:
    upstream.publishes(MODULE)
    answers = [gateway.get(target) for _ in range(4) for target in TARGETS]
    identifiers = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"[A-Za-z0-9._:-]{1,64}", identifier) for identifier in identifiers)
    for answer, line in zip(answers, logged(gateway, *answers), strict=True):
        assert line["status_code"] == answer.status


def test_one_connection_gets_a_new_id_for_each_request(gateway: Gateway) -> None:
    with gateway.connect() as connection:
        seen = set()
        for _ in range(5):
            connection.asks(f"{MODULE.name}.mod")
            seen.add(connection.answer().headers["x-request-id"])
    assert len(seen) == 5


@pytest.mark.parametrize("target", TARGETS[:4])
def test_strangers_are_not_believed(gateway: Gateway, target: str) -> None:
    for _ in range(2):
        answer = gateway.get(target, x_request_id="mine", x_forwarded_for="1.2.3.4", x_real_ip="1.2.3.4")
        assert answer.headers["x-request-id"] != "mine"
        assert logged(gateway, answer)[0]["client_ip"] == "127.0.0.1"


@pytest.mark.parametrize("target", TARGETS[:4])
def test_a_trusted_proxy_is_believed(trusting: Gateway, target: str) -> None:
    for number in range(2):
        mine = f"trace.{TARGETS.index(target)}:{number}"
        answer = trusting.get(target, x_request_id=mine, x_forwarded_for="203.0.113.9")
        assert answer.headers["x-request-id"] == mine
        assert logged(trusting, answer)[0]["client_ip"] == "203.0.113.9"


@pytest.mark.parametrize(
    ("headers", "client"),
    [
        ({}, "127.0.0.1"),
        ({"x_forwarded_for": "203.0.113.9"}, "203.0.113.9"),
        ({"x_forwarded_for": "6.6.6.6, 203.0.113.9"}, "203.0.113.9"),  # what stands left may be an invention
        ({"x_forwarded_for": "203.0.113.9, 10.1.2.3"}, "203.0.113.9"),
        ({"x_forwarded_for": "10.9.9.9, 10.1.2.3"}, "10.9.9.9"),
        ({"x_forwarded_for": "2001:db9::7, 2001:db8::1"}, "2001:db9::7"),
        ({"x_forwarded_for": "::ffff:203.0.113.9"}, "203.0.113.9"),
        ({"x_forwarded_for": 'not"an}address'}, "127.0.0.1"),
        ({"x_forwarded_for": "203.0.113.9, nonsense"}, "127.0.0.1"),
        ({"x_forwarded_for": ""}, "127.0.0.1"),
        ({"x_real_ip": "203.0.113.8"}, "203.0.113.8"),
        ({"x_real_ip": "203.0.113.8", "x_forwarded_for": "203.0.113.9"}, "203.0.113.9"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_not_ours(
    trusting: Gateway, headers: dict[str, str], client: str
) -> None:
    for target in (f"{MODULE.name}.mod", "healthz"):
        for _ in range(2):
            answer = trusting.get(target, **headers)
            assert logged(trusting, answer)[0]["client_ip"] == client


@pytest.mark.parametrize("given", ["", " ", "a b", "a\tb", 'x"y', "a,b", "\u00e9", "a" * 65, "{}", "<script>"])
def test_an_id_that_would_spoil_the_log_is_replaced(trusting: Gateway, given: str) -> None:
    answer = trusting.get("healthz", x_request_id=given)
    assert answer.status == 200
    assert answer.headers["x-request-id"] != given
    assert logged(trusting, answer)[0]["request_id"] == answer.headers["x-request-id"]


def test_nothing_that_a_client_sends_breaks_the_log(gateway: Gateway) -> None:
    answers = [
        gateway.get('example.com/%22%7d%5c/@v/list?"x":1'),
        gateway.get("example.com/m/@v/list?a=\\u0000"),
        gateway.get("%0a%0d%7b%22time%22"),
        gateway.get("healthz", user_agent='"}\n'.strip()),
    ]
    for answer, line in zip(answers, logged(gateway, *answers), strict=True):
        assert line["status_code"] == answer.status
