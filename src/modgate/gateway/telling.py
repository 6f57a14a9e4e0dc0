"""Where everybody in a process reports to."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modgate import __version__
from modgate.observe.events import Elsewhere, Events
from modgate.observe.log import Adopted, application_log
from modgate.observe.metrics import Metrics
from modgate.observe.process import register
from modgate.settings.model import Settings

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


@dataclass(frozen=True, slots=True)
class Telling:
    """Numbers, events and sentences."""

    metrics: Metrics
    events: Events
    log: FilteringBoundLogger

    def unexpected(self, error: BaseException) -> None:
        """A defect of ours: the client gets an error without details, the log gets them."""
        self.log.error("unexpected error", exc_info=error)


def telling(settings: Settings, elsewhere: Elsewhere | None = None) -> Telling:
    """That of this process; what libraries log goes there too. `elsewhere` is as in Events."""
    metrics, log = Metrics(), application_log(style=settings.log_format, level=settings.log_level)
    logging.getLogger().addHandler(Adopted(log))
    register(metrics, version=__version__, started=time.time())
    return Telling(metrics, Events(metrics, log.warning, elsewhere), log)
