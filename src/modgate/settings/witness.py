"""Where the witness of our own checksum database is. Pure.

Belongs here: the two ways to write it. Not here: reading and writing it (storage/witness.py, checksum/webwitness.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from modgate.errors import Malformed
from modgate.net.place import is_loopback

_NONE = re.compile(r"[\x00-\x20\x7f]")
"""What stands in no URL."""


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A file or a URL."""

    file: Path | None = None
    url: str = field(default="", repr=False)
    """As it was written, with what grants rights."""

    @property
    def shown(self) -> str:
        """As anybody may see it: without credentials and query."""
        if not self.url:
            return str(self.file)
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def parse_witness(text: str) -> Witnessed:
    """A file's name, or a URL with https, or with http on this machine.

    Raises:
        Malformed: neither. The text is not in it: it may hold a password.
    """
    if ":/" not in text:
        return Witnessed(_file(text))
    try:
        parts = urlsplit(text)
        _check(text, parts)
    except ValueError as error:
        raise Malformed("witness", "", "it is no URL") from error
    return Witnessed(url=text)


def _file(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise Malformed("witness", "", "its ~ stands for nobody's directory") from error


def _check(text: str, parts: SplitResult) -> None:
    if _NONE.search(text) or parts.fragment or not parts.hostname or parts.port == 0:
        raise Malformed("witness", "", "it is no URL")
    if parts.scheme not in ("https", "http"):
        raise Malformed("witness", "", "its URL is neither https nor http; a file is named without a scheme")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise Malformed("witness", "", "its URL has to be https: over http anybody on the way could show an old head")
    if not parts.path.strip("/"):
        raise Malformed("witness", "", "its URL names no place at the host, such as https://host/modgate-head")
