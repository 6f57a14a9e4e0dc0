"""Questions that most tests of this folder put in the same way."""

from __future__ import annotations

from typing import Any

from tests.world import Gateway, Response, eventually

BOUND_LINES, BOUND_BYTES = 8, 600
"""What the go command shows of an error (protocol.md §1.1)."""


def kept(gateway: Gateway, target: str) -> Response:
    """The answer once the gateway gives it by itself: what has just come in is still being made durable."""
    eventually(lambda: gateway.get(target).cache == "hit", f"{target} is kept")
    return gateway.get(target)


def logged(gateway: Gateway, *answers: Response) -> list[dict[str, Any]]:
    """The lines of the access log about these answers."""
    wanted = [answer.headers["x-request-id"] for answer in answers]

    def lines() -> list[dict[str, Any]]:
        written = {line["request_id"]: line for line in gateway.access_log()}
        return [written[identifier] for identifier in wanted] if written.keys() >= set(wanted) else []

    return eventually(lines, "the answers are logged")


def expect_error(answer: Response, status: int, begins: str = "") -> None:
    """It is an error in the form that the go command shows to its user, and nobody keeps it."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    assert len(answer.body) <= BOUND_BYTES
    lines = answer.text.removesuffix("\n").split("\n")
    assert 1 <= len(lines) <= BOUND_LINES
    assert all(line.strip() and line.isprintable() for line in lines), answer.text
    assert answer.text.startswith(begins), answer.text
    assert "Traceback" not in answer.text
