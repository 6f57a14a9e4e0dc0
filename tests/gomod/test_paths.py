"""What Go allows as the path of a module and as the name of a file in one."""

import pytest

from modgate.errors import Malformed
from modgate.gomod.paths import check_file_path, check_path, path_major, split_path_version

# path, good as a module path, good as a file path
PATHS = [
    ("x.y/z", True, True),
    ("x.y", True, True),
    ("", False, False),
    ("x.y/\udcffz", False, False),
    ("/x.y/z", False, False),
    ("x./z", False, False),
    (".x/z", False, True),
    ("-x/z", False, True),
    ("x..y/z", True, True),
    ("x.y/z/../../w", False, False),
    ("x.y//z", False, False),
    ("x.y/z//w", False, False),
    ("x.y/z/", False, False),
    ("x.y/z/v0", False, True),
    ("x.y/z/v1", False, True),
    ("x.y/z/v2", True, True),
    ("x.y/z/v01", False, True),
    ("x.y/z/v2.0", False, True),
    ("x.y/v", True, True),
    ("X.y/z", False, True),
    ("!x.y/z", False, True),
    ("_x.y/z", False, True),
    ("x.y!/z", False, True),
    ('x.y"/z', False, False),
    ("x.y#/z", False, True),
    ("x.y$/z", False, True),
    ("x.y%/z", False, True),
    ("x.y&/z", False, True),
    ("x.y'/z", False, False),
    ("x.y(/z", False, True),
    ("x.y)/z", False, True),
    ("x.y*/z", False, False),
    ("x.y+/z", False, True),
    ("x.y,/z", False, True),
    ("x.y-/z", True, True),
    ("x.y./zt", False, False),
    ("x.y:/z", False, False),
    ("x.y;/z", False, False),
    ("x.y</z", False, False),
    ("x.y=/z", False, True),
    ("x.y>/z", False, False),
    ("x.y?/z", False, False),
    ("x.y@/z", False, True),
    ("x.y[/z", False, True),
    ("x.y\\/z", False, False),
    ("x.y]/z", False, True),
    ("x.y^/z", False, True),
    ("x.y_/z", False, True),
    ("x.y`/z", False, False),
    ("x.y{/z", False, True),
    ("x.y}/z", False, True),
    ("x.y~/z", False, True),
    ("x.y/z!", False, True),
    ('x.y/z"', False, False),
    ("x.y/z'", False, False),
    ("x.y/z*", False, False),
    ("x.y/z+", False, True),
    ("x.y/z-", True, True),
    ("x.y/z.t", True, True),
    ("x.y/z/t", True, True),
    ("x.y/z|", False, False),
    ("x.y/z_", True, True),
    ("x.y/z~", True, True),
    ("x.y/z~1", False, True),
    ("x.y/z~1.txt", False, True),
    ("x.y/z.txt~1", True, True),
    ("x.y/x.foo", True, True),
    ("x.y/.foo", False, True),
    ("x.y/aux.foo", False, False),
    ("x.y/prn", False, False),
    ("x.y/prn2", True, True),
    ("x.y/com", True, True),
    ("x.y/com0", True, True),
    ("x.y/com1", False, False),
    ("x.y/CoM1.txt", False, False),
    ("x.y/calm1", True, True),
    ("x.y/a b", False, True),
    ("x.y/a\tb", False, False),
    ("x.y/a\x00b", False, False),
    ("x.y/a\n", False, False),
    ("github.com/!123/logrus", False, True),
    ("github.com/user/unicode/испытание", False, True),
    ("../x", False, False),
    ("./y", False, False),
    ("..", False, False),
    ("x:y", False, False),
    ("\\temp\\foo", False, False),
    (".gitignore", False, True),
    (".github/ISSUE_TEMPLATE", False, True),
    ("x☺y", False, False),
    ("nodots/x", False, True),
    ("gopkg.in/yaml", False, True),
    ("gopkg.in/yaml.v2", True, True),
    ("gopkg.in/yaml.v02", False, True),
    ("gopkg.in/yaml.v2-unstable", True, True),
    ("gopkg.in/yaml.v0-unstable", False, True),
]


@pytest.mark.parametrize(("path", "module_ok"), [(path, module_ok) for path, module_ok, _ in PATHS])
def test_a_module_path_is_what_go_calls_one(path: str, module_ok: bool) -> None:
    if module_ok:
        assert check_path(path) == path
    else:
        with pytest.raises(Malformed) as caught:
            check_path(path)
        assert caught.value.what == "module path"
        assert caught.value.why


@pytest.mark.parametrize(("path", "file_ok"), [(path, file_ok) for path, _, file_ok in PATHS])
def test_a_file_path_is_what_go_calls_one(path: str, file_ok: bool) -> None:
    if file_ok:
        check_file_path(path)
    else:
        with pytest.raises(Malformed):
            check_file_path(path)


def test_a_letter_newer_than_our_tables_is_given_the_benefit_of_the_doubt() -> None:
    check_file_path("unassigned\U0001cfff")
    with pytest.raises(Malformed):
        check_file_path("combining\u0301")


@pytest.mark.parametrize(
    ("prefix", "major"),
    [
        ("x.y/z", ""),
        ("x.y/z", "/v2"),
        ("x.y/z", "/v3"),
        ("x.y/z", "/v10"),
        ("x.y/v", ""),
        ("x.y/zv2", ""),
        ("gopkg.in/yaml", ".v0"),
        ("gopkg.in/yaml", ".v1"),
        ("gopkg.in/yaml", ".v2"),
        ("gopkg.in/go-yaml/yaml", ".v3"),
        ("gopkg.in/yaml", ".v1-unstable"),
    ],
)
def test_the_major_version_at_the_end_is_split_off(prefix: str, major: str) -> None:
    assert split_path_version(prefix + major) == (prefix, major)
    assert path_major(prefix + major) == major


@pytest.mark.parametrize(
    "path", ["x.y/v1", "x.y/v0", "x.y/v02", "x.y/v2.1", "gopkg.in/yaml", "gopkg.in/yaml.v", "gopkg.in/yaml.v00"]
)
def test_what_only_looks_like_a_major_version_is_refused(path: str) -> None:
    with pytest.raises(Malformed):
        split_path_version(path)
