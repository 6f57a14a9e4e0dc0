"""The pages of the documentation, and the few things of Markdown that the tests here look at.

Belongs here: reading. Not here: what a page has to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/modgate"
REFERENCE = ROOT / "docs/reference"


def pages() -> list[Path]:
    """Every page that people read."""
    folders = ("docs", "changes")
    return [*sorted(ROOT.glob("*.md")), *(page for folder in folders for page in sorted((ROOT / folder).rglob("*.md")))]


def shown(page: Path) -> str:
    """A page's name, for test ids and messages."""
    return page.relative_to(ROOT).as_posix()


def reference(name: str) -> str:
    """The text of a page of docs/reference."""
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def prose(text: str) -> str:
    """A text without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """Language and content of each block of code."""
    for found in re.finditer(r"^ *```(\w*)\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL):
        yield found[1], found[2]


def spans(text: str) -> list[str]:
    """What stands between back-ticks within a line, outside of blocks."""
    return re.findall(r"`([^`\n]+)`", prose(text))


def headings(text: str, level: int) -> list[str]:
    return re.findall(rf"^{'#' * level} (.+)$", prose(text), re.MULTILINE)


def section(text: str, heading: str) -> str:
    """What stands below a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"there is no section {heading!r}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row but the rules below the heads."""
    lines = [line.strip() for line in prose(text).splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line[1:-1])] for line in lines]
    return [row for row in cells if not re.fullmatch(r":?-+:?", row[0])]
