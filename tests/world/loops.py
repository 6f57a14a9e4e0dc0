"""The end of an event loop in a thread: nothing of it is left for the garbage collector to complain about."""

from __future__ import annotations

import asyncio

TURNS = 8
"""Of the loop, from an accepted connection to the end of its transport: no step of it takes more than one."""


async def settled(patience: float) -> None:
    """Wait until nothing runs in this loop besides us, so many seconds for each step, and all that was closed is."""
    for _ in range(TURNS):
        if others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(others, timeout=patience)
        await asyncio.sleep(0)
