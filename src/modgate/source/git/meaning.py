"""What git's error texts mean (protocol.md §7.4). Pure.

Git has no error codes. A text that is not in the table is trouble and never absence: a client with `,direct` behind us
would go around the gateway for something that exists.
"""

from __future__ import annotations

import re

from modgate.errors import Absent, Forbidden, GatewayError, Trouble, Unavailable
from modgate.gomod.redact import redacted

_REFUSED = re.compile(
    r"Permission denied \(|returned error: (401|403)|Authentication failed|HTTP Basic: Access denied",
    re.IGNORECASE,
)
_ASKS = re.compile(r"could not read (Username|Password)", re.IGNORECASE)
_UNTRUSTED = re.compile(r"certificate verif|SSL certificate problem|server certificate", re.IGNORECASE)
_STRANGE = re.compile(r"Host key verification failed")
_POLICY = re.compile(r"transport '[^']*' not allowed")
_TEMPORARY = re.compile(
    r"Could not resolve host|server misbehaving|Connection (refused|timed out|reset)|Failed to connect|i/o timeout"
    r"|Operation (timed out|too slow)|TLS|SSL|x509|certificate|early EOF|returned error: (429|5\d\d)"
    r"|hung up unexpectedly|Empty reply from server|Network is unreachable|No route to host|unexpected disconnect"
    r"|RPC failed|invalid index-pack output",
    re.IGNORECASE,
)
_ABSENT = re.compile(
    r"repository '[^']*'?.*not found|Repository not found|does not appear to be a git repository"
    r"|could not read Username|could not read Password|returned error: (404|410)"
    r"|Project not found|could not be found or you don't have permission",
    re.IGNORECASE | re.DOTALL,
)
_OURS = re.compile(
    r"No space left|File too large|write error|died of signal|[Oo]ut of memory|[Cc]annot allocate|mmap failed"
    r"|Disk quota exceeded|Read-only file system"
)
_TIMEOUT = re.compile(r"timed out|timeout|too slow", re.IGNORECASE)
_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'")
_REDIRECT = re.compile(r"returned error: 30[12378]")

WORDS = 200
"""Characters of git's own text that go into a reason."""


def meaning(text: str, source: str) -> GatewayError:
    """The error that git's `text` means for the repository `source`."""
    said = last_words(text)
    text = _unquoted(text)
    if _OURS.search(text):
        return Unavailable(source=source, reason=f"is more than git may have here ({said})", trouble=Trouble.OURS)
    if _POLICY.search(text):
        return Forbidden(source=source, reason=f"its protocol is not allowed here ({said})")
    if _STRANGE.search(text):
        return Unavailable(source=source, reason="has an ssh key that is not known here: setting host.known_hosts")
    if _REFUSED.search(text):
        return Unavailable(source=source, reason=f"does not accept this gateway's credentials ({said})")
    # Before absence: a broken connection may be reported together with "does not appear to be a git repository".
    if _TEMPORARY.search(text):
        trouble = Trouble.TIMEOUT if _TIMEOUT.search(text) else Trouble.CONNECTION
        return Unavailable(source=source, reason=f"could not be reached ({said})", trouble=trouble)
    if _ABSENT.search(text):
        return Absent(source=source, reason=f"no such repository, or no permission to see it ({said})")
    return Unavailable(source=source, reason=f"git failed ({said})")


def repeated(error: GatewayError) -> GatewayError:
    """The same once more, for another ask that waited for the same run of git."""
    source, reason = error.source, error.reason
    match error:
        case Absent():
            return Absent(source=source, reason=reason)
        case Forbidden():
            return Forbidden(source=source, reason=reason, status=error.status)
        case Unavailable():
            return Unavailable(source=source, reason=reason, trouble=error.trouble, again=error.again)
        case _:
            return error


def is_redirect(text: str) -> bool:
    """Say whether git met a redirect, which it must not follow by itself."""
    return _REDIRECT.search(text) is not None


def asks_for_credentials(text: str) -> bool:
    """Say whether a host wants to see others than it was shown, if any."""
    return _ASKS.search(text) is not None


def is_refused(text: str) -> bool:
    """Say whether a host that was shown a credential does not take it: it asks for one, or says so."""
    return _REFUSED.search(text) is not None or asks_for_credentials(text)


def is_untrusted(text: str) -> bool:
    """Say whether the host's TLS certificate is the trouble."""
    return _UNTRUSTED.search(text) is not None


def is_unclear(text: str) -> bool:
    """Say whether the table does not know git's text: then asking in a simpler way may help."""
    text = _unquoted(text)
    return not any(known.search(text) for known in (_OURS, _POLICY, _STRANGE, _REFUSED, _TEMPORARY, _ABSENT, _REDIRECT))


def _unquoted(text: str) -> str:
    """Git's own words: the repository's name, which it puts into quotes, may be that of a library for TLS."""
    return _QUOTED.sub("''", text)


def last_words(text: str) -> str:
    """The last line of git's text that tells something, without credentials and control characters."""
    lines = [line.strip() for line in redacted(text).splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    line = (telling or lines or ["no reason given"])[0]
    return "".join(c for c in line if c.isprintable())[:WORDS]
