"""The admin port: health and metrics, read-only until access/ exists.

Belongs here: its URL space. Not here: what the numbers are (observe/), what is checked (the gateway).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from modgate.errors import Malformed
from modgate.serve import response
from modgate.serve.cycle import EXTENSION, Receive, Scope, Send
from modgate.serve.edge import Log
from modgate.serve.errors import Failure, failure_of
from modgate.serve.health import Health, Page
from modgate.serve.health import page as plain_page
from modgate.serve.response import ALLOWED
from modgate.serve.send import Responder
from modgate.serve.target import HEALTH, Place, Unserved, decode_path


class AdminPort:
    """Answers operators and their monitoring; not counted and not logged: that would drown the data port's requests."""

    def __init__(
        self,
        *,
        health: Health,
        scrape: Callable[[], tuple[bytes, str]],
        prepare: Callable[[], Awaitable[None]],
        log: Log,
        base_path: str = "",
        apis: Mapping[str, Callable[[str], Awaitable[Page]]] | None = None,
    ) -> None:
        """`scrape` gives the metrics and their media type (observe/exposition.py); `log` is told of our own bugs.

        `prepare` is awaited before each answer: what other processes have to say is asked for there. `apis` are further
        pages, by how their path begins; each is given what follows of the path.
        """
        self._apis = dict(apis or {})
        self._prepare = prepare
        self._health = health
        self._scrape = scrape
        self._log = log
        self._base_path = base_path.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        to = Responder(scope["extensions"][EXTENSION], send)
        try:
            await self._judge(to)
        except Exception as error:  # noqa: BLE001 - the boundary: each error becomes a response, and ours a log entry too
            failure = failure_of(error, to.exchange.request_id)
            if not isinstance(error, Malformed):
                self._log("request_failed", request_id=to.exchange.request_id, exc_info=error)
            await to.whole(failure.status, *response.failure(failure))

    async def _judge(self, to: Responder) -> None:
        if to.exchange.method not in {"GET", "HEAD"}:
            refusal = Failure(405, f"refused: {to.exchange.method} is not answered here, only GET and HEAD\n")
            await to.whole(405, *response.failure(refusal, extra=[ALLOWED]))
            return
        await self._prepare()
        page = await self._page(self._below(decode_path(to.exchange.target)))
        await to.whole(page.status, page.headers, page.body)

    def _below(self, path: str) -> str:
        if self._base_path and (path == self._base_path or path.startswith(f"{self._base_path}/")):
            return path[len(self._base_path) :] or "/"
        return path

    async def _page(self, path: str) -> Page:
        for beginning, api in self._apis.items():
            if path.startswith(beginning):
                return await api(path.removeprefix(beginning))
        if path == "/":
            return self._health.page(Place.ROOT)
        if path in HEALTH:
            return self._health.page(HEALTH[path].place)
        if path == "/metrics":
            body, media_type = self._scrape()
            return plain_page(200, media_type.encode("ascii"), body)
        raise Unserved(path, "the admin port has /metrics and /health/ready")
