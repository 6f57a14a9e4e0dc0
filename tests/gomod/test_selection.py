"""A tree's files go into a module's zip as Go's zip.Create picks them (protocol.md §3)."""

from __future__ import annotations

import pytest

from modgate.errors import Malformed
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.paths import check_path
from modgate.gomod.selection import Found, check_selected, is_vendored, selected

OLD, NEW = (1, 23), (1, 24)


def files(*names: str) -> list[Found]:
    """Regular files; with an `@` behind the name, a symbolic link."""
    return [Found(name.removesuffix("@"), 1, not name.endswith("@")) for name in names]


def chosen(*names: str, go: tuple[int, int] = OLD) -> list[str]:
    return [file.name for file in selected(files(*names), go)]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("vendor/x/y.go", True, True),
        ("vendor/y.go", False, False),
        ("vendor/modules.txt", False, True),
        ("vendor", False, False),
        ("pkg/vendor/vendor.go", True, False),  # an error of Go that the h1 of old modules depends on
        ("pkg/vendor/x/x.go", True, True),
        ("a/vendor/b.go", True, False),
        ("vendored/x/y.go", False, False),
        ("pkg/vendor.go", False, False),
    ],
)
def test_vendored_packages_are_left_out_as_the_go_line_says(name: str, old: bool, new: bool) -> None:
    assert (is_vendored(name, OLD), is_vendored(name, NEW)) == (old, new)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["go.mod", "a.go", "sub/go.mod", "sub/b.go", "sub/deep/c.go"], ["go.mod", "a.go"]),
        (["sub/b.go", "sub/deep/c.go", "sub/go.mod", "subs/d.go"], ["subs/d.go"]),
        (["sub/GO.MOD", "sub/b.go"], []),
        (["sub/go.mod/x.go", "sub/b.go"], ["sub/go.mod/x.go", "sub/b.go"]),  # a directory of that name
        (["sub/go.mod@", "sub/b.go"], ["sub/go.mod", "sub/b.go"]),  # a link of that name
        ([".hg_archival.txt", "sub/.hg_archival.txt"], ["sub/.hg_archival.txt"]),
        (["a.go", "b@"], ["a.go", "b"]),
        (["vendor/x/aux.go", "sub/go.mod", "sub/aux.go"], []),  # what is left out may have any name
        ([".gitignore", ".github/x.yml"], [".gitignore", ".github/x.yml"]),
    ],
)
def test_files_of_other_modules_are_left_out(names: list[str], expected: list[str]) -> None:
    assert chosen(*names) == expected


@pytest.mark.parametrize(
    "name", ["aux.go", "what?.go", "trailing.", "a/./b", "a//b", "/abs", "../up", "a\\b", "Go.mod", "GO.MOD"]
)
def test_one_bad_name_spoils_the_module(name: str) -> None:
    with pytest.raises(Malformed):
        chosen("go.mod", name)


@pytest.mark.parametrize(
    ("names", "sizes_ok"),
    [
        (["a", "A"], False),
        (["a/b", "A/c"], False),
        (["a", "a/b"], False),
        (["a@", "A"], False),  # a link takes its name, too
        (["ß", "SS"], True),
        (["a", "b", "sub/go.mod@"], True),
    ],
)
def test_names_that_collide_on_some_machine_spoil_the_module(names: list[str], sizes_ok: bool) -> None:
    path = check_path("example.com/m")
    if sizes_ok:
        check_selected(path, "v1.0.0", files(*names), ZipLimits())
        return
    with pytest.raises(Malformed):
        check_selected(path, "v1.0.0", files(*names), ZipLimits())
