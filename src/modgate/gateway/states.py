"""What several workers see of an upstream, told once: when the first of them sees trouble, and when the last sees none.

The rule is that of metrics and of the admin port (upstreams_told.py): an upstream is as well as in the worker where it
is worst. Not here: what a state is (source/).
"""

from __future__ import annotations

from collections.abc import Mapping

from modgate.observe.events import ENDS, Events

Fields = Mapping[str, str | int | float]


class States:
    """Who sees which trouble; the parent of the workers has it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self._seen: dict[tuple[str, str, str], set[int]] = {}
        """The workers, by the event that tells the trouble, the upstream, and its service or ""."""

    def seen(self, worker: int, event: str, fields: Fields) -> None:
        """One of them has seen that trouble began or ended."""
        trouble = ENDS.get(event, event)
        workers = self._seen.setdefault((trouble, str(fields["source"]), str(fields.get("service", ""))), set())
        was_known = bool(workers)
        if event == trouble:
            workers.add(worker)
        else:
            workers.discard(worker)
        if bool(workers) != was_known:
            self._events.emit(event, **fields)

    def ended(self, worker: int) -> None:
        """It is dead, and nobody sees any more what it alone has seen: the next one begins without prejudice."""
        over = {trouble: end for end, trouble in ENDS.items()}
        for (trouble, source, service), workers in self._seen.items():
            if worker not in workers:
                continue
            fields = {"source": source, "service": service} if service else {"source": source}
            self.seen(worker, over[trouble], fields)
