"""The event loop of a process that serves: uvloop's, with one of its defects mended.

uvloop 0.22 closes the descriptor of a socket that was given to `create_connection` when that fails or is called off,
and leaves the socket object as it is. When the object goes, it closes the same number once more, which by then may be
another connection: a client loses its answer, or bytes go to somebody else (uvloop issue 738). Hedging and deadlines
call off connections all the time.

Belongs here: what a loop has to be. Not here: what runs in it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uvloop


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run `work` to its end in a loop of its own; what it returns."""
    import uvloop

    return uvloop.run(work, loop_factory=new_loop)


def new_loop() -> uvloop.Loop:
    """A loop that nobody runs yet."""
    import uvloop

    class Loop(uvloop.Loop):
        async def create_connection(self, protocol_factory: Any, *arguments: Any, **options: Any) -> Any:
            try:
                return await super().create_connection(protocol_factory, *arguments, **options)
            except BaseException:
                if options.get("sock") is not None:
                    options["sock"].detach()  # its descriptor is closed, and no longer its own
                raise

    return Loop()
