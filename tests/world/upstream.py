"""An upstream of the gateway: the GOPROXY protocol over a set of made-up modules (protocol.md §1).

Belongs here: what an upstream that behaves well answers. Not here: how it misbehaves (faults.py), the checksum database
that it may relay (database.py).
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tests.world.database import Database
from tests.world.delivery import Delivery, Request, text
from tests.world.modules import Module, escaped, modules_of
from tests.world.server import Server

PSEUDO = re.compile(r"-(0\.|[^+]*\.0\.|)\d{14}-[0-9a-f]{12}(\+incompatible)?$")

MEDIA_TYPES = {
    "info": "application/json",
    "latest": "application/json",
    "zip": "application/zip",
    "list": "text/plain; charset=utf-8",
    "mod": "text/plain; charset=utf-8",
}


class Upstream(Server):
    """Serves modules, and a checksum database below `/sumdb/` if it is given one.

    It says "not found: …" with status 404 to everything else, gives a strong ETag and honours Range and If-Range.
    """

    def __init__(
        self,
        modules: Mapping[str, Iterable[str]] | Iterable[Module] = (),
        *,
        database: Database | None = None,
        ranges: bool = True,
        etags: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`ranges` and `etags`: most simple upstreams know neither."""
        self.database = database
        self.ranges = ranges
        self.etags = etags
        self._files: dict[str, bytes] = {}
        self._versions: dict[str, list[str]] = {}
        self._latest: dict[str, bytes] = {}
        self.publishes(*modules_of(modules))
        super().__init__(tls=tls)

    def publishes(self, *modules: Module) -> None:
        """Hand these out from now on, and record them in the checksum database; a version again takes its place."""
        for module in modules:
            self._files[f"{module.name}.info"] = module.info_bytes
            self._files[f"{module.name}.mod"] = module.mod_bytes
            self._files[f"{module.name}.zip"] = module.zip_bytes
            versions = self._versions.setdefault(module.path, [])
            if not PSEUDO.search(module.version) and module.version not in versions:
                versions.append(module.version)
            if module.version == max([*versions, module.version], key=_precedence):
                self._latest[module.path] = module.info_bytes
            if self.database is not None:
                self.database.records(module)

    def withdraws(self, name: str) -> None:
        """Say 404 to one file, such as "example.com/m/@v/v1.0.0.mod", from now on."""
        del self._files[name]

    def knows(self, path: str) -> None:
        """Have a module without any version: its list is empty."""
        self._versions.setdefault(path, [])

    def lists(self, path: str, body: str) -> None:
        """Answer the list of `path` with this text, junk and all."""
        self._files[f"{escaped(path)}/@v/list"] = body.encode()

    def branch(self, path: str, name: str, version: str) -> None:
        """Let the query `name` (a branch, a tag, a commit) lead to `version`."""
        self._files[f"{escaped(path)}/@v/{escaped(name)}.info"] = self._files[
            f"{escaped(path)}/@v/{escaped(version)}.info"
        ]

    def answer(self, request: Request) -> Delivery:
        if request.path.startswith("sumdb/"):
            return self._of_database(request)
        body = self._body(request.path)
        if body is None:
            return text(404, f"not found: {request.path}: unknown to this upstream")
        media_type = MEDIA_TYPES.get(request.kind, "application/octet-stream")
        return self._conditional(request, Delivery(200, body, {"Content-Type": media_type}))

    def _of_database(self, request: Request) -> Delivery:
        if self.database is None:
            return text(404, "not found: this upstream has no checksum database")
        name, _, rest = request.path.removeprefix("sumdb/").partition(self.database.name + "/")
        return text(404, "not found: another checksum database") if name else self.database.answer(rest)

    def _body(self, path: str) -> bytes | None:
        if path in self._files:
            return self._files[path]
        for module, versions in self._versions.items():
            if path == f"{escaped(module)}/@v/list":
                return "".join(f"{version}\n" for version in versions).encode()
            if path == f"{escaped(module)}/@latest":
                return self._latest.get(module)
        return None

    def _conditional(self, request: Request, whole: Delivery) -> Delivery:
        """RFC 9110 §§13, 14, as far as this upstream supports it."""
        etag = f'"{hashlib.sha256(whole.body).hexdigest()}"'
        if self.etags:
            whole = replace(whole, headers={**whole.headers, "ETag": etag})
            if request.headers.get("if-none-match") == etag:
                return replace(whole, status=304, body=b"")
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
        if not self.ranges or wanted is None or request.headers.get("if-range", etag) != etag:
            return whole
        size = len(whole.body)
        first, last = int(wanted[1]), min(int(wanted[2] or size), size - 1)
        if first >= size:
            return Delivery(416, b"", {"Content-Range": f"bytes */{size}"})
        headers = {**whole.headers, "Content-Range": f"bytes {first}-{last}/{size}"}
        return Delivery(206, whole.body[first : last + 1], headers)


def _precedence(version: str) -> tuple[bool, bool, list[int], str]:
    """Of the versions that tests make up, @latest is the highest release, else prerelease, else pseudo-version."""
    numbers, _, pre = version.removeprefix("v").partition("-")
    plain = [int(part) for part in numbers.partition("+")[0].split(".")]
    return not PSEUDO.search(version), not pre, plain, pre
