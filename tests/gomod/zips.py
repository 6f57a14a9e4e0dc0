"""Zips to test with, made by the standard library's zipfile as Go makes them: deflated, with data descriptors."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from modgate.gomod.paths import check_path
from modgate.gomod.ziphash import Read

PATH = check_path("example.com/m")
VERSION = "v1.0.0"
PREFIX = "example.com/m@v1.0.0/"

SIMPLE = {
    "go.mod": b"module example.com/m\n\ngo 1.13\n",
    "m.go": b"package m\n\nfunc Foo() int { return 42 }\n",
    "cmd/hello/hello.go": (
        b'package main\n\nimport (\n  "fmt"\n  "example.com/m"\n)\n\nfunc main() {\n  fmt.Println(m.Foo())\n}\n'
    ),
}
SIMPLE_H1 = "h1:tpqYOOmuilagXzyqoJ3roUjp8gneQeTv5YVpL6BG7/k="
EMPTY_H1 = "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@dataclass(frozen=True)
class File:
    """One entry to be written."""

    name: str
    content: bytes = b""
    method: int = zipfile.ZIP_DEFLATED
    zip64: bool = False


class _Pipe:
    """Something that can only be written to, so that zipfile has to put sizes behind the contents."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self.data += data
        return len(data)

    def flush(self) -> None:
        pass


def make_zip(files: Iterable[File], *, descriptors: bool = True, comment: bytes = b"") -> bytes:
    pipe = _Pipe()
    file = io.BytesIO()
    with zipfile.ZipFile(pipe if descriptors else file, "w") as archive:  # type: ignore[call-overload]
        archive.comment = comment
        for entry in files:
            header = zipfile.ZipInfo(entry.name)
            header.compress_type = entry.method
            with archive.open(header, "w", force_zip64=entry.zip64) as body:
                body.write(entry.content)
    return bytes(pipe.data) if descriptors else file.getvalue()


def module_zip(files: Mapping[str, bytes], *, descriptors: bool = True) -> bytes:
    """A zip of PATH at VERSION, with names relative to the module's root."""
    return make_zip([File(PREFIX + name, content) for name, content in files.items()], descriptors=descriptors)


def reading(data: bytes) -> Read:
    return lambda offset, length: data[offset : offset + length]


def patched(data: bytes, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    """Replace one occurrence of `old`, which must be there, by as many bytes."""
    assert old in data
    assert len(old) == len(new)
    at = data.rindex(old) if last else data.index(old)
    return data[:at] + new + data[at + len(old) :]
