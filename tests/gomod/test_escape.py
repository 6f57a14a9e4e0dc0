"""There is exactly one escaped spelling of a path or version, and every other is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Malformed
from modgate.gomod.escape import escape_path, escape_version, unescape_path, unescape_version
from modgate.gomod.paths import check_path
from tests.gomod.test_paths import PATHS

ESCAPED = [
    ("ascii.com/abcdefghijklmnopqrstuvwxyz.-/~_0123456789", "ascii.com/abcdefghijklmnopqrstuvwxyz.-/~_0123456789"),
    ("github.com/GoogleCloudPlatform/omega", "github.com/!google!cloud!platform/omega"),
    ("github.com/BurntSushi/toml", "github.com/!burnt!sushi/toml"),
    ("1.2/3", "1.2/3"),
]

# No reserved name of Windows (con, aux …) has two letters or ends in z.
module_paths = st.from_regex(r"[a-z]{1,2}\.[a-z]{2}(/[A-Za-z_][A-Za-z0-9_-]{0,4}z){0,3}", fullmatch=True)
file_names = st.from_regex(r"[A-Za-z0-9#$%&()+,.=@\[\]^_{}~ -]{0,8}[A-Za-z_]z", fullmatch=True)


@pytest.mark.parametrize(("path", "escaped"), ESCAPED)
def test_upper_case_becomes_an_exclamation_mark_and_a_small_letter(path: str, escaped: str) -> None:
    assert escape_path(check_path(path)) == escaped
    assert unescape_path(escaped) == path


@pytest.mark.parametrize(
    "escaped",
    [
        "github.com/GoogleCloudPlatform/omega",
        "github.com/!google!cloud!platform!/omega",
        "github.com/!0google!cloud!platform/omega",
        "github.com/!_google!cloud!platform/omega",
        "github.com/!!google!cloud!platform/omega",
        "github.com/!Google!cloud!platform/omega",
        "github.com/google!",
        "github.com/%21google",
        "github.com/!åa",
        "!github.com/x",
        "",
        *(path for path, module_ok, _ in PATHS if not module_ok),
    ],
)
def test_a_path_in_another_spelling_is_refused(escaped: str) -> None:
    with pytest.raises(Malformed) as caught:
        unescape_path(escaped)
    assert caught.value.what == "module path"


@pytest.mark.parametrize(
    ("version", "escaped"),
    [
        ("v1.2.3", "v1.2.3"),
        ("v1.5.3-PRE", "v1.5.3-!p!r!e"),
        ("v2.0.0+incompatible", "v2.0.0+incompatible"),
        ("HEAD", "!h!e!a!d"),
        ("master", "master"),
        ("v1", "v1"),
        ("v1..b", "v1..b"),
        ("a..b", "a..b"),
        (".x", ".x"),
        ("-x", "-x"),
        ("a b", "a b"),
        ("x@y", "x@y"),
        ("v1.0.0~x", "v1.0.0~x"),
        ("v1.0.0~1", "v1.0.0~1"),
    ],
)
def test_a_version_or_query_is_escaped_likewise(version: str, escaped: str) -> None:
    assert escape_version(version) == escaped
    assert unescape_version(escaped) == version


@pytest.mark.parametrize(
    "version",
    [
        "feature/x",
        "",
        ".",
        "..",
        "x.",
        "v1.",
        "con",
        "con.txt",
        "a:b",
        "a*b",
        "日本",
        "a!b",
        "a\nb",
        "a\\b",
        "v1\n",
        "v1.0\x00",
    ],
)
def test_what_is_not_the_name_of_one_file_is_no_version(version: str) -> None:
    with pytest.raises(Malformed) as escaping:
        escape_version(version)
    with pytest.raises(Malformed) as unescaping:
        unescape_version(version.replace("!", "!!"))
    assert escaping.value.what == unescaping.value.what == "version"


@pytest.mark.parametrize("escaped", ["HEAD", "v1.0.0-PRE", "!", "x!", "!!x", "!1", "v1.0.0-!P", "!c!o!n", "!!"])
def test_a_version_in_another_spelling_is_refused(escaped: str) -> None:
    with pytest.raises(Malformed):
        unescape_version(escaped)


@given(module_paths)
def test_paths_survive_the_round_trip(text: str) -> None:
    path = check_path(text)
    escaped = escape_path(path)
    assert escaped == escaped.lower()
    assert unescape_path(escaped) == path


@given(file_names)
def test_versions_survive_the_round_trip(version: str) -> None:
    assert unescape_version(escape_version(version)) == version


@given(st.text(alphabet="aAbB!./v2", max_size=8))
def test_whatever_unescapes_is_the_only_spelling(escaped: str) -> None:
    try:
        path = unescape_path(escaped)
    except Malformed:
        return
    assert escape_path(path) == escaped
