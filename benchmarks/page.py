"""The part of docs/performance.md that a run writes: what stands between two marks.

Belongs here: finding the marks, and what stands there. Not here: tables (table.py) and pictures (plots.py) themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import Missing

BEGIN, END = "<!-- figures: written by --write -->", "<!-- end of figures -->"


def write(page: Path, text: str, plots: Sequence[Path]) -> None:
    """Put a run's text and pictures where the last one's stand.

    Raises:
        Missing: the page has no such place.
    """
    old = page.read_text(encoding="utf-8")
    head, begins, rest = old.partition(BEGIN)
    _, ends, tail = rest.partition(END)
    if not begins or not ends:
        raise Missing(f"benchmarks: {page} has no place for figures: put {BEGIN} and {END} there")
    pictures = [f"![{one.stem}]({one.relative_to(page.parent)})" for one in plots]
    new = "\n\n".join([BEGIN, text, *pictures, END])
    page.write_text(f"{head}{new}{tail}", encoding="utf-8")
