"""Ways in which an upstream misbehaves: each makes a function that changes what would have been delivered.

Belongs here: faults, as pure functions. Not here: when and how often they strike (`Server.misbehaves`), and what keeps
a whole server from answering (`Server.goes_down`).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import replace

from tests.world.delivery import Delivery, Framing, Gate, Request, text

Fault = Callable[[Request, Delivery], Delivery]

LOGIN_PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form></form></body></html>\n"
"""What a captive portal or an expired session answers to everything, with status 200."""


def together(*all_of_them: Fault) -> Fault:
    """Several faults of one delivery."""

    def misbehave(request: Request, given: Delivery) -> Delivery:
        for fault in all_of_them:
            given = fault(request, given)
        return given

    return misbehave


def status(code: int, words: str = "trouble, says the upstream", *, retry_after: int | None = None) -> Fault:
    """Answer `code` with a plain line. `retry_after` is in seconds."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return lambda _, __: _with_headers(text(code, words), headers)


def status_page(code: int) -> Fault:
    """Answer `code` with a page of HTML, as load balancers do."""
    page = f"<html><body><h1>{code}</h1></body></html>".encode()
    return lambda _, __: Delivery(code, page, {"Content-Type": "text/html"})


def login_page() -> Fault:
    """Answer 200 with a page of HTML."""
    return lambda _, __: Delivery(200, LOGIN_PAGE, {"Content-Type": "text/html; charset=utf-8"})


def other_success(code: int) -> Fault:
    """Answer a 2xx that is not 200, with the right body where the status allows one."""
    return lambda _, given: replace(given, status=code, body=b"" if code == 204 else given.body)


def hangs(gate: Gate) -> Fault:
    """Take the request and send nothing until `gate` opens."""
    return lambda _, given: replace(given, before=gate)


def pauses(gate: Gate, *, after: int) -> Fault:
    """Send `after` bytes of the body, and the rest when `gate` opens."""
    return lambda _, given: replace(given, pause=(after, gate))


def slow_first_byte(seconds: float) -> Fault:
    """Think for `seconds` before the status line."""
    return lambda _, given: replace(given, delay=seconds)


def trickles(bytes_per_second: int) -> Fault:
    """Send the body no faster than that."""
    return lambda _, given: replace(given, bytes_per_second=bytes_per_second)


def resets(*, after: int = -1) -> Fault:
    """Reset the connection after so many bytes of the body; -1: before the status line."""
    return lambda _, given: replace(given, cut_after=after, reset=True)


def cuts(*, after: int) -> Fault:
    """End the connection after so many bytes of the body, with the whole length promised."""
    return lambda _, given: replace(given, cut_after=after)


def hangs_up() -> Fault:
    """End the connection before the status line."""
    return lambda _, given: replace(given, cut_after=-1)


def chunked(*, cut_after: int | None = None) -> Fault:
    """Send the body in chunks, without a length; with `cut_after` the last ones never come."""
    return lambda _, given: replace(given, framing=Framing.CHUNKED, cut_after=cut_after)


def until_close(*, cut_after: int | None = None) -> Fault:
    """Send the body without any length: its end is that of the connection, and a cut cannot be seen."""
    return lambda _, given: replace(given, framing=Framing.CLOSE, cut_after=cut_after)


def claims_length(length: int) -> Fault:
    """Promise `length` bytes and send the body as it is, then end the connection."""
    return lambda _, given: replace(given, length=length, headers={**given.headers, "Connection": "close"})


def garbage() -> Fault:
    """Send something that is not HTTP."""
    return lambda _, given: replace(given, raw=b"\x16\x03\x01\x02\x00\x01\x00garbage\r\n\r\n")


def endless_header() -> Fault:
    """Send a header line that never ends."""
    return lambda _, given: replace(given, endless_header=True)


def body(data: bytes, *, media_type: str = "") -> Fault:
    """Answer 200 with other content."""
    headers = {"Content-Type": media_type} if media_type else {}
    return lambda _, given: _with_headers(replace(given, status=200, body=data), headers)


def flipped_bit(*, at: float = 0.5) -> Fault:
    """Flip one bit of the body, at this share of its length."""

    def flip(_: Request, given: Delivery) -> Delivery:
        damaged = bytearray(given.body)
        damaged[int(at * (len(damaged) - 1))] ^= 0x01
        return replace(given, body=bytes(damaged))

    return flip


def gzipped() -> Fault:
    """Send the body with Content-Encoding: gzip, whatever the client accepts."""
    return lambda _, given: _with_headers(
        replace(given, body=gzip.compress(given.body, mtime=0)), {"Content-Encoding": "gzip"}
    )


def claims_version(version: str) -> Fault:
    """Answer an .info that names another version."""

    def rename(_: Request, given: Delivery) -> Delivery:
        return replace(given, body=json.dumps({**json.loads(given.body), "Version": version}).encode())

    return rename


def redirects(location: str, *, code: int = 302) -> Fault:
    """Redirect; `{path}` in `location` is the path that was asked for, as it came."""

    def redirect(request: Request, _: Delivery) -> Delivery:
        target = request.target.lstrip("/")
        return _with_headers(text(code, "elsewhere"), {"Location": location.replace("{path}", target)})

    return redirect


def _with_headers(given: Delivery, headers: dict[str, str]) -> Delivery:
    return replace(given, headers={**given.headers, **headers})
