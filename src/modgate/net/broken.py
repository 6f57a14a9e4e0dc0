"""The one table from the errors of the client library to ours."""

from __future__ import annotations

import importlib
import os
import re
import socket
import ssl

from modgate.errors import Trouble, Unavailable
from modgate.net.proxies import Proxy
from modgate.net.sessions import ProxyDown, ProxyRefused
from modgate.net.trust import UNKNOWN_AUTHORITY, Trust

_OURS = re.compile("ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE)")
"""OpenSSL's names of what the other side says about our certificate, or that we have none."""


def broken(upstream: str, error: Exception, what: str) -> Unavailable:
    """What `error` means of `upstream`; `what` is said where nothing better is known.

    Raises:
        Exception: `error` itself, if it is none of a connection.
    """
    aiohttp = importlib.import_module("aiohttp")
    if not isinstance(error, aiohttp.ClientError | OSError | ValueError):
        raise error
    again, told = True, _told(error)
    if isinstance(told, ssl.SSLError) and _OURS.search(told.reason or ""):
        what, again = "does not take our client certificate, or wants one: setting host.client_cert", False
    elif isinstance(told, ssl.SSLCertVerificationError):
        what, again = "has a TLS certificate that is not trusted here", False
    match error:
        case aiohttp.ClientConnectorCertificateError():
            pass
        case aiohttp.ClientConnectorSSLError() if again:
            what, again = "has a TLS certificate or protocol that is not trusted here", False
        case aiohttp.ClientConnectorDNSError():
            what = "has a host name that cannot be resolved"
        case aiohttp.ServerDisconnectedError():
            what = "hung up without an answer"
        case aiohttp.ClientResponseError():
            what = "sent what is no HTTP response"
    return _unavailable(upstream, f"{what}{_cause(error)}", again=again)


def silent(upstream: str, error: TimeoutError, connect: float, first_byte: float) -> Unavailable:
    """A deadline has passed; both are in seconds."""
    reason = f"sent no first byte within {first_byte:g} s"
    if isinstance(error, importlib.import_module("aiohttp").ConnectionTimeoutError):
        reason = f"let no connection come about within {connect:g} s"
    return Unavailable(source=upstream, reason=reason, trouble=Trouble.TIMEOUT, blames_upstream=True)


def by_proxy(upstream: str, error: ProxyDown | ProxyRefused, proxy: Proxy) -> Unavailable:
    """The way to `upstream` is the trouble."""
    if isinstance(error, ProxyRefused):
        return _unavailable(upstream, f"was not reached: its proxy {proxy.shown} {error}", again=False)
    cause = _cause(error.__cause__) if isinstance(error.__cause__, Exception) else ""
    return _unavailable(upstream, f"was not reached: its proxy {proxy.shown} does not answer{cause}", again=True)


def untrusted(upstream: str, issuer: str, trust: Trust) -> Unavailable:
    """It has a certificate of an authority that is not known here."""
    if trust.ca is not None:
        remedy = f"it is not in the file of {trust.setting}.ca"
    else:
        remedy = "if it is right, give its file in the setting host.ca"
    name = f"{issuer!r}, an authority" if issuer else "an authority"
    return _unavailable(upstream, f"has a TLS certificate of {name} that is not trusted here; {remedy}", again=False)


def is_unknown_authority(error: Exception) -> bool:
    """Say whether a CA file could mend it."""
    told = _told(error)
    return isinstance(told, ssl.SSLCertVerificationError) and told.verify_code in UNKNOWN_AUTHORITY


def is_about_trust(error: Unavailable) -> bool:
    """Say whether what `broken` or `untrusted` made is about certificates: the host was reached."""
    return isinstance(error.__cause__, Exception) and isinstance(_told(error.__cause__), ssl.SSLError)


def _unavailable(upstream: str, reason: str, *, again: bool) -> Unavailable:
    return Unavailable(source=upstream, reason=reason, trouble=Trouble.CONNECTION, blames_upstream=True, again=again)


def _told(error: Exception) -> object:
    """What stands behind the client library's error."""
    if isinstance(error.__cause__, ssl.SSLError):
        return error.__cause__  # behind a SOCKS proxy the library knows it for an OSError only
    return getattr(error, "certificate_error", None) or getattr(error, "os_error", error)


def _cause(error: Exception) -> str:
    """In brackets, what the operating system or the TLS library says.

    Never the library's own text: it quotes bytes and headers of the upstream, which may hold anything.
    """
    told = _told(error)
    if isinstance(told, ssl.SSLError):
        text = getattr(told, "verify_message", "") or (told.reason or "").replace("_", " ")
    elif isinstance(told, OSError) and not isinstance(told, socket.gaierror) and told.errno:
        text = os.strerror(told.errno)
    else:
        text = ""
    return f" ({text.lower()})" if text else ""
