"""HEAD tells what GET would, and nothing large is fetched for it."""

from __future__ import annotations

import pytest

from tests.protocol.asking import expect_error, kept
from tests.world import Gateway, Module, Request, Upstream, World, faults
from tests.world.delivery import Delivery


def test_a_cold_zip_is_not_downloaded(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/head/cold", "v1.0.0", payload=1_000_000)
    upstream.publishes(module)
    upstream.forgets()
    for _ in range(2):
        answer = gateway.get(f"{module.name}.zip", method="HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["content-type"] == "application/zip"
        assert answer.headers["content-length"] == str(len(module.zip_bytes))
    assert {request.method for request in upstream.requests} == {"HEAD"}
    assert not any(name.endswith(".zip") for name in gateway.files(f"modules/public/{module.path}"))


def test_a_zip_on_disk_costs_no_request(gateway: Gateway, upstream: Upstream) -> None:
    module = Module("example.com/head/warm", "v1.0.0", payload=200_000)
    upstream.publishes(module)
    kept(gateway, f"{module.name}.zip")
    upstream.forgets()
    answer = gateway.get(f"{module.name}.zip", method="HEAD")
    assert (answer.status, answer.cache) == (200, "hit")
    assert answer.headers["content-length"] == str(len(module.zip_bytes))
    assert answer.headers["etag"]
    assert upstream.asked == 0


def test_a_zip_that_is_not_there_is_404(gateway: Gateway) -> None:
    assert gateway.get("example.com/head/none/@v/v1.0.0.zip", method="HEAD").status == 404


@pytest.mark.parametrize("kind", ["@v/list", "@latest", "@v/v1.0.0.info", "@v/v1.0.0.mod"])
def test_small_answers_are_fetched_for_head_as_for_get(gateway: Gateway, upstream: Upstream, kind: str) -> None:
    module = Module(f"example.com/head/small{kind[-4:].strip('.')}", "v1.0.0")
    upstream.publishes(module)
    head = gateway.get(f"{module.path}/{kind}", method="HEAD")
    got = kept(gateway, f"{module.path}/{kind}")
    assert (head.status, head.cache) == (200, "miss")
    for name in ("content-length", "content-type", "etag", "cache-control"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("status", [405, 501])
def test_an_upstream_that_knows_no_head_is_asked_otherwise(gateway: Gateway, upstream: Upstream, status: int) -> None:
    module = Module(f"example.com/head/unknown{status}", "v1.0.0", payload=1_000_000)
    upstream.publishes(module)

    def no_head(request: Request, given: Delivery) -> Delivery:
        return faults.status(status)(request, given) if request.method == "HEAD" else given

    upstream.misbehaves(no_head, on=f"{module.name}.zip")
    answer = gateway.get(f"{module.name}.zip", method="HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(module.zip_bytes)))
    assert gateway.get(f"{module.path}none/@v/v1.0.0.zip", method="HEAD").status == 404
    assert not any(name.endswith(".zip") for name in gateway.files(f"modules/public/{module.path}"))


@pytest.mark.parametrize(("fault", "status"), [(faults.status(503), 502), (faults.status(403), 403)])
def test_trouble_is_told_to_head_too(gateway: Gateway, upstream: Upstream, fault: faults.Fault, status: int) -> None:
    upstream.misbehaves(fault, on="example.com/head/trouble*/@v/v1.0.0.zip")
    assert gateway.get(f"example.com/head/trouble{status}/@v/v1.0.0.zip", method="HEAD").status == status


def test_a_zip_in_a_directory_is_asked_by_its_size(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    place = world.place("tree") / f"{module.name}.zip"
    place.parent.mkdir(parents=True)
    place.write_bytes(module.zip_bytes)
    (place.parent / "v1.1.0.zip").mkdir()
    gateway = world.gateway(f"file://{world.home / 'tree-1'}")
    answer = gateway.get(f"{module.name}.zip", method="HEAD")
    assert (answer.status, answer.headers["content-length"]) == (200, str(len(module.zip_bytes)))
    for _ in range(20):
        gateway.get(f"{module.name}.zip", method="HEAD")
    assert gateway.get(f"{module.path}/@v/v1.1.0.zip", method="HEAD").status == 404
    expect_error(gateway.get(f"{module.path}/@v/v1.1.0.zip"), 404)
    assert gateway.get(f"{module.name}.zip").body == module.zip_bytes
