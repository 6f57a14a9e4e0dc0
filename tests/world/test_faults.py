"""The simulated upstream fails in every way that the tests of the gateway name."""

from __future__ import annotations

import gzip
import http.client
import json

import pytest

from tests.world import Connection, Module, Upstream, World, faults, get
from tests.world.faults import Fault

MODULE = Module("example.com/m", "v1.0.0", payload=100_000)
ZIP = f"{MODULE.name}.zip"
SIZE = len(MODULE.zip_bytes)


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


@pytest.mark.parametrize(
    ("fault", "status", "media_type", "body"),
    [
        (faults.status(503, "busy"), 503, "text/plain; charset=utf-8", b"busy"),
        (faults.status(299, "odd"), 299, "text/plain; charset=utf-8", b"odd"),
        (faults.status_page(502), 502, "text/html", b"<html><body><h1>502</h1></body></html>"),
        (faults.login_page(), 200, "text/html; charset=utf-8", faults.LOGIN_PAGE),
        (faults.other_success(204), 204, "application/zip", b""),
        (faults.other_success(206), 206, "application/zip", MODULE.zip_bytes),
        (faults.chunked(), 200, "application/zip", MODULE.zip_bytes),
        (faults.until_close(), 200, "application/zip", MODULE.zip_bytes),
        (faults.trickles(1_000_000), 200, "application/zip", MODULE.zip_bytes),
        (faults.slow_first_byte(0.01), 200, "application/zip", MODULE.zip_bytes),
        (faults.body(b"junk", media_type="text/x"), 200, "text/x", b"junk"),
        (faults.until_close(cut_after=70), 200, "application/zip", MODULE.zip_bytes[:70]),
        (faults.claims_length(10), 200, "application/zip", MODULE.zip_bytes[:10]),
    ],
)
def test_whole_answers(upstream: Upstream, fault: Fault, status: int, media_type: str, body: bytes) -> None:
    upstream.misbehaves(fault)
    answer = get(f"{upstream.url}/{ZIP}")
    assert (answer.status, answer.headers["content-type"], answer.body) == (status, media_type, body)
    assert not answer.cut


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (faults.cuts(after=0), b""),
        (faults.cuts(after=50_000), MODULE.zip_bytes[:50_000]),
        (faults.claims_length(SIZE + 1), MODULE.zip_bytes),
        (faults.chunked(cut_after=50_000), MODULE.zip_bytes[:50_000]),
    ],
)
def test_answers_that_are_cut(upstream: Upstream, fault: Fault, body: bytes) -> None:
    upstream.misbehaves(fault, on="zip")
    answer = get(f"{upstream.url}/{ZIP}")
    assert (answer.cut, answer.body) == (True, body)


def test_a_reset_in_the_middle_of_a_body(upstream: Upstream) -> None:
    upstream.misbehaves(faults.resets(after=50_000), on="zip")
    assert get(f"{upstream.url}/{ZIP}").cut


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.resets(), ConnectionResetError),
        (faults.hangs_up(), http.client.RemoteDisconnected),
        (faults.garbage(), http.client.BadStatusLine),
        (faults.endless_header(), http.client.LineTooLong),
    ],
)
def test_what_is_no_answer_at_all(upstream: Upstream, fault: Fault, error: type[Exception]) -> None:
    upstream.misbehaves(fault)
    with pytest.raises(error):
        get(f"{upstream.url}/{ZIP}")


def test_a_flipped_bit_changes_one_byte(upstream: Upstream) -> None:
    upstream.misbehaves(faults.flipped_bit())
    body = get(f"{upstream.url}/{ZIP}").body
    assert [place for place in range(SIZE) if body[place] != MODULE.zip_bytes[place]] == [(SIZE - 1) // 2]


def test_gzip_is_sent_to_clients_that_did_not_ask_for_it(upstream: Upstream) -> None:
    upstream.misbehaves(faults.gzipped())
    answer = get(f"{upstream.url}/{MODULE.name}.mod")
    assert (answer.headers["content-encoding"], gzip.decompress(answer.body)) == ("gzip", MODULE.mod_bytes)


def test_an_info_names_another_version(upstream: Upstream) -> None:
    upstream.misbehaves(faults.claims_version("v9.9.9"), on="info")
    said = json.loads(get(f"{upstream.url}/{MODULE.name}.info").body)
    assert (said["Version"], said["Time"]) == ("v9.9.9", MODULE.time)


def test_a_redirect_leads_elsewhere_with_the_same_path(upstream: Upstream) -> None:
    upstream.misbehaves(faults.redirects("http://127.0.0.1:9/x/{path}", code=307))
    answer = get(f"{upstream.url}/{ZIP}")
    assert (answer.status, answer.headers["location"]) == (307, f"http://127.0.0.1:9/x/{ZIP}")


def test_an_answer_waits_for_the_test(upstream: Upstream) -> None:
    held = upstream.hangs(on="zip")
    with Connection(upstream.url) as patient:
        patient.asks(ZIP)
        held.wait_for(1)
        assert get(f"{upstream.url}/{MODULE.name}.mod").status == 200
        held.open()
        assert patient.answer().body == MODULE.zip_bytes
    assert get(f"{upstream.url}/{ZIP}").status == 200


def test_a_body_stops_in_the_middle_until_the_test_lets_it_go(upstream: Upstream) -> None:
    held = upstream.pauses(after=20_000)
    with Connection(upstream.url) as patient:
        patient.asks(ZIP, headers={"Connection": "close"})
        held.wait_for(1)
        head, _, body = patient.reads(20_000).partition(b"\r\n\r\n")
        held.open()
        assert body + patient.rest() == MODULE.zip_bytes
        assert f"Content-Length: {SIZE}".encode() in head


def test_a_fault_strikes_so_many_times_where_it_should(upstream: Upstream) -> None:
    upstream.misbehaves(faults.status(500), on="*.zip", times=2)
    upstream.misbehaves(faults.status(503), on="zip", times=1)
    assert get(f"{upstream.url}/{MODULE.name}.mod").status == 200
    assert [get(f"{upstream.url}/{ZIP}").status for _ in range(4)] == [503, 500, 500, 200]


def test_good_behaviour_ends_all_faults(upstream: Upstream) -> None:
    upstream.misbehaves(faults.status(500))
    held = upstream.hangs(on="zip")
    with Connection(upstream.url) as patient:
        patient.asks(ZIP)
        held.wait_for(1)
        upstream.behaves()
        assert patient.answer().status == 200
    assert get(f"{upstream.url}/{MODULE.name}.mod").status == 200
