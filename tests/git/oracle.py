"""What the go command itself says about modules in direct mode.

Belongs here: asking it once for many modules, and reading its answers. Not here: the repositories (forge.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world import Go


@dataclass(frozen=True)
class Said:
    """One object that `go` printed."""

    fields: dict[str, Any]

    @property
    def error(self) -> str:
        error = self.fields.get("Error") or ""
        return str(error.get("Err", "") if isinstance(error, dict) else error)

    @property
    def info(self) -> dict[str, Any]:
        """The .info file that it wrote."""
        found: dict[str, Any] = json.loads(Path(self.fields["Info"]).read_text())
        return found

    @property
    def mod(self) -> bytes:
        return Path(self.fields["GoMod"]).read_bytes()


class Oracle:
    """A go command that knows the repositories below `place` as those of `host`."""

    def __init__(self, home: Path, host: str, place: Path) -> None:
        self._go = Go(
            home, "direct", version="newest", GOVCS="*:git", GOFLAGS="-modcacherw", GIT_ALLOW_PROTOCOL="https:file"
        )
        (home / ".gitconfig").write_text(f'[url "file://{place}/"]\n\tinsteadOf = https://{host}/\n')

    def lists(self, paths: Sequence[str]) -> dict[str, Said]:
        """`go list -m -versions` of each path."""
        said = self._ask("list", "-m", "-e", "-json", "-versions", "-retracted", *paths)
        return dict(zip(paths, said, strict=True))

    def queries(self, asked: Sequence[str]) -> dict[str, Said]:
        """`go list -m` of each `path@query`."""
        return dict(zip(asked, self._ask("list", "-m", "-e", "-json", *asked), strict=True))

    def downloads(self, asked: Sequence[str]) -> dict[str, Said]:
        """`go mod download` of each `path@version`."""
        said = self._ask("mod", "download", "-json", *asked)
        # It prints them in an order of its own.
        by_name = {
            f"{one.fields['Path']}@{one.fields.get('Query') or one.fields.get('Version', '')}": one for one in said
        }
        return {one: by_name[one] for one in asked}

    def forget(self) -> None:
        shutil.rmtree(self._go.module_cache, ignore_errors=True)

    def _ask(self, *arguments: str) -> list[Said]:
        return [Said(fields) for fields in _objects(self._go.tries(*arguments).stdout)]


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text.rstrip()):
        found, end = decoder.raw_decode(text, at)
        yield found
        at = end + (len(text[end:]) - len(text[end:].lstrip()))
