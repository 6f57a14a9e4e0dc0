"""The section "Unreleased" of CHANGELOG.md, made of the fragments in changes/: `python -m tests.docs.changelog`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.docs.pages import ROOT

CHANGELOG = ROOT / "CHANGELOG.md"
CHANGES = ROOT / "changes"

TITLES = {
    "security": "Security",
    "removal": "Gone, or about to go",
    "feature": "New",
    "change": "Changed",
    "fix": "Fixed",
}
"""By type of fragment, in the order in which people want to know."""

_UNRELEASED = re.compile(r"(?<=^## Unreleased\n).*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def fragments(folder: Path = CHANGES) -> list[Path]:
    """The files of unreleased changes, by name."""
    return sorted(path for path in folder.glob("*.md") if path.name != "README.md")


def kind(fragment: Path) -> str:
    """The type in `<name>.<type>.md`; "" where there is none."""
    return fragment.stem.rpartition(".")[2] if "." in fragment.stem else ""


def assembled(paths: list[Path]) -> str:
    """The section that these fragments make."""
    parts = []
    for each, title in TITLES.items():
        texts = [path.read_text(encoding="utf-8").strip() for path in paths if kind(path) == each]
        if texts:
            items = ["- " + text.replace("\n", "\n  ") for text in texts]
            parts.append(f"### {title}\n\n" + "\n".join(items) + "\n")
    return "\n" + "\n".join(parts) if parts else "\n"


def renewed(changelog: str, section: str) -> str:
    """The changelog with this section as its unreleased one."""
    assert _UNRELEASED.search(changelog), "CHANGELOG.md has no section Unreleased"
    gap = "\n" if re.search(r"^## (?!Unreleased$)", changelog, re.MULTILINE) and section.strip() else ""
    return _UNRELEASED.sub(lambda _: section + gap, changelog, count=1)


if __name__ == "__main__":
    before = CHANGELOG.read_text(encoding="utf-8")
    CHANGELOG.write_text(renewed(before, assembled(fragments())), encoding="utf-8")
