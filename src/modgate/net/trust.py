"""TLS to hosts: by the authorities of this machine, or by an authority and a client certificate in the settings.

Belongs here: contexts, made again when their files change, and who has issued a certificate that is not trusted. Not
here: which host has which files (rules.py).
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path

from modgate.errors import Trouble, Unavailable

SHOWN = 120
"""Characters of an issuer's name that are told: it is whatever the other side has written there."""
UNKNOWN_AUTHORITY = frozenset({18, 19, 20, 21})
"""OpenSSL's verification errors that a CA file can mend (X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT and its neighbours)."""


@dataclass(frozen=True, slots=True)
class Trust:
    """The files of a host; None is what this machine has."""

    ca: Path | None = None
    """The authorities, in place of those of this machine."""
    certificate: Path | None = None
    """Ours, with its chain: the host wants to know us by it."""
    key: Path | None = None
    setting: str = "host"
    """Where they are named."""

    @property
    def files(self) -> tuple[Path | None, ...]:
        """What makes a context another one."""
        return self.ca, self.certificate, self.key

    @property
    def public(self) -> Trust:
        """The same without our certificate."""
        return Trust(self.ca, setting=self.setting)


class Contexts:
    """TLS contexts by files. Files are looked at each time (5 µs): whoever renews a certificate need not tell us."""

    def __init__(self) -> None:
        self._made: dict[tuple[Path | None, ...], tuple[tuple[tuple[int, int, int], ...], ssl.SSLContext]] = {}

    async def soon(self, trust: Trust) -> ssl.SSLContext:
        """As `of`, for the event loop: the authorities of a machine are read in 20 ms, in another thread."""
        return self.of(trust) if trust.files in self._made else await asyncio.to_thread(self.of, trust)

    def of(self, trust: Trust) -> ssl.SSLContext:
        """For a connection to a host with these files.

        Raises:
            Unavailable: one of them cannot be used; names the setting.
        """
        try:
            stamps = tuple(_stamp(path) for path in trust.files if path is not None)
            made = self._made.get(trust.files)
            if made is None or made[0] != stamps:
                made = self._made[trust.files] = (stamps, _context(trust))
            return made[1]
        except ssl.SSLError as error:
            raise _unusable(trust, "they are no PEM files that belong together") from error
        except OSError as error:
            raise _unusable(trust, (error.strerror or type(error).__name__).lower()) from error


def _stamp(path: Path) -> tuple[int, int, int]:
    about = path.stat()
    return about.st_mtime_ns, about.st_size, about.st_ino


def _context(trust: Trust) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=trust.ca)
    context.set_alpn_protocols(["http/1.1"])
    if trust.certificate is not None:
        # A password is never asked for: a service has nobody to type it.
        context.load_cert_chain(trust.certificate, trust.key, password="")
    return context


def _unusable(trust: Trust, why: str) -> Unavailable:
    names = [
        f"{trust.setting}.{name}"
        for name, path in (("ca", trust.ca), ("client_cert", trust.certificate), ("client_key", trust.key))
        if path is not None
    ]
    reason = f"the setting {', '.join(names)} cannot be used: {why}"
    return Unavailable(reason=reason, trouble=Trouble.OURS)


def issuer_of(certificate: bytes) -> str:
    """Who has issued a certificate (DER), as it says itself; "" if it cannot be read."""
    from cryptography import x509

    try:
        name = x509.load_der_x509_certificate(certificate).issuer
        parts = [str(part.value) for part in name]
    except ValueError:
        return ""
    return "".join(c for c in ", ".join(parts) if c.isprintable())[:SHOWN]
