"""One fetch for any number of asks.

A flight is a task that nobody who waits for it can cancel: it outlives the client that caused it. It publishes its
result as soon as there is one, and may go on (make it durable) while the result is already used; asks that come in the
meantime join it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from modgate.errors import GatewayError, Trouble, Unavailable
from modgate.net.turns import asker

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


MOST = 2048
"""Flights of one kind at once. Each costs 20 KiB and outlives its clients: without a bound those who ask for what hangs
could use up all memory. Nobody may begin more than are free then: one client gets half of them, the next a quarter, and
there is always room for one that asks for little."""


class Flight(Generic[V]):
    """One fetch under way."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._result: asyncio.Future[V] = loop.create_future()
        self._over = asyncio.Event()

    def publish(self, value: V) -> None:
        """Give the result to all who wait and to all who come while the flight goes on; a later result replaces it."""
        self.retract()
        self._result.set_result(value)

    def retract(self) -> None:
        """What was published is void: whoever comes from now on waits for the next result."""
        if self._result.done():
            self._result = self._result.get_loop().create_future()

    def fail(self, error: BaseException) -> None:
        """Give the error to all who wait, unless there is a result."""
        if not self._result.done():
            self._result.set_exception(error)
            self._result.exception()  # a flight that nobody waits for (a refresh) has said its error to the log

    @property
    def value(self) -> V | None:
        """What was published last, if anything was."""
        ready = self._result.done() and not self._result.cancelled() and self._result.exception() is None
        return self._result.result() if ready else None

    @property
    def published(self) -> bool:
        return self._result.done()

    def end(self) -> None:
        """Whoever waits until it is over goes on; whoever runs the flight says so, last of all."""
        self._over.set()

    async def over(self, deadline: float) -> None:
        """Wait for its end, at most until `deadline` of the loop's clock; how it ends is not told.

        Raises:
            Unavailable: the deadline passed.
        """
        try:
            async with asyncio.timeout_at(None if deadline == float("inf") else deadline):
                await self._over.wait()
        except TimeoutError as error:
            reason = "is still at an earlier ask for the same; ask again"
            raise Unavailable(reason=reason, trouble=Trouble.TIMEOUT) from error

    async def result(self, deadline: float) -> V:
        """Wait for it, at most until `deadline` of the loop's clock.

        Raises:
            Unavailable: the deadline passed; the flight goes on.
            GatewayError: what the fetch raised.
        """
        if deadline == float("inf"):
            return await asyncio.shield(self._result)
        try:
            async with asyncio.timeout_at(deadline):
                return await asyncio.shield(self._result)
        except TimeoutError as error:
            reason = "is still waiting for its upstream; ask again"
            raise Unavailable(reason=reason, trouble=Trouble.TIMEOUT) from error


class Flights(Generic[K, V]):
    """The flights of one kind. It owns their tasks: `close` ends them."""

    def __init__(self, unexpected: Callable[[BaseException], None]) -> None:
        """`unexpected` is told of errors that are none of ours: they are defects, and go to the log."""
        self._unexpected = unexpected
        self._flights: dict[K, Flight[V]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._begun: Counter[str] = Counter()
        """Flights under way by whose ask began them."""

    def __len__(self) -> int:
        return len(self._flights)

    def published(self, key: K) -> V | None:
        """What a flight for `key` has given out already while it goes on to make it durable; None if there is none."""
        flight = self._flights.get(key)
        return None if flight is None else flight.value

    def answered(self, key: K) -> Flight[V] | None:
        """The flight for `key`, if it has its result already: who comes now and wants a newer one waits for its end."""
        flight = self._flights.get(key)
        return flight if flight is not None and flight.published else None

    def join(self, key: K, fly: Callable[[Flight[V]], Awaitable[None]]) -> tuple[Flight[V], bool]:
        """The flight for `key`, and whether it was already under way; else `fly(flight)` is started, which
        publishes."""
        flight = self._flights.get(key)
        if flight is not None:
            return flight, True
        if self._begun[asker()] >= MOST - len(self._flights):
            reason = f"has {len(self._flights)} fetches under way and begins no more for you; ask again"
            raise Unavailable(reason=reason, trouble=Trouble.OURS)
        flight = self._flights[key] = Flight(asyncio.get_running_loop())
        self._begun[asker()] += 1
        task = asyncio.get_running_loop().create_task(self._run(key, flight, fly))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return flight, False

    async def close(self, grace: float = 0.0) -> None:
        """Let what is under way end within `grace` seconds, cancel the rest and wait for its end."""
        if self._tasks and grace:
            await asyncio.wait(self._tasks, timeout=grace)
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _left(self, whose: str) -> None:
        self._begun[whose] -= 1
        if not self._begun[whose]:
            del self._begun[whose]

    async def _run(self, key: K, flight: Flight[V], fly: Callable[[Flight[V]], Awaitable[None]]) -> None:
        try:
            await fly(flight)
        except GatewayError as error:
            flight.fail(error)
        except asyncio.CancelledError:
            flight.fail(Unavailable(reason="was stopped with the gateway", trouble=Trouble.OURS))
            raise
        except Exception as error:  # noqa: BLE001 whoever waits must be told, whatever it was
            self._unexpected(error)
            flight.fail(Unavailable(reason="failed inside this gateway; its log has the details", trouble=Trouble.OURS))
        finally:
            self._flights.pop(key, None)
            self._left(asker())
            flight.end()
            if not flight.published:
                flight.fail(Unavailable(reason="ended without a result", trouble=Trouble.OURS))
