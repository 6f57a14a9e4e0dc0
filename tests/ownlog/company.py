"""A company whose gateway has a checksum database of its own, and modules of which some are private.

Belongs here: what most tests of this folder begin with. Not here: what they expect.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modgate.checksum.log import OwnLog
from modgate.checksum.ownkeys import KeyPlace, make_key, read_keys
from modgate.storage.log import SqliteLog
from modgate.tlog.ed25519 import Ed25519Verifier
from tests.world import Module, World
from tests.world.database import Database
from tests.world.gateway import Gateway
from tests.world.upstream import Upstream

NAME = "sum.corp.example/db"
PRIVATE = Module("corp.example/secret", "v1.2.0", files={"s.go": "package secret\n\nconst Says = 1\n"})
PUBLIC = Module("rsc.io/Quote", "v1.5.2")
TOOLCHAIN = Module("golang.org/toolchain", "v0.0.1-go1.99.0.linux-amd64", in_zip=False)


@dataclass
class Company:
    """One upstream that has everything, the public database that it relays, and how the gateway is set up."""

    world: World
    upstream: Upstream
    public: Database
    key: Path

    @property
    def gosumdb(self) -> str:
        """The newest key, as developers have it in GOSUMDB."""
        return str(make_key(KeyPlace(self.key), NAME, {})[-1].verifier_key)

    def changes_key(self) -> None:
        """From the next start on one more key signs."""
        make_key(KeyPlace(self.key), NAME, {}, another=True)

    def gateway(self, data: Path | None = None, own: Mapping[str, Any] | None = None, **settings: Any) -> Gateway:
        """Start it, on the data directory of another one if that is given."""
        given: dict[str, Any] = {"private": "corp.example", "checksum": self.public.key, **settings}
        if data is not None:
            given["data"] = data
        database = {"name": NAME, "key": self.key, **(own or {})}
        return self.world.gateway(self.upstream, own_database=database, **given)


def founded(world: World, *modules: Module) -> Company:
    """A company with these modules; the public database has recorded those that are not its own."""
    public = world.database()
    public.grows(300)  # so that proofs take tiles of two levels
    public.records(*(module for module in modules if not module.path.startswith("corp.example/")))
    upstream = world.upstream(modules)
    upstream.database = public
    key = world.home / "keys" / "checksum.key"
    make_key(KeyPlace(key), NAME, {})
    return Company(world, upstream, public, key)


def log_file(data: Path) -> Path:
    """Where a gateway with this data directory has its log."""
    return data / "log" / NAME / "log.db"


def grow(company: Company, data: Path, count: int) -> None:
    """Let another process append records of private modules that nobody asks for."""

    async def append() -> None:
        signers = read_keys(KeyPlace(company.key), NAME, {})
        with closing(SqliteLog(log_file(data))) as rows:
            log = OwnLog(NAME, rows, signers, [Ed25519Verifier(signer.verifier_key) for signer in signers])
            await log.start()
            first = await rows.size()
            names = [("corp.example/filler", f"v0.0.{number}") for number in range(first, first + count)]
            texts = (f"{path} {version} h1:{'A' * 43}=\n" for path, version in names)
            asks = (log.record(f"{one[0]}@{one[1]}", text) for one, text in zip(names, texts, strict=True))
            await asyncio.gather(*asks)

    asyncio.run(append())


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
