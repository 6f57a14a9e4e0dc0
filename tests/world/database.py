"""A checksum database of the simulated world (protocol.md §5).

Belongs here: records, lookups, tiles and heads, and serving them alone. Not here: hashes and signatures (trees.py), the
modules recorded (modules.py).
"""

from __future__ import annotations

import re
import ssl
import threading

from tests.world.delivery import Delivery, Request, text
from tests.world.modules import Module, escaped
from tests.world.server import Server
from tests.world.trees import Signer, Tree, seed_of, tile_index, tree_text

WIDTH = 256
"""Hashes in a full tile: the go command uses tiles of height 8 only."""
TILE = re.compile(r"tile/8/(\d\d?|data)/((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d*))?")


class Database:
    """Signs what it has recorded. It serves every width of a tile that its tree has ever had."""

    def __init__(self, name: str = "sum.example.com", seed: bytes = b"") -> None:
        """`seed` makes the key (32 bytes); the name alone makes it where there is none."""
        self.name = name
        self._seed = seed
        self._signer = Signer(name, seed or seed_of(name))
        self._lock = threading.Lock()
        self._tree = Tree()
        self._texts: list[str] = []
        self._ids: dict[str, int] = {}
        self._lookups: dict[str, int] = {}

    @property
    def key(self) -> str:
        """The verifier key: `GOSUMDB=<key>`."""
        return self._signer.key

    def __len__(self) -> int:
        return len(self._texts)

    def records(self, *modules: Module) -> None:
        """Append each module's sums, unless that version is recorded already: a record is for ever."""
        for module in modules:
            self.records_sums(module.path, module.version, module.sums)

    def records_sums(self, path: str, version: str, sums: str) -> None:
        """Append a record with the text `sums`, true or not."""
        with self._lock:
            if f"{path}@{version}" not in self._ids:
                self._ids[f"{path}@{version}"] = len(self._texts)
                self._lookups[escaped(f"{path}@{version}")] = len(self._texts)
                self._texts.append(sums)
                self._tree.append(sums.encode())

    def grows(self, count: int) -> None:
        """Append `count` records about modules that nobody asks for."""
        for number in range(count):
            self.records_sums(f"filler.example/m{len(self)}", f"v0.0.{number}", f"filler {len(self)}\n")

    def forked(self, size: int) -> Database:
        """A database with the same name and key, and only the first `size` records: what it records from now on
        excludes what this one has."""
        other = Database(self.name, self._seed)
        names = {number: name for name, number in self._ids.items()}
        for number, sums in enumerate(self._texts[:size]):
            path, _, version = names[number].rpartition("@")
            other.records_sums(path, version, sums)
        return other

    def head(self, size: int | None = None) -> bytes:
        """The signed tree head, or that of an older size."""
        with self._lock:
            size = len(self._tree) if size is None else size
            return self._signer.sign(tree_text(size, self._tree.root(size))).encode()

    def answer(self, rest: str) -> Delivery:
        """What it delivers at this path below its own address, as the server does."""
        if rest == "supported":
            return Delivery(200, b"")
        if rest == "latest":
            return _plain(self.head())
        if rest.startswith("lookup/"):
            return self._lookup(rest.removeprefix("lookup/"))
        tile = TILE.fullmatch(rest)
        return self._tile(tile) if tile else text(404, "not found: no such address in a checksum database")

    def _lookup(self, asked: str) -> Delivery:
        number = self._lookups.get(asked)
        if number is None:
            return text(404, f"not found: {asked}: unknown to {self.name}")
        return _plain(f"{number}\n{self._texts[number]}\n".encode() + self.head())

    def _tile(self, asked: re.Match[str]) -> Delivery:
        index = int(asked[2].replace("x", "").replace("/", ""))
        width = int(asked[3] or WIDTH)
        if asked[2] != tile_index(index) or width > WIDTH - (asked[3] is not None):
            return text(400, "bad request: no such spelling of a tile")
        with self._lock:
            if asked[1] == "data":
                data = [f"{record}\n".encode() for record in self._texts[index * WIDTH :][:width]]
            else:
                data = self._tree.hashes(8 * int(asked[1]), index * WIDTH, width)
        if len(data) < width:
            return text(404, "not found: the tree has not grown so far")
        return Delivery(200, b"".join(data), {"Content-Type": "application/octet-stream"})


class DatabaseServer(Server):
    """A checksum database at an address of its own."""

    def __init__(self, database: Database, *, tls: ssl.SSLContext | None = None) -> None:
        self.database = database
        super().__init__(tls=tls)

    def answer(self, request: Request) -> Delivery:
        return self.database.answer(request.path)


def _plain(body: bytes) -> Delivery:
    return Delivery(200, body, {"Content-Type": "text/plain; charset=UTF-8"})
