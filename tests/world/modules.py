"""Module versions made up in memory, as an upstream hands them out.

Belongs here: what a version consists of (.info, .mod, .zip) and its hashes, worked out without modgate's own code, so
that the two check each other. Not here: who serves them (upstream.py) and who vouches for them (database.py).
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import random
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

EARLY = "2024-01-02T03:04:05Z"
"""When made-up versions were tagged, unless the test says otherwise."""


@dataclass(frozen=True)
class Module:
    """One version of one module. Everything that is not said is made up, the same way every time."""

    path: str
    version: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    """Contents of the zip besides go.mod; empty: one Go file that names the version."""
    go_mod: str | bytes | None = None
    """The .mod file, and go.mod in the zip; None: a module line, `go 1.21` and `requires`."""
    requires: Mapping[str, str] = field(default_factory=dict)
    """Path to version, for the go.mod that is made up."""
    time: str = EARLY
    payload: int = 0
    """So many bytes that nothing can compress lie in the zip too, to make it large."""
    info: bytes | None = None
    """The .info file, if it is not to be made up."""
    in_zip: bool = True
    """False: the zip has no go.mod (an +incompatible version)."""

    def __str__(self) -> str:
        return f"{self.path}@{self.version}"

    @property
    def name(self) -> str:
        """Where its files lie below an upstream's URL, without the extension."""
        return f"{escaped(self.path)}/@v/{escaped(self.version)}"

    @cached_property
    def info_bytes(self) -> bytes:
        if self.info is not None:
            return self.info
        return json.dumps({"Version": self.version, "Time": self.time}, separators=(",", ":")).encode()

    @cached_property
    def mod_bytes(self) -> bytes:
        if self.go_mod is not None:
            return as_bytes(self.go_mod)
        lines = [f"module {self.path}", "", "go 1.21"]
        if self.requires:
            lines += ["", *(f"require {path} {version}" for path, version in self.requires.items())]
        return ("\n".join(lines) + "\n").encode()

    @cached_property
    def contents(self) -> dict[str, bytes]:
        """The zip's files by name, without the prefix."""
        files = {name: as_bytes(text) for name, text in self.files.items()}
        if not files:
            package = re.sub(r"[^a-z0-9]", "", re.sub(r"/v\d+$", "", self.path).rpartition("/")[2]) or "m"
            files["m.go"] = f'package {package}\n\nconst Version = "{self.version}"\n'.encode()
        if self.in_zip:
            files["go.mod"] = self.mod_bytes
        if self.payload:
            files["payload.bin"] = random.Random(str(self)).randbytes(self.payload)
        return files

    @cached_property
    def zip_bytes(self) -> bytes:
        prefix = f"{self}/"
        return pack((prefix + name, data) for name, data in sorted(self.contents.items()))

    @cached_property
    def h1(self) -> str:
        """The zip's hash as it stands in go.sum."""
        return hash1({f"{self}/{name}": data for name, data in self.contents.items()})

    @cached_property
    def mod_h1(self) -> str:
        """The .mod file's hash as it stands in go.sum."""
        return hash1({"go.mod": self.mod_bytes})

    @property
    def sums(self) -> str:
        """Its two lines of go.sum."""
        return f"{self.path} {self.version} {self.h1}\n{self.path} {self.version}/go.mod {self.mod_h1}\n"


def modules_of(what: Mapping[str, Iterable[str]] | Iterable[Module]) -> list[Module]:
    """Modules, or short `{path: [version, …]}` for those of which nothing else matters."""
    if isinstance(what, Mapping):
        return [Module(path, version) for path, versions in what.items() for version in versions]
    return list(what)


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def escaped(text: str) -> str:
    """Case-escaped (protocol.md §1.2): `!a` for `A`."""
    return re.sub("[A-Z]", lambda upper: "!" + upper[0].lower(), text)


def hash1(files: Mapping[str, bytes]) -> str:
    """Go's h1 over files by name (protocol.md §4)."""
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()


class _Stream(io.RawIOBase):
    """A sink that cannot seek: a zip written to it has its sizes behind each file, as those that Go writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        view = memoryview(data)  # type: ignore[arg-type]  # a buffer; RawIOBase names a type that typeshed keeps private
        self.written += view
        return view.nbytes


def pack(files: Iterable[tuple[str, bytes]], *, method: int = zipfile.ZIP_DEFLATED, streamed: bool = True) -> bytes:
    """A zip of `files` in the order given, the same bytes every time; any name goes, also twice.

    `streamed` writes it as Go does, with data descriptors; without, sizes stand before each file.
    """
    sink: _Stream | io.BytesIO = _Stream() if streamed else io.BytesIO()
    # Level 1 packs 25 MB of noise in half a second.
    with warnings.catch_warnings(), zipfile.ZipFile(sink, "w", method, compresslevel=1) as archive:
        warnings.filterwarnings("ignore", "Duplicate name")
        for name, data in files:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = method
            archive.writestr(entry, data, compresslevel=1)
    return bytes(sink.written) if isinstance(sink, _Stream) else sink.getvalue()
