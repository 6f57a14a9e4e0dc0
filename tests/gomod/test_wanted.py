"""Lists of modules, whoever wrote them."""

from __future__ import annotations

import pytest

from modgate.errors import Malformed
from modgate.gomod.wanted import modules_in

H1 = "h1:" + "A" * 43 + "="


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("rsc.io/quote@v1.5.2\n\n# a comment\n// another\nrsc.io/quote@v1.5.2\n", {"rsc.io/quote@v1.5.2": {}}),
        (f"rsc.io/quote v1.5.2 {H1}\n", {"rsc.io/quote@v1.5.2": {"zip": H1}}),
        (f"\ufeffrsc.io/quote v1.5.2 {H1}\r\nrsc.io/quote v1.5.2 h2:x\r\n", {"rsc.io/quote@v1.5.2": {"zip": H1}}),
        (
            f"rsc.io/quote v1.5.2/go.mod {H1}\nrsc.io/quote v1.5.2 {H1}\n",
            {"rsc.io/quote@v1.5.2": {"zip": H1, "mod": H1}},
        ),
        ('{"Path": "rsc.io/quote", "Version": "v1.5.2"}', {"rsc.io/quote@v1.5.2": {}}),
        (
            (
                f'{{"Path": "a.example/A", "Version": "v2.0.0+incompatible", "Sum": "{H1}"}}\n'
                f'{{\n"Path": "b.example/b", "Version": "v0.0.1", "GoModSum": "{H1}", "Dir": "x"}}\n'
            ),
            {"a.example/A@v2.0.0+incompatible": {"zip": H1}, "b.example/b@v0.0.1": {"mod": H1}},
        ),
    ],
)
def test_a_list_names_modules(text: str, found: dict[str, dict[str, str]]) -> None:
    assert {str(one): one.sums for one in modules_in(text)} == found


@pytest.mark.parametrize(
    "text",
    [
        "rsc.io/quote",
        "rsc.io/quote@latest",
        "rsc.io/quote@v1",
        "quote v1.5.2",
        "a b c d",
        "no dot@v1.0.0",
        "nodot@v1.0.0",
        "{}",
        "{",
        '{"Path": "rsc.io/quote"}',
        '{"Path": "rsc.io/quote", "Version": "v1.5.2"} trailing',
    ],
)
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        modules_in(text)
