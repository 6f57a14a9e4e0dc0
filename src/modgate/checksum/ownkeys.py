"""The private keys of our own checksum database: where they are kept, made and read.

A text with one key a line, `PRIVATE+KEY+…`; all of them sign, so that one can take the place of another while clients
still know the old one. It stands in a file or in an environment variable.

Belongs here: that text, and who may read its file. Not here: what a key is (tlog/keys.py), what is signed (log.py).
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modgate.errors import Malformed, SetupError
from modgate.tlog.ed25519 import Ed25519Signer, generate_key
from modgate.tlog.keys import KEY_BYTES, parse_signer_key

FIELD = "own_database.key"
FROM_ENVIRONMENT = "env:"
MOST_BYTES = 65536
"""A key has 120; a larger file is another one, given by mistake."""
OTHERS = 0o007
"""The permissions that nobody but owner and group may have. A group is let through: orchestrators mount secrets so."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the keys are."""

    file: Path | None
    variable: str = ""
    """The name of an environment variable, where there is no file."""

    def __str__(self) -> str:
        return f"the variable {self.variable}" if self.file is None else str(self.file)


def key_place(text: str, default: Path) -> KeyPlace:
    """Of the setting: `env:NAME`, the name of a file, or "" for the default one."""
    if text.startswith(FROM_ENVIRONMENT):
        return KeyPlace(None, text.removeprefix(FROM_ENVIRONMENT))
    return KeyPlace(Path(text).expanduser() if text else default)


def read_keys(place: KeyPlace, name: str, environ: Mapping[str, str]) -> list[Ed25519Signer]:
    """The keys of the database `name`, in their order.

    Raises:
        SetupError: there are none, they are those of another database, or others than owner and group may read them.
    """
    text = environ.get(place.variable, "") if place.file is None else _read(place.file)
    made = [_signer(line, place) for line in text.splitlines() if line.strip()]
    if not made:
        raise SetupError(FIELD, f"there is no key in {place}", "make one: modgate checksum init")
    for signer in made:
        if signer.name != name:
            raise SetupError(FIELD, f"{place} has a key of {signer.name}, not of {name}", "name the right one")
    return made


def make_key(place: KeyPlace, name: str, environ: Mapping[str, str], *, another: bool = False) -> list[Ed25519Signer]:
    """The keys of the database `name`; where there is none, or `another` one is wanted, a new one is made and is the
    last.

    Raises:
        SetupError: it cannot be written, or belongs into an environment variable, which nobody else sees us set.
    """
    kept = [] if place.file is not None and not place.file.exists() else read_keys(place, name, environ)
    if kept and not another:
        return kept
    if place.file is None:
        raise SetupError(FIELD, f"{place} cannot be written", "make the key in a file, and put its text there")
    key = generate_key(name, secrets.token_bytes(KEY_BYTES))
    text = _read(place.file) if kept else ""
    _write(place.file, f"{text.rstrip()}\n{key}\n".lstrip())
    return [*kept, Ed25519Signer(key)]


def _signer(line: str, place: KeyPlace) -> Ed25519Signer:
    try:
        return Ed25519Signer(parse_signer_key(line.strip()))
    except Malformed as error:
        remedy = "write one private key a line, as modgate checksum init does"
        raise SetupError(FIELD, f"{place} has a line that is no key ({error.why})", remedy) from error


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_mode & OTHERS:
                raise SetupError(FIELD, f"everybody may read {file}", f"take that away: chmod 600 {file}")
            return opened.read(MOST_BYTES).decode("ascii", "replace")
    except FileNotFoundError:
        raise SetupError(FIELD, f"{file} is not there", "make a key: modgate checksum init") from None
    except OSError as error:
        raise SetupError(FIELD, f"cannot read {file} ({error.strerror})", "give permissions") from error


def _write(file: Path, text: str) -> None:
    """Beside, synced, renamed: a crash leaves the keys that were there, or all of them."""
    fresh = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(descriptor)
        fresh.rename(file)
    except OSError as error:
        raise SetupError(FIELD, f"cannot write {file} ({error.strerror})", "give permissions") from error
