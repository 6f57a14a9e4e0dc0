"""What an upstream may send as a module's zip that is none: each lie makes one, as large as it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tests.world import Module, pack

Lie = Callable[[Module, bytes], bytes]


def zipped(module: Module, *files: tuple[str, bytes]) -> bytes:
    """A zip of the module's go.mod and these; names that begin with "=" are taken as they are."""
    named = [(name[1:] if name.startswith("=") else f"{module}/{name}", data) for name, data in files]
    return pack([(f"{module}/go.mod", module.mod_bytes), *named])


def of(*names: str) -> Lie:
    """The content goes into files of these names."""
    return lambda module, content: zipped(module, *((name, content) for name in names))


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def good(module: Module, content: bytes) -> bytes:
    return zipped(module, ("payload", content))


LIES: dict[str, Lie] = {
    "a flipped bit in its content": lambda module, content: flipped(good(module, content), 150),
    "a flipped bit in its directory": lambda module, content: flipped(good(module, content), -80),
    "no end": lambda module, content: good(module, content)[:-10],
    "half of it": lambda module, content: good(module, content)[: len(good(module, content)) // 2],
    "a page of HTML": lambda _, content: b"<html><pre>" + content.hex().encode() + b"</pre></html>",
    "another version's": lambda module, content: good(Module(module.path, "v9.9.9"), content),
    "another module's": lambda module, content: good(Module("example.com/other", module.version), content),
    "a name without the prefix": of("=m.go"),
    "a way out": of("../../../etc/passwd"),
    "an absolute name": of("=/etc/passwd"),
    "a backslash": of("a\\b"),
    "a device of Windows": of("aux.go"),
    "a file twice": of("m.go", "m.go"),
    "names that differ in case": of("m.go", "M.go"),
    "a go.mod below its root": of("sub/go.mod"),
    "a GO.MOD": of("GO.MOD"),
    "a file that is a directory too": of("a", "a/b"),
    "endless names that differ in case": of("a" * 60_000, "A" * 60_000),
    "endless names beyond ASCII": of("\u00e4" * 30_000, "\u00c4" * 30_000),
    "a name of control characters": of("a\nb\x1b[31m"),
    "something behind its end": lambda module, content: good(module, content) + b"PK\x05\x06",
}


def told(names: Iterable[str] = LIES) -> list[tuple[str, Module]]:
    """Each lie, by its name, about a version of its own."""
    return [(name, Module("example.com/m", f"v1.0.{number}")) for number, name in enumerate(names)]
