"""The ordinary path of the data port: whatever is not answered from memory.

Belongs here: the order in which a request is judged (method, loop, target, terms), and who is asked. Not here: reading
of targets (target.py), heads (response.py), bodies (send.py), error texts (errors.py), connections (protocol.py).

It is a bare ASGI callable, so that other applications can stand beside it; what a scope cannot say (the target as it
came, the request id, whether the answer may be kept for the fast path) is in the scope's Exchange.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Protocol, TypeVar

from modgate.errors import Absent, GatewayError, Looped, Malformed, Trouble, Unavailable
from modgate.net.turns import asked_by
from modgate.net.via import passed
from modgate.observe.families import IN_FLIGHT
from modgate.observe.metrics import Metrics
from modgate.serve import head, response
from modgate.serve.conditional import Changed, NotModified, Part, Unsatisfiable, decide
from modgate.serve.cycle import EXTENSION, Receive, Scope, Send
from modgate.serve.edge import Log
from modgate.serve.errors import Failure, failure_of
from modgate.serve.exchange import Exchange, Reporter
from modgate.serve.health import Health
from modgate.serve.keep import Keeper
from modgate.serve.response import ALLOWED, Content, DatabaseReply
from modgate.serve.send import PIECE, BodyBroke, Responder, pieces_of
from modgate.serve.target import BadTarget, Place, Target, parse_target
from modgate.source.base import (
    ANONYMOUS,
    Arriving,
    Ask,
    Caller,
    Freshness,
    Growing,
    Ready,
    Source,
    Stored,
    Terms,
    is_growing,
    is_stored,
)

Body = Ready | Stored | Growing | Arriving
T = TypeVar("T")

GRACE_SECONDS = 1.0
"""Past the deadline a source may still say itself what it waited for; then we say that it said nothing."""


class DatabaseSource(Protocol):
    """The checksum databases that are passed through (checksum/)."""

    async def get(self, rest: str, terms: Terms) -> DatabaseReply:
        """Answer what stands behind `/sumdb/`, decoded.

        Raises:
            Malformed, GatewayError: see errors.py.
        """


class DataPort:
    """Answers the requests of go commands."""

    def __init__(
        self,
        *,
        views: Mapping[str, Source],
        databases: DatabaseSource,
        keeper: Keeper,
        reporter: Reporter,
        health: Health,
        metrics: Metrics,
        log: Log,
        via: str,
        answer_seconds: float = 120.0,
        parse: Callable[[bytes], Target] = parse_target,
        forwards: Collection[str] = (),
    ) -> None:
        """`views` has the source of each view by its name, "" at the root; `via` is our own pseudonym in Via headers;
        `log` is told of our own bugs; `parse` says what a raw target means.

        `forwards` are the names of headers, in lower case, that upstreams may be given the values of.
        """
        self._views = views
        self._databases = databases
        self._keeper = keeper
        self._reporter = reporter
        self._health = health
        self._in_flight = metrics.gauge(IN_FLIGHT)
        self._log = log
        self._via = via.lower().encode()
        self._answer_seconds = answer_seconds
        self._parse = parse
        self._forwards = [(name, name.encode()) for name in forwards]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, and account for it whatever happens."""
        to = Responder(scope["extensions"][EXTENSION], send)
        self._in_flight.value += 1
        try:
            await self._judge(to)
        except Exception as error:  # noqa: BLE001 - the boundary: each error becomes a response, and ours a log entry too
            await self._fail(error, to)
        finally:
            self._in_flight.value -= 1
            self._reporter.finish(to.exchange, to.outcome)

    async def _judge(self, to: Responder) -> None:
        exchange = to.exchange
        if exchange.method not in {"GET", "HEAD"}:
            # Before the target: a writing method is refused on every endpoint, whatever stands there.
            refusal = Failure(405, f"refused: {exchange.method} is not answered here, only GET and HEAD\n")
            await to.whole(405, *response.failure(refusal, extra=[ALLOWED]))
            return
        headers = head.fields(exchange.headers)
        via = headers.get(b"via", b"")
        if self._via in head.tokens(via):
            raise Looped(asked=exchange.target.decode("latin-1").partition("?")[0])
        passed(via)
        asked_by(exchange.client_ip)
        target = self._parse(exchange.target)
        terms = self._terms(exchange, headers, target)
        try:
            await self._answer(target, terms, headers, to)
        except GatewayError as error:
            # Who broke off in the middle knows what came back, and not always what was asked.
            error.asked = error.asked or str(target.ask or target.rest)
            raise

    async def _answer(self, target: Target, terms: Terms, headers: Mapping[bytes, bytes], to: Responder) -> None:
        if target.ask is not None:
            await self._module(self._views[target.view], target.ask, terms, headers, to)
        elif target.place is Place.SUMDB:
            await self._sumdb(target.rest, terms, headers, to)
        else:
            to.outcome.kind = "health"
            page = self._health.page(target.place)
            await to.whole(page.status, page.headers, page.body)

    def _terms(self, exchange: Exchange, headers: Mapping[bytes, bytes], target: Target) -> Terms:
        freshness = Freshness.NORMAL
        if target.cached_only or headers.get(b"disable-module-fetch", b"").lower() == b"true":
            freshness = Freshness.CACHED_ONLY
        elif b"no-cache" in head.tokens(headers.get(b"cache-control", b"") + b"," + headers.get(b"pragma", b"")):
            freshness = Freshness.REFRESH
        deadline = asyncio.get_running_loop().time() + self._answer_seconds
        caller = ANONYMOUS
        if self._forwards:
            given = {name: headers[key].decode("latin-1") for name, key in self._forwards if headers.get(key)}
            caller = Caller(tokens=given) if given else ANONYMOUS
        return Terms(freshness=freshness, body=exchange.method == "GET", deadline=deadline, caller=caller)

    async def _module(
        self, source: Source, ask: Ask, terms: Terms, headers: Mapping[bytes, bytes], to: Responder
    ) -> None:
        outcome = to.outcome
        outcome.kind, outcome.module_path, outcome.version = ask.kind, ask.path, ask.version
        place = self._keeper.place(to.exchange)
        try:
            answer = await self._within(str(ask), terms, source.get(ask, terms))
        except Absent as error:
            if terms.freshness is not Freshness.CACHED_ONLY:
                place.keep_absence(error, outcome)
            raise
        outcome.told(answer.cached, answer.source)
        outcome.version = answer.version or ask.version
        content = response.content_of(answer)
        await self._content(content, answer.body, headers, to)
        if isinstance(answer.body, Ready):
            place.keep(content, answer.body.data, outcome, answer.stamp, answer.fresh_until)
        elif answer.immutable and is_stored(answer.body):
            place.keep_file(content, answer.body, outcome, answer.stamp)

    async def _sumdb(self, rest: str, terms: Terms, headers: Mapping[bytes, bytes], to: Responder) -> None:
        outcome = to.outcome
        outcome.kind = "sumdb"
        place = self._keeper.place(to.exchange)
        try:
            reply = await self._within(rest, terms, self._databases.get(rest, terms))
        except Malformed as error:
            # Unlike a malformed module name, which is a module that does not exist (protocol.md §5.1: 400).
            raise BadTarget(rest, f"{error.what}: {error.why}") from error
        outcome.told(reply.cached, reply.source)
        content = response.content_of_reply(reply)
        await self._content(content, Ready(reply.data), headers, to)
        place.keep(content, reply.data, outcome, reply.stamp, reply.fresh_until)

    async def _within(self, asked: str, terms: Terms, answer: Awaitable[T]) -> T:
        """Wait for an answer no longer than the terms say: the go command itself would wait for ever."""
        try:
            async with asyncio.timeout_at(terms.deadline + GRACE_SECONDS):
                return await answer
        except TimeoutError:
            reason = f"no answer within {self._answer_seconds:g} s"
            raise Unavailable(asked=asked, reason=reason, trouble=Trouble.TIMEOUT) from None

    async def _content(self, content: Content, body: Body, headers: Mapping[bytes, bytes], to: Responder) -> None:
        is_get = to.exchange.method == "GET"
        decision = decide(headers, content.validators, content.size if is_get else None)
        if isinstance(decision, Changed | Unsatisfiable):
            refusal, extra = response.refusal(content, decision)
            await to.whole(refusal.status, *response.failure(refusal, content.cached, extra))
            return
        status, lines = response.success(content, decision)
        start, stop = (decision.start, decision.stop) if isinstance(decision, Part) else (0, content.size)
        if not is_get or isinstance(decision, NotModified):
            await to.whole(status, lines)
        elif isinstance(body, Ready) and len(body.data) <= PIECE:
            await to.whole(status, lines, body.data[start:stop])
        elif isinstance(body, Arriving):
            raise TypeError("a source let a body through that nobody has kept")
        elif isinstance(body, Ready):
            await to.pieces(status, lines, pieces_of(body, start, stop))
        elif is_growing(body):
            await to.growing(status, lines, body, start, stop)
        elif stop is not None and is_stored(body):
            await to.file(status, lines, body, start, stop)
        else:
            raise TypeError("a stored body has a length")

    async def _fail(self, error: Exception, to: Responder) -> None:
        request_id = to.exchange.request_id
        if to.outcome.status:
            # Left unfinished, the response is cut, and the client knows that it has not got all of it.
            cause = error.__cause__ if isinstance(error, BodyBroke) else error
            self._log(
                "response_cut", request_id=request_id, exc_info=None if cause is not error else error, why=str(cause)
            )
            return
        failure = failure_of(error, request_id)
        if failure.status == 500:
            self._log("request_failed", request_id=request_id, exc_info=error)
        cached = ""
        if isinstance(error, GatewayError):
            to.outcome.source = error.source
        if isinstance(error, Absent):
            to.outcome.cache = cached = error.cached
        await to.whole(failure.status, *response.failure(failure, cached))
