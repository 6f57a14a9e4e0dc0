"""Pseudo-versions are made and taken apart as Go does it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from modgate.errors import Malformed
from modgate.gomod.pseudo import is_pseudo, pseudo_base, pseudo_rev, pseudo_time, pseudo_version

AT = datetime(2006, 1, 2, 15, 4, 5, tzinfo=UTC)

MADE = [
    ("", "", "v0.0.0-20060102150405-hash"),
    ("v0", "", "v0.0.0-20060102150405-hash"),
    ("v1", "", "v1.0.0-20060102150405-hash"),
    ("v2", "", "v2.0.0-20060102150405-hash"),
    ("unused", "v0.0.0", "v0.0.1-0.20060102150405-hash"),
    ("unused", "v1.2.3", "v1.2.4-0.20060102150405-hash"),
    ("unused", "v1.2.9", "v1.2.10-0.20060102150405-hash"),
    ("unused", "v1.2.99999999999999999", "v1.2.100000000000000000-0.20060102150405-hash"),
    ("unused", "v1.2.3-pre", "v1.2.3-pre.0.20060102150405-hash"),
    ("unused", "v1.3.0-pre", "v1.3.0-pre.0.20060102150405-hash"),
    ("unused", "v0.0.0--", "v0.0.0--.0.20060102150405-hash"),
    ("unused", "v1.0.0+metadata", "v1.0.1-0.20060102150405-hash+metadata"),
    ("unused", "v2.0.0+incompatible", "v2.0.1-0.20060102150405-hash+incompatible"),
    ("unused", "v2.3.0-pre+incompatible", "v2.3.0-pre.0.20060102150405-hash+incompatible"),
]


@pytest.mark.parametrize(("major", "older", "version"), MADE)
def test_a_pseudo_version_is_made_from_a_commit_and_taken_apart_again(major: str, older: str, version: str) -> None:
    assert pseudo_version(major, older, AT, "hash") == version
    assert is_pseudo(version)
    assert not is_pseudo(older)
    assert pseudo_time(version) == AT
    assert pseudo_rev(version) == "hash"
    assert pseudo_base(version) == older


def test_the_time_of_the_commit_is_written_in_utc() -> None:
    here = AT.astimezone(timezone(timedelta(hours=-11)))
    assert pseudo_version("", "v1.2.9", here, "abcdef123456") == "v1.2.10-0.20060102150405-abcdef123456"
    with pytest.raises(ValueError, match="zone"):
        pseudo_version("", "", AT.replace(tzinfo=None), "hash")


def test_numbers_may_be_longer_than_python_reads() -> None:
    nines = "9" * 5000
    version = pseudo_version("", f"v1.0.{nines}", AT, "hash")
    assert version.startswith("v1.0.1000")
    assert pseudo_base(version) == f"v1.0.{nines}"


@pytest.mark.parametrize(
    "version",
    [
        "v1.2.3",
        "v1.2.3-20190508235803-abcdef123456",
        "v1.2.3-pre-20190508235803-abcdef123456",
        "v0.0.0-2019050823580-abcdef123456",
        "v0.0.0-20190508235803-abcdef-123456",
        "v0.0.0-20190508235803-abcdef123456\n",
        "v0.0.0-",
        "---",
        "",
    ],
)
def test_other_versions_are_no_pseudo_versions(version: str) -> None:
    assert not is_pseudo(version)
    for part in (pseudo_time, pseudo_rev, pseudo_base):
        with pytest.raises(Malformed):
            part(version)


@pytest.mark.parametrize(
    "version",
    [
        "v0.0.0-0.20060102150405-hash",
        "v0.1.0-0.20060102150405-hash",
        "v1.0.0-0.20060102150405-hash",
        "v0.0.0-20060102150405-hash+incompatible",
        "v0.0.0-20060102150405-hash+metadata",
    ],
)
def test_a_base_that_cannot_have_been_is_refused(version: str) -> None:
    assert is_pseudo(version)
    with pytest.raises(Malformed):
        pseudo_base(version)


def test_a_time_that_never_was_is_refused() -> None:
    with pytest.raises(Malformed, match="20061302150405"):
        pseudo_time("v0.0.0-20061302150405-abcdef123456")
