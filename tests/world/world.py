"""The world of one test: makes its parts and clears them away."""

from __future__ import annotations

import itertools
import os
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tests.world.database import Database, DatabaseServer
from tests.world.gateway import Gateway, Setting
from tests.world.gocommand import Go
from tests.world.guard import without_settings
from tests.world.modules import Module
from tests.world.server import Server
from tests.world.upstream import Upstream
from tests.world.wayout import WayOut

if TYPE_CHECKING:
    import trustme


class World:
    """Upstreams, checksum databases, gateways and developers, each started when it is asked for."""

    def __init__(self, home: Path, workers: int = 1) -> None:
        """`home` is an empty directory for everything that is written; each gateway has so many `workers`."""
        self.home = home
        self.workers = workers
        self._made = ExitStack()
        self._numbers = itertools.count(1)  # gateways may be started by several threads at once
        self._authority: trustme.CA | None = None

    def upstream(self, modules: Mapping[str, Iterable[str]] | Iterable[Module] = (), **options: Any) -> Upstream:
        """An upstream that hands out these modules; for `options` see Upstream."""
        return self._made.enter_context(Upstream(modules, **options))

    def way_out(self, kind: Literal["http", "socks5"] = "http", **options: Any) -> WayOut:
        """A proxy; for `options` see WayOut."""
        return self._made.enter_context(WayOut(kind, **options))

    def database(self, name: str = "sum.example.com") -> Database:
        """A checksum database; upstreams may relay it."""
        return Database(name)

    def database_server(self, database: Database) -> DatabaseServer:
        """The same at an address of its own."""
        return self._made.enter_context(DatabaseServer(database))

    def gateway(
        self,
        upstream: Server | str,
        *,
        environ: Mapping[str, str] | None = None,
        through: Sequence[str] = (),
        tables: str = "",
        **settings: Setting,
    ) -> Gateway:
        """Start the gateway. `upstream` is one server, or a chain in the syntax of GOPROXY; for `through` see Gateway.
        `tables` are those of its settings file: routes, views, hosts.

        Without other settings no checksum database is known to it: nothing in it leaves this machine. Nor does it guess
        what it will be asked for: tests count what their clients cause.
        """
        chain = upstream.url if isinstance(upstream, Server) else upstream
        given: dict[str, Setting] = {"upstream": chain, "checksum": "off", "workers": self.workers}
        given |= {"fetch_ahead": "off", **settings}
        if tables:
            given["config"] = self.settings_file(tables)
        base = {**without_settings(os.environ), "HOME": str(self.home), "GOENV": "off", **self._trust()}
        gateway = Gateway(self.place("gateway"), given, {**base, **(environ or {})}, through)
        self._made.callback(_ends_well, gateway)
        return gateway

    def settings_file(self, text: str) -> Path:
        """A file for `--config`."""
        file = self.place("modgate.toml")
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)
        return file

    def go(self, proxy: Server | Gateway | str, **options: str) -> Go:
        """A developer with this GOPROXY; for `options` see Go."""
        return Go(self.place("go"), proxy if isinstance(proxy, str) else proxy.url, **options)

    def place(self, name: str) -> Path:
        """A path that nothing else uses; nothing is there yet."""
        return self.home / f"{name}-{next(self._numbers)}"

    def certificate(self) -> ssl.SSLContext:
        """For servers on the loopback address: their TLS, which all gateways started later trust."""
        import trustme

        if self._authority is None:
            self._authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert("127.0.0.1").configure_cert(context)
        return context

    def writes_certificate(self, certificate: Path, key: Path) -> None:
        """For a gateway on the loopback address: its own, of the same authority, as PEM files."""
        assert self._authority is not None, "there is no certificate yet"
        leaf = self._authority.issue_cert("127.0.0.1")
        leaf.private_key_pem.write_to_path(str(key))
        leaf.cert_chain_pems[0].write_to_path(str(certificate))

    def trust(self) -> ssl.SSLContext:
        """For clients of those servers."""
        assert self._authority is not None, "there is no certificate yet"
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

    def authority(self) -> Path:
        """The authority of those servers, as a PEM file."""
        assert self._authority is not None, "there is no certificate yet"
        file = self.home / "authority.pem"
        self._authority.cert_pem.write_to_path(str(file))
        return file

    def _trust(self) -> dict[str, str]:
        if self._authority is None:
            return {}
        return {"SSL_CERT_FILE": str(self.authority())}

    def close(self) -> None:
        """End everything, the last made first.

        Raises:
            AssertionError: a gateway did not end in good order, or wrote a traceback.
        """
        self._made.close()


def _ends_well(gateway: Gateway) -> None:
    for orphan in gateway.orphans:
        orphan.kill()
    gateway.stop()
    assert "Traceback" not in gateway.log_text(), gateway.log_text()
