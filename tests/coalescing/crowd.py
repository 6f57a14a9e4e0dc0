"""Many clients that ask the same at once, of one gateway process or of several on one store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.world import Gate, Gateway, Response, at_once, eventually


def crowd(
    gateways: Sequence[Gateway], path: str, *, count: int = 100, gate: Gate | None = None, method: str = "GET"
) -> list[Response]:
    """What `count` clients get who ask for `path` at the same moment, each its own gateway in turn.

    With a `gate`, at which the upstream holds its answer back, all of them wait in the gateways before it opens.
    """

    def ask(number: int) -> Response:
        return gateways[number % len(gateways)].get(path, method=method)

    return meanwhile(lambda: at_once(count, ask), lambda: _open_when(gate, gateways, count) if gate else None)


def meanwhile(many: Callable[[], list[Response]], one: Callable[[], object]) -> list[Response]:
    """Do `one` while `many` are under way; what the many got."""
    with ThreadPoolExecutor(1) as pool:
        answers = pool.submit(many)
        one()
        return answers.result()


def in_flight(gateways: Sequence[Gateway]) -> int:
    """Requests that wait for their answer."""
    return round(sum(gateway.metric("modgate_in_flight_requests") for gateway in gateways))


def _open_when(gate: Gate, gateways: Sequence[Gateway], count: int) -> None:
    try:
        eventually(lambda: in_flight(gateways) == count, f"{count} requests wait in the gateways")
    finally:
        gate.open()
