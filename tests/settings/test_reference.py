"""Every setting is documented, and the page is what the model says."""

from pathlib import Path

from modgate.settings.fields import all_fields
from modgate.settings.reference import docstrings, page
from modgate.settings.tables import described, tables

PAGE = Path(__file__).parents[2] / "docs/reference/settings.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: make reference"


def test_every_setting_says_what_it_means() -> None:
    texts = docstrings()
    many = [field for name, hint in tables().items() for field in described(name, hint)]
    silent = [
        field.name
        for field in (*all_fields().values(), *many)
        if not texts[field.group.__name__].get(field.name.rpartition(".")[2])
    ]
    assert silent == []
