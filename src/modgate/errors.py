"""Every error that modgate raises. The type decides what happens next; the fields say what happened.

    ModgateError
    ├── SetupError              the settings or the machine do not allow a start; names the field and the remedy
    ├── Malformed               a path, version, target or file that breaks a rule of Go or of HTTP
    ├── Unproven                something lacks the signature, hash or proof without which it is not believed
    └── GatewayError            one ask could not be answered
        ├── Absent              every source that was asked says that it does not exist
        ├── Refused             somebody may not hand it out
        │   ├── Unauthenticated     the client did not say who it is
        │   ├── Forbidden           we, or an upstream, will not give it to anybody like this client
        │   └── OverQuota           not now: too many asks
        ├── Unavailable         it could not be found out; says nothing about existence
        ├── Corrupt             the content is not what it claims to be
        │   ├── Mismatch            it is not what the checksum database has recorded
        │   └── Fork                a checksum database has signed two histories that exclude each other
        └── Looped              the ask has already passed through this gateway

Belongs here: the tree and its data. Not here: status codes and texts (serve/errors.py has the one table), retries,
logs.
"""

from __future__ import annotations

from enum import StrEnum


class ModgateError(Exception):
    """The root of everything that we raise on purpose."""


class SetupError(ModgateError):
    """modgate cannot start as it is set up."""

    def __init__(self, field: str, problem: str, remedy: str) -> None:
        super().__init__(f"{field}: {problem}; {remedy}")
        self.field = field
        self.problem = problem
        self.remedy = remedy


class Malformed(ModgateError):
    """Something from outside breaks a rule.

    `what` names the kind of thing ("module path", "version", "request target"), `text` is the thing itself and `why`
    the rule that it breaks, each without final punctuation.
    """

    def __init__(self, what: str, text: str, why: str) -> None:
        super().__init__(f"malformed {what} {text!r}: {why}")
        self.what = what
        self.text = text
        self.why = why


class Unproven(ModgateError):
    """Something is well-formed and lacks the signature, hash or proof without which it is not believed.

    `what` names the kind of thing ("signed note", "record", "tiles"), `why` says what does not fit, without final
    punctuation. `suspects` names those of several things that may be wrong: tiles by their paths.
    """

    def __init__(self, what: str, why: str, suspects: tuple[str, ...] = ()) -> None:
        super().__init__(f"unproven {what}: {why}")
        self.what = what
        self.why = why
        self.suspects = suspects


class GatewayError(ModgateError):
    """One ask could not be answered.

    `asked` is what was asked for, as a client would write it (`github.com/a/b@v1.0.0 zip`); `source` is the name of the
    source that answered so, without credentials, or "" when this gateway itself decided; `reason` is what came back
    ("answered 503 Service Unavailable", "no first byte within 15 s"), one phrase without final punctuation.
    """

    def __init__(self, *, asked: str = "", source: str = "", reason: str = "") -> None:
        super().__init__(f"{asked}: {source or 'modgate'}: {reason}")
        self.asked = asked
        self.source = source
        self.reason = reason


class Absent(GatewayError):
    """Every source that was asked says that it does not exist.

    `words` are the upstream's own, if it sent printable text/plain: the go command shows them to its user, and three of
    Go's script tests compare them. `fresh_until` (seconds since the epoch) is set by a cache that remembers the
    absence; 0.0 means that it must not be answered again without a look. `stamp` is that of source.base.Answer.
    """

    def __init__(
        self,
        *,
        asked: str = "",
        source: str = "",
        reason: str = "",
        words: str = "",
        fresh_until: float = 0.0,
        stamp: tuple[int, int] | None = None,
        cached: str = "miss",
    ) -> None:
        super().__init__(asked=asked, source=source, reason=reason)
        self.words = words
        self.fresh_until = fresh_until
        self.stamp = stamp
        self.cached = cached


class Refused(GatewayError):
    """We, or an upstream, may not hand it out."""


class Unauthenticated(Refused):
    """The client has to say who it is."""


class Forbidden(Refused):
    """`status` is 403, or 451 where an upstream names legal reasons (protocol.md §1.5: a 403 stops the client)."""

    def __init__(
        self, *, asked: str = "", source: str = "", reason: str = "", words: str = "", status: int = 403
    ) -> None:
        super().__init__(asked=asked, source=source, reason=reason)
        self.words = words
        self.status = status


class OverQuota(Refused):
    """The client has used up what it may. `retry_after` in seconds."""

    def __init__(self, *, asked: str = "", source: str = "", reason: str = "", retry_after: float = 1.0) -> None:
        super().__init__(asked=asked, source=source, reason=reason)
        self.retry_after = retry_after


class Trouble(StrEnum):
    """What kept an answer from us."""

    TIMEOUT = "timeout"
    """A deadline passed: 504."""
    CONNECTION = "connection"
    """No connection, or one that broke: 502."""
    ANSWER = "answer"
    """An answer that means trouble (5xx, an odd 4xx, a 2xx that is not 200) or is not to be understood: 502."""
    BUSY = "busy"
    """The upstream said 429, and says so to every client of its own: 429 may stay 429."""
    OURS = "ours"
    """This gateway is the one in trouble: a full disk, a full queue, stopping: 503."""
    OPEN = "open"
    """Not asked: the upstream is known to be down: 503."""


class Unavailable(GatewayError):
    """It could not be found out. Never remembered, never looks like absence; a stale copy is served if there is one.

    `retry_after` in seconds is a hint for the client. `blames_upstream` is true where the failure is the upstream's as
    a whole and not this one module's: only that opens a breaker. `again` is true where asking the same upstream once
    more at once may well succeed: a single 5xx, a broken connection. `says_down` is true where the upstream itself says
    that it is down: that opens a breaker at once.
    """

    def __init__(
        self,
        *,
        asked: str = "",
        source: str = "",
        reason: str = "",
        trouble: Trouble = Trouble.ANSWER,
        retry_after: float = 1.0,
        blames_upstream: bool = False,
        again: bool = False,
        says_down: bool = False,
    ) -> None:
        super().__init__(asked=asked, source=source, reason=reason)
        self.trouble = trouble
        self.retry_after = retry_after
        self.blames_upstream = blames_upstream
        self.again = again
        self.says_down = says_down


class Corrupt(GatewayError):
    """The content is not what it claims to be. The verdict is kept for a minute; it is never turned into absence."""


class Mismatch(Corrupt):
    """An artifact is not what the checksum database has recorded: `now` is its h1, `recorded` that of the record."""

    def __init__(
        self, *, asked: str = "", source: str = "", reason: str = "", now: str = "", recorded: str = ""
    ) -> None:
        super().__init__(asked=asked, source=source, reason=reason)
        self.now = now
        self.recorded = recorded


class Fork(Corrupt):
    """A checksum database has signed two histories that exclude each other: nothing new of it is believed any more.

    `older` and `newer` are its two signed heads, `root` is what the records of the newer one give for the size of the
    older one, and `proof` (RFC 6962 consistency, as tlog.proofs.check_tree takes it) shows that without asking anybody;
    it is empty where both heads have one size. It is no way's fault: every way to the database carries its signature.
    """

    def __init__(
        self,
        *,
        asked: str = "",
        source: str = "",
        reason: str = "",
        older: bytes = b"",
        newer: bytes = b"",
        root: bytes = b"",
        proof: tuple[bytes, ...] = (),
    ) -> None:
        super().__init__(asked=asked, source=source, reason=reason)
        self.older = older
        self.newer = newer
        self.root = root
        self.proof = proof


class Looped(GatewayError):
    """The ask has already passed through this gateway (its id stands in the request's Via header)."""
