"""An authority of a company, and the files that people get from it."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


class Company:
    """Issues certificates; `ca` is the file that trusts them."""

    def __init__(self, home: Path, name: str = "Corp Example Authority") -> None:
        self._ca = trustme.CA(organization_name=name)
        self.home = home
        self.ca = home / f"{name.replace(' ', '-')}.pem"
        self._ca.cert_pem.write_to_path(str(self.ca))

    def tls(self, name: str = "127.0.0.1", *, known: bool = False) -> ssl.SSLContext:
        """A server's; `known` wants certificates of this authority from its clients."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(name).configure_cert(context)
        if known:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context

    def identity(self, name: str = "us") -> tuple[Path, Path]:
        """A client's certificate and key."""
        leaf = self._ca.issue_cert("gateway.corp.example")
        certificate, key = self.home / f"{name}.pem", self.home / f"{name}.key"
        leaf.cert_chain_pems[0].write_to_path(str(certificate))
        leaf.private_key_pem.write_to_path(str(key))
        return certificate, key
