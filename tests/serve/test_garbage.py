"""A process that serves does not look for garbage among what is there to stay."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import asyncio, gc
from modgate.observe.access_log import AccessLog
from modgate.serve import garbage
from modgate.serve.lifecycle import Lifecycle

def look():
    print(gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))

async def serve():
    lifecycle, loop = Lifecycle([], [], AccessLog("off"), 1.0), asyncio.get_running_loop()

    def started():
        loop.call_soon(look)
        loop.call_soon(lifecycle.drain)

    await lifecycle.run(started=started)

garbage.postpone()
look()
asyncio.run(serve())
"""


def test_it_is_collected_from_when_connections_are_accepted_and_of_what_is_made_then() -> None:
    # In a process of its own: what is left out is left out for ever.
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split("\n")[:2] == ["False False", "True True"]
