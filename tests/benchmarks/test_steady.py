"""A load at a fixed rate charges a server that stands still with everybody who came meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from benchmarks.errors import Broken
from benchmarks.load import steady
from benchmarks.load.steady import Latencies
from benchmarks.processes import LOOPBACK

PAUSE = 0.2


@contextmanager
def one_at_a_time(*, pause_before: int = -1, hang_up_before: int = -1) -> Iterator[int]:
    """A server of one connection, which takes a break before its n-th answer; its port."""

    def serve() -> None:
        line, _ = listening.accept()
        with line:
            for number in range(1000):
                if not line.recv(4096) or number == hang_up_before:
                    return
                if number == pause_before:
                    time.sleep(PAUSE)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    with socket.create_server((LOOPBACK, 0)) as listening:
        server = threading.Thread(target=serve)
        server.start()
        yield int(listening.getsockname()[1])
        server.join()


def test_all_requests_of_a_run_are_answered_at_their_rate() -> None:
    with one_at_a_time() as port:
        out = steady.run(port, ["/a", "/b"], rate=200, seconds=0.25, connections=1)
    assert out.statuses == {200: 50}
    assert out.seconds == pytest.approx(0.25, abs=0.2)


def test_who_came_during_a_break_waited_for_its_end() -> None:
    with one_at_a_time(pause_before=10) as port:
        out = steady.run(port, ["/"], rate=100, seconds=0.4, connections=1)
    # At 100 a second, some 20 came during a break of 200 ms; the first waited for all of it, the last for a moment.
    assert sum(one > PAUSE * 1e3 / 10 for one in out.milliseconds) >= 15
    assert max(out.milliseconds) >= PAUSE * 1e3


def test_a_connection_that_is_closed_breaks_the_run() -> None:
    with one_at_a_time(hang_up_before=3) as port, pytest.raises(Broken, match="closed"):
        steady.run(port, ["/"], rate=200, seconds=0.2, connections=1)


@pytest.mark.parametrize(("share", "found"), [(0.0, 1.0), (0.5, 51.0), (0.99, 100.0), (1.0, 100.0)])
def test_percentiles_are_latencies_that_occurred(share: float, found: float) -> None:
    assert Latencies([float(one) for one in reversed(range(1, 101))]).percentile(share) == found


def test_nothing_has_no_latency() -> None:
    assert Latencies().percentile(0.5) == 0.0
    assert Latencies().rate == 0.0
