"""A run writes its figures between two marks of a page, and nothing else of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.errors import Missing
from benchmarks.page import BEGIN, END, write


def test_the_figures_of_a_new_run_take_the_place_of_the_old_ones(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter\n")
    for text in ("first", "second"):
        write(page, text, [tmp_path / "performance/growth.png"])
    assert page.read_text() == (
        f"# Before\n\n{BEGIN}\n\nsecond\n\n![growth](performance/growth.png)\n\n{END}\n\nAfter\n"
    )


def test_a_page_without_marks_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Nothing\n")
    with pytest.raises(Missing, match="no place for figures"):
        write(page, "text", [])
    assert page.read_text() == "# Nothing\n"
