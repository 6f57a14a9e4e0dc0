"""Whoever follows a link, or looks for a file that a page names, finds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import REFERENCE, ROOT, SOURCE, headings, pages, prose, shown, spans

PAGES = pages()
OUR_OWN = [page for page in PAGES if page != REFERENCE / "protocol.md"]
"""The protocol reference speaks of files in Go's source tree."""


def anchors(page: Path) -> set[str]:
    """The fragments that links into a page may have, as common Markdown viewers make them from its headings."""
    text = page.read_text(encoding="utf-8")
    lines = [heading for level in range(1, 5) for heading in headings(text, level)]
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        name, _, fragment = link.partition("#")
        if re.match(r"https?://", link):
            continue
        there = (page.parent / name).resolve() if name else page
        if not there.exists() or (fragment and fragment not in anchors(there)):
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", OUR_OWN, ids=shown)
def test_files_that_are_named_exist(page: Path) -> None:
    rooms = {path.name for path in SOURCE.iterdir() if path.is_dir()}
    tops = {"src", "tests", "docs", "changes", "requirements", ".ci"}
    missing = []
    for span in spans(page.read_text(encoding="utf-8")):
        name = span.rstrip("/…")
        first = name.partition("/")[0]
        if not re.fullmatch(r"[\w./-]+", name):
            continue
        if "/" in span and first in tops and not (ROOT / name).exists():
            missing.append(span)
        if "/" in span and first in rooms and not (SOURCE / name).exists():
            missing.append(span)
        if "/" not in span and name.endswith(".py") and not any(SOURCE.rglob(name)):
            missing.append(span)
    assert missing == []


def test_the_architecture_has_every_room_and_every_folder_of_tests() -> None:
    said = spans((ROOT / "docs/architecture.md").read_text(encoding="utf-8"))
    rooms = [f"{path.parent.name}/" for path in SOURCE.glob("*/__init__.py")]
    behaviours = [f"tests/{path.parent.name}" for path in (ROOT / "tests").glob("*/__init__.py")]
    unnamed = [name for name in rooms if name not in said]
    unnamed += [name for name in behaviours if not any(span.startswith(name) for span in said)]
    assert unnamed == [], "docs/architecture.md needs a line for each"


def test_every_decision_is_in_the_index_with_its_status() -> None:
    folder = ROOT / "docs/adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    records = sorted(folder.glob("[0-9]*.md"))
    assert [record.name[:4] for record in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        text = record.read_text(encoding="utf-8")
        status = re.search(r"^Status: (accepted|proposed|replaced)", text, re.MULTILINE)
        assert text.startswith(f"# {record.name[:4]}: ")
        assert status is not None, record.name
        assert re.search(rf"\({re.escape(record.name)}\).*\| {status[1]}", index), record.name
