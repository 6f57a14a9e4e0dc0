"""A client's own token goes to the upstream, and what comes back is that client's alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.world import Gateway, Module, Request, Upstream, World, faults
from tests.world.delivery import Delivery, text

SECRET = Module("corp.example/secret", "v1.0.0", payload=300_000)
RIGHT = "Bearer right"
KINDS = (
    f"{SECRET.path}/@v/list",
    f"{SECRET.path}/@latest",
    *(f"{SECRET.name}.{kind}" for kind in ("info", "mod", "zip")),
)


class Guarded(Upstream):
    """Wants a token."""

    def answer(self, request: Request) -> Delivery:
        given = request.headers.get("authorization", "")
        return super().answer(request) if given == RIGHT else text(401, "unauthorized")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Guarded([SECRET]) as made:
        yield made


@pytest.fixture
def gateway(world: World, upstream: Upstream) -> Gateway:
    tables = f"""
[[route]]
match = "corp.example"
upstream = "{upstream.url}"
private = true
forward_token = "X-Proxy-Token"
"""
    return world.gateway("off", tables=tables)


def test_who_has_the_right_token_gets_everything_and_nobody_else_anything(gateway: Gateway) -> None:
    for path in KINDS:
        assert gateway.get(path, x_proxy_token="right").status == 200
    assert gateway.get(f"{SECRET.name}.zip", x_proxy_token="right").body == SECRET.zip_bytes
    for path in KINDS:
        assert gateway.get(path, x_proxy_token="wrong").status == 403
        assert gateway.get(path).status in (403, 502)
        assert gateway.get(f"cached-only/{path}", x_proxy_token="right").status == 404


def test_each_ask_is_put_and_nothing_is_stored(gateway: Gateway, upstream: Upstream) -> None:
    for _ in range(2):
        for path in KINDS:
            answer = gateway.get(path, x_proxy_token="right")
            assert "private" in answer.headers["cache-control"]
    assert upstream.asked == 2 * len(KINDS)
    gateway.tidies_up()
    assert gateway.files("modules") == []
    assert gateway.metric("modgate_spool_bytes") == 0


def test_a_bad_zip_is_refused(gateway: Gateway, upstream: Upstream) -> None:
    upstream.misbehaves(faults.body(SECRET.zip_bytes[:-100]), on="zip")
    answer = gateway.get(f"{SECRET.name}.zip", x_proxy_token="right")
    assert (answer.status, "no module zip" in answer.text) == (502, True)
    gateway.tidies_up()
    assert gateway.metric("modgate_spool_bytes") == 0


def test_a_toolchain_is_verified_all_the_same(world: World) -> None:
    right = Module("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64", in_zip=False)
    wrong = Module("golang.org/toolchain", "v0.0.1-go1.98.0.linux-amd64", in_zip=False)
    database = world.database()
    upstream = world.upstream([right], database=database)
    upstream.publishes(wrong)
    upstream.misbehaves(faults.body(SECRET.mod_bytes), on=f"{wrong.name}.mod")
    route = f'[[route]]\nmatch = "golang.org/**"\nprivate = true\nupstream = "{upstream.url}"\n'
    gateway = world.gateway(upstream, checksum=database.key, tables=f'{route}forward_token = "X-Proxy-Token"\n')
    assert gateway.get(f"{right.name}.zip", x_proxy_token="any").body == right.zip_bytes
    assert gateway.get(f"{right.name}.mod", x_proxy_token="any").body == right.mod_bytes
    upstream.misbehaves(faults.body(right.zip_bytes), on=f"{wrong.name}.zip")
    for kind in ("mod", "zip"):
        assert gateway.get(f"{wrong.name}.{kind}", x_proxy_token="any").status == 502
    assert gateway.files("modules") == []


def test_ranges_and_heads_are_answered(gateway: Gateway) -> None:
    part = gateway.get(f"{SECRET.name}.zip", x_proxy_token="right", range="bytes=10-19")
    assert (part.status, part.body) == (206, SECRET.zip_bytes[10:20])
    head = gateway.get(f"{SECRET.name}.zip", method="HEAD", x_proxy_token="right")
    assert head.headers["content-length"] == str(len(SECRET.zip_bytes))


def test_the_token_is_told_to_nobody(gateway: Gateway) -> None:
    gateway.get(f"{SECRET.name}.mod", x_proxy_token="very-secret-token")
    assert "very-secret-token" not in gateway.log_text()
    assert all("very-secret-token" not in str(line) for line in gateway.access_log(at_least=1))
