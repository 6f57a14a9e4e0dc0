"""Which versions a module can have, and which of them are listed."""

import pytest

from modgate.errors import Malformed
from modgate.gomod.paths import check_path
from modgate.gomod.versions import canonical_version, check, fits, is_canonical, latest_of, listed

FITTING = [
    ("rsc.io/quote", "0.1.0", False),
    ("github.com/go-yaml/yaml", "v0.8.0", True),
    ("github.com/go-yaml/yaml", "v1.0.0", True),
    ("github.com/go-yaml/yaml", "v2.0.0", False),
    ("github.com/go-yaml/yaml", "v2.1.5", False),
    ("github.com/go-yaml/yaml", "v3.0.0", False),
    ("github.com/go-yaml/yaml/v2", "v1.0.0", False),
    ("github.com/go-yaml/yaml/v2", "v2.0.0", True),
    ("github.com/go-yaml/yaml/v2", "v2.1.5", True),
    ("github.com/go-yaml/yaml/v2", "v3.0.0", False),
    ("github.com/go-yaml/yaml/v2", "v2.0.0+incompatible", True),
    ("gopkg.in/yaml.v0", "v0.8.0", True),
    ("gopkg.in/yaml.v0", "v1.0.0", False),
    ("gopkg.in/yaml.v0", "v2.0.0", False),
    ("gopkg.in/yaml.v1", "v0.8.0", False),
    ("gopkg.in/yaml.v1", "v1.0.0", True),
    ("gopkg.in/yaml.v1", "v2.0.0", False),
    ("gopkg.in/yaml.v1-unstable", "v1.0.0", True),
    ("gopkg.in/check.v1", "v0.0.0", False),
    ("gopkg.in/check.v1", "v0.0.0-20160102150405-abcdef123456", True),
    ("gopkg.in/yaml.v2", "v1.0.0", False),
    ("gopkg.in/yaml.v2", "v2.0.0", True),
    ("gopkg.in/yaml.v2", "v2.1.5", True),
    ("gopkg.in/yaml.v2", "v3.0.0", False),
    ("gopkg.in/yaml.v2", "v0.0.0-20160102150405-abcdef123456", False),
    ("rsc.io/quote", "v17.0.0", False),
    ("rsc.io/quote", "v17.0.0+incompatible", True),
    ("rsc.io/quote", "v17.0.0+other", False),
    ("rsc.io/quote", "master", False),
    ("rsc.io/quote", "", False),
]


@pytest.mark.parametrize(("path", "version", "ok"), FITTING)
def test_a_version_has_the_major_version_of_its_path(path: str, version: str, ok: bool) -> None:
    module = check_path(path)
    assert fits(module, version) is ok
    if ok:
        check(module, version)
    else:
        with pytest.raises(Malformed) as caught:
            check(module, version)
        assert caught.value.what == "version"


@pytest.mark.parametrize(
    ("version", "canonical"),
    [
        ("v1", "v1.0.0"),
        ("v1.2.3+meta", "v1.2.3"),
        ("v2.0.0+incompatible", "v2.0.0+incompatible"),
        ("v2.0.0-pre+incompatible", "v2.0.0-pre+incompatible"),
        ("v2.0.0+incompatible.1", "v2.0.0"),
        ("v1.2.3", "v1.2.3"),
        ("master", ""),
        ("", ""),
    ],
)
def test_the_canonical_version_keeps_exactly_incompatible(version: str, canonical: str) -> None:
    assert canonical_version(version) == canonical
    assert is_canonical(version) is (version == canonical != "")


def test_a_list_keeps_what_clients_can_use_in_ascending_order() -> None:
    upstream = (
        b"v1.10.0\nv1.9.0\r\nv1.2.3 2019-05-08T23:58:03Z\n\n"
        b"v0.0.0-20190508235803-abcdef123456\nv1.2.4-0.20190508235803-abcdef123456\n"
        b"v2.0.0\nv3.0.0+incompatible\nv1.2\nv1.2.3+meta\n<html>\n\xff\xfe\nv1.9.0\n  v1.0.0-rc.1  \nlatest"
    )
    expected = ["v1.0.0-rc.1", "v1.2.3", "v1.9.0", "v1.10.0", "v3.0.0+incompatible"]
    assert listed(upstream, check_path("example.com/m")) == expected
    assert listed(upstream.decode(errors="replace"), check_path("example.com/m")) == expected
    assert listed(upstream, check_path("example.com/m/v2")) == ["v2.0.0"]
    assert listed(b"", check_path("example.com/m")) == []


@pytest.mark.parametrize(
    ("versions", "latest"),
    [
        ([], ""),
        (["junk"], ""),
        (["v1.0.0", "v1.10.0", "v1.9.0"], "v1.10.0"),
        (["v1.0.0", "v2.0.0-rc.1"], "v1.0.0"),
        (["v2.0.0-rc.1", "v2.0.0-rc.2", "junk"], "v2.0.0-rc.2"),
        (["v1.0.0", "v2.0.0+incompatible"], "v2.0.0+incompatible"),
    ],
)
def test_the_latest_is_the_highest_release_or_else_the_highest_prerelease(versions: list[str], latest: str) -> None:
    assert latest_of(versions) == latest
