"""The first good answer of several places that are asked in turn, whether one of them fails or hangs.

Belongs here: when the next one is asked, and who is called off. Not here: what the places are (chain.py for modules,
checksum/ways.py for checksum databases), and which error is the worst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from modgate.errors import GatewayError

T = TypeVar("T")
FIRST = asyncio.FIRST_COMPLETED


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """One place."""

    ask: Callable[[], Awaitable[T]]
    """Raises GatewayError."""
    goes_on: Callable[[GatewayError], bool]
    """Whether the next place is asked after this error."""
    hedged: bool = False
    """Whether it is asked too when this one has said nothing for a while."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Nobody had a good answer: what those who were asked said, in their order."""

    errors: tuple[GatewayError, ...]
    stopped: bool = False
    """Whether the last of them said that nobody behind it is to be asked."""


async def first_good(
    attempts: Sequence[Attempt[T]], pause: float, discard: Callable[[T], Awaitable[None]]
) -> T | Failed:
    """The first good answer.

    Args:
        pause: seconds without a word after which the place behind a hedged one is asked too; 0.0 for never.
        discard: closes what came when somebody else had answered already.
    """
    if len(attempts) == 1:  # nobody to race with: a task less, 50 µs
        try:
            return await attempts[0].ask()
        except GatewayError as error:
            return Failed((error,), not attempts[0].goes_on(error))
    race, outcome = _Race(attempts, pause), None
    try:
        outcome = await race.run()
        await race.end(discard)
    except BaseException:
        # Whoever wanted it is gone, or this is a defect: nothing stays open behind us.
        await race.end(discard)
        if outcome is not None and not isinstance(outcome, Failed):
            await discard(outcome)
        raise
    return outcome


class _Race(Generic[T]):
    def __init__(self, attempts: Sequence[Attempt[T]], pause: float) -> None:
        self._attempts = attempts
        self._pause = pause
        self._running: dict[asyncio.Task[T], int] = {}
        self._errors: dict[int, GatewayError] = {}
        self._last = -1
        self._next_at = 0.0

    async def run(self) -> T | Failed:
        if not self._attempts:
            return Failed(())
        self._start_next()
        while self._running:
            done, _ = await asyncio.wait(self._running, timeout=self._patience(), return_when=FIRST)
            if not done:
                self._start_next()
            # Of several that end in the same moment, the one that was asked first counts.
            for task in sorted(done, key=self._running.__getitem__):
                if task.exception() is None:
                    del self._running[task]
                    return task.result()
                self._failed(task)
        numbers = sorted(self._errors)
        stopped = not self._attempts[self._last].goes_on(self._errors[self._last])
        return Failed(tuple(self._errors[number] for number in numbers), stopped)

    async def end(self, discard: Callable[[T], Awaitable[None]]) -> None:
        """Call off whoever is still asked, and close what came meanwhile."""
        late, self._running = [*self._running], {}
        for task in late:
            task.cancel()
        for result in await asyncio.gather(*late, return_exceptions=True):
            if not isinstance(result, BaseException):
                await discard(result)

    def _start_next(self) -> None:
        self._last += 1
        # No group: one that fails must not end the others. `end` sees each of them to its end, whatever happens.
        task = asyncio.get_running_loop().create_task(_asked(self._attempts[self._last]))
        self._running[task] = self._last
        self._next_at = asyncio.get_running_loop().time() + self._pause

    def _patience(self) -> float | None:
        """Seconds until the next one is asked though nobody has failed; None for never."""
        is_hedged = self._pause > 0 and self._attempts[self._last].hedged and self._last + 1 < len(self._attempts)
        if not is_hedged or self._last not in self._running.values():
            return None
        return max(0.0, self._next_at - asyncio.get_running_loop().time())

    def _failed(self, task: asyncio.Task[T]) -> None:
        number, error = self._running.pop(task), task.exception()
        if not isinstance(error, GatewayError):
            assert error is not None
            raise error
        self._errors[number] = error
        if number == self._last and self._attempts[number].goes_on(error) and number + 1 < len(self._attempts):
            self._start_next()


async def _asked(attempt: Attempt[T]) -> T:
    return await attempt.ask()
