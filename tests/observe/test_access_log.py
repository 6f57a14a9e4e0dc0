"""The access log has one JSON line per request, and costs lines rather than requests when it cannot be written."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from modgate.observe import sink
from modgate.observe.access_log import BATCH_BYTES, PENDING_BYTES, AccessLog, cut, fragment

HIT = fragment(
    method="GET",
    target="/rsc.io/quote/@v/v1.5.2.info",
    module_path="rsc.io/quote",
    version="v1.5.2",
    kind="info",
    status_code=200,
    bytes_sent=62,
    cache="hit",
)
FIELDS = [
    "time", "request_id", "method", "target", "module_path", "version", "kind", "user_id", "status_code", "bytes_sent",
    "request_time", "cache", "upstream_name", "client_ip",
]  # fmt: skip


def add(log: AccessLog, number: int = 1, at: float = 1_700_000_000.0125) -> None:
    log.add(at, f"k3-{number}", HIT, 0.000012, "192.0.2.7")


def full_pipe() -> tuple[int, int]:
    """A pipe that takes no more, and does not say so by blocking."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"x" * 65536)
    except BlockingIOError:
        return reading, writing


def test_a_line_has_exactly_the_documented_fields(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.log"))
    add(log)
    log.close()
    line = json.loads((tmp_path / "access.log").read_text())
    assert sorted(line) == sorted(FIELDS)
    assert line["time"] == "2023-11-14T22:13:20.012Z"
    assert line["request_id"] == "k3-1"
    assert line["request_time"] == 0.000012
    assert line["status_code"] == 200
    assert line["client_ip"] == "192.0.2.7"


@pytest.mark.parametrize(
    ("target", "logged"),
    [
        ("/a.b/@v/list?token=secret", "/a.b/@v/list"),
        ("http://user:secret@gw.example/a.b/@v/list", "http://gw.example/a.b/@v/list"),
        ("http://gw.example/a@b/@v/list", "http://gw.example/a@b/@v/list"),
        ("user:secret@gw.example:443", "gw.example:443"),
        ('/"\\\n', '/"\\\n'),
    ],
)
def test_secrets_are_left_out_of_targets_and_the_rest_survives_json(target: str, logged: str) -> None:
    text = fragment(method="GET", target=target, kind="list", status_code=200, bytes_sent=0, cache="none")
    assert json.loads("{" + text[1:] + "}")["target"] == logged


def test_the_line_of_a_cut_response_tells_what_went_out() -> None:
    target = '/x","bytes_sent":1,"/@v/v1.0.0.zip'
    whole = fragment(method="GET", target=target, kind="zip", status_code=200, bytes_sent=5000, cache="hit")
    part = json.loads(f"{{{cut(whole, 17)[1:]}}}")
    assert (part["target"], part["bytes_sent"], part["status_code"]) == (target, 17, 200)


def test_lines_wait_for_a_flush_or_for_a_whole_batch(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = AccessLog(str(path))
    add(log)
    assert path.read_text() == ""
    log.flush()
    assert len(path.read_text().splitlines()) == 1
    count = BATCH_BYTES // len(path.read_text()) + 1
    for number in range(count):
        add(log, number)
    assert len(path.read_text().splitlines()) >= count
    log.close()


def test_whoever_flushes_is_told_of_the_first_line_that_waits(tmp_path: Path) -> None:
    log, told = AccessLog(str(tmp_path / "log")), list[str]()
    log.begins = lambda: told.append("one waits")
    assert not log.waits
    for _ in range(2):
        for number in range(5):
            log.add(1.0, str(number), HIT, 0.1, "::1")
        assert log.waits
        log.flush()
        assert not log.waits
    assert len(told) == 2
    log.close()


def test_a_log_that_is_off_writes_nothing() -> None:
    log = AccessLog("off")
    add(log)
    log.flush()
    log.reopen()
    log.close()
    assert not log.enabled


def test_a_rotated_file_is_left_at_reopening(tmp_path: Path) -> None:
    path, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    log = AccessLog(str(path))
    add(log, 1)
    path.rename(rotated)
    add(log, 2)
    log.reopen()
    add(log, 3)
    log.close()
    assert [json.loads(line)["request_id"] for line in rotated.read_text().splitlines()] == ["k3-1", "k3-2"]
    assert [json.loads(line)["request_id"] for line in path.read_text().splitlines()] == ["k3-3"]


def test_a_reopening_that_fails_leaves_the_old_file_in_use(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    log = AccessLog(str(folder / "access.log"))
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="No such file"):
        log.reopen()
    add(log)
    log.close()
    assert (tmp_path / "elsewhere" / "access.log").read_text().count("\n") == 1


def test_a_full_disk_costs_lines_and_is_counted() -> None:
    log = AccessLog("/dev/full")
    add(log)
    add(log)
    log.flush()
    assert log.dropped == 2
    log.close()


def test_a_reader_that_has_gone_costs_lines_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sink, "STDOUT", writing)
    log = AccessLog("-")
    os.close(reading)
    add(log)
    log.flush()
    assert log.dropped == 1
    log.close()
    os.close(writing)


def test_a_reader_that_does_not_read_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = full_pipe()
    os.set_blocking(writing, True)
    monkeypatch.setattr(sink, "STDOUT", writing)
    log = AccessLog("-")
    lines = 2 * PENDING_BYTES // 300
    for number in range(lines):
        add(log, number)
    log.flush()
    assert log.dropped > lines / 4

    os.set_blocking(reading, False)
    kept = lines - log.dropped
    received = b""
    while received.count(b"\n") < kept:
        received += os.read(reading, 65536)
        log.flush()
    text = received.lstrip(b"x").decode()
    assert all(json.loads(line)["status_code"] == 200 for line in text.splitlines())
    log.close()
    os.close(reading)
    os.close(writing)


def test_workers_that_share_a_pipe_do_not_mix_their_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    monkeypatch.setattr(sink, "STDOUT", writing)
    logs = [AccessLog("-"), AccessLog("-")]
    received = b""
    for number in range(1000):  # four times what the pipe takes: each has a part of its batch written, then the other
        add(logs[number % 2], number)
        if number % 250 > 247:
            logs[number % 2].flush()
            received += os.read(reading, 30_000)
    while received.count(b"\n") < 1000:
        for log in logs:
            log.flush()
        received += os.read(reading, 30_000)
    assert {json.loads(line)["request_id"] for line in received.splitlines()} == {f"k3-{n}" for n in range(1000)}
    for log in logs:
        log.close()
    os.close(reading)
    os.close(writing)


def test_a_socket_as_standard_output_is_written_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(sink, "STDOUT", ours.fileno())
    log = AccessLog("-")
    add(log)
    log.flush()
    assert json.loads(theirs.recv(65536))["kind"] == "info"
    while log.dropped == 0:
        add(log)
    log.close()
    ours.close()
    theirs.close()


class HalfSink:
    """Takes a few bytes of the first batch, fails at the second, and then works."""

    def __init__(self) -> None:
        self.received = b""
        self.calls = 0

    def write(self, data: bytes) -> int:
        self.calls += 1
        if self.calls == 2:
            raise OSError(28, "no space left on device")
        taken = data[:40] if self.calls == 1 else data
        self.received += taken
        return len(taken)

    def close(self) -> None:
        return


def test_a_half_written_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.log"))
    half = HalfSink()
    log._sink = half
    for number in range(3):
        add(log, number)
        log.flush()
    first, second = half.received.decode().splitlines()
    assert len(first) == 40
    assert json.loads(second)["request_id"] == "k3-2"
    assert log.dropped == 2
