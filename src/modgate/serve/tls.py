"""TLS for the data port: one context for the life of the process, whose certificate can be exchanged.

Belongs here: reading of certificate and key. Not here: the listening (listener.py).
"""

from __future__ import annotations

import ssl
from pathlib import Path

from modgate.errors import SetupError

HANDSHAKE_SECONDS = 10.0
"""As long as for a request's head: a client that does not get through its handshake holds no more than a socket."""
SHUTDOWN_SECONDS = 86400.0
"""Of the event loop's own timer for the end of a connection, which would cut slow clients; goodbye.py has ours."""


class Certificate:
    """A server's certificate and key, and the context that shows them."""

    def __init__(self, cert: Path, key: Path) -> None:
        """Read both files.

        Raises:
            SetupError: one cannot be read, or they do not belong together.
        """
        self._cert = cert
        self._key = key
        self.context = self._fresh()

    def reload(self) -> None:
        """Read both files again (SIGHUP); handshakes from now on show the new certificate, open connections stay.

        Raises:
            SetupError: the new ones are no good; the old certificate goes on being shown.
        """
        # First into a context of its own: a failure halfway would leave the new certificate with the old key.
        self._fresh()
        self.context.load_cert_chain(self._cert, self._key)

    def _fresh(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            # The password callback keeps OpenSSL from asking on a terminal that a service does not have.
            context.load_cert_chain(self._cert, self._key, password=_no_password)
        except ssl.SSLError as error:
            problem = f"{self._cert} and {self._key} are no certificate and key that belong together ({error.reason})"
            raise SetupError("tls_cert", problem, "give PEM files, the key without a password") from None
        except (OSError, ValueError) as error:
            named = self._key if isinstance(error, OSError) and self._cert.is_file() else self._cert
            field = "tls_key" if named is self._key else "tls_cert"
            raise SetupError(field, f"{named} cannot be read ({error})", "check path and permissions") from None
        return context


def _no_password() -> str:
    raise ValueError("the key has a password")
