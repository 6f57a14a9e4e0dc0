"""The changelog tells of every fragment, and every fragment says what kind of change it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.changelog import CHANGELOG, CHANGES, TITLES, assembled, fragments, kind, renewed
from tests.docs.pages import rows, shown


def test_the_changelog_tells_of_every_unreleased_change() -> None:
    text = CHANGELOG.read_text(encoding="utf-8")
    assert text == renewed(text, assembled(fragments())), "run: python -m tests.docs.changelog"


@pytest.mark.parametrize("fragment", fragments(), ids=shown)
def test_a_fragment_has_a_known_type_and_something_to_say(fragment: Path) -> None:
    assert kind(fragment) in TITLES
    assert fragment.read_text(encoding="utf-8").strip()


def test_the_types_of_fragments_are_explained() -> None:
    types = {row[0].strip("`") for row in rows((CHANGES / "README.md").read_text(encoding="utf-8"))}
    assert types - {"type"} == set(TITLES)


def test_fragments_are_sorted_by_what_people_want_to_know_first(tmp_path: Path) -> None:
    for name, text in (("b.fix", "Mends b."), ("a.fix", "Mends a,\nat last."), ("c.security", "Closes c.")):
        (tmp_path / f"{name}.md").write_text(f"{text}\n", encoding="utf-8")
    (tmp_path / "README.md").write_text("No change.\n", encoding="utf-8")
    made = assembled(fragments(tmp_path))
    assert made == "\n### Security\n\n- Closes c.\n\n### Fixed\n\n- Mends a,\n  at last.\n- Mends b.\n"


@pytest.mark.parametrize("rest", ["", "## 0.1.0\n\nOld.\n"])
@pytest.mark.parametrize("old", ["", "\n### New\n\n- Old news.\n\n"])
def test_only_the_unreleased_section_is_renewed(old: str, rest: str) -> None:
    made = renewed(f"# Changelog\n\n## Unreleased\n{old}{rest}", "\n### Fixed\n\n- It.\n")
    assert made.startswith("# Changelog\n\n## Unreleased\n\n### Fixed\n\n- It.\n")
    assert made.endswith(rest)
    assert renewed(made, "\n### Fixed\n\n- It.\n") == made
