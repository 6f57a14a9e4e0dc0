"""Versions are read and ordered as Go does it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.gomod import semver

# In ascending order; pairs with one canonical form stand together.
CANONICAL = [
    ("bad", ""),
    ("", ""),
    ("v1-alpha.beta.gamma", ""),
    ("v1-pre", ""),
    ("v1+meta", ""),
    ("v1-pre+meta", ""),
    ("v1.2-pre", ""),
    ("v1.2+meta", ""),
    ("v1.2-pre+meta", ""),
    ("v1.0.0-alpha", "v1.0.0-alpha"),
    ("v1.0.0-alpha.1", "v1.0.0-alpha.1"),
    ("v1.0.0-alpha.beta", "v1.0.0-alpha.beta"),
    ("v1.0.0-beta", "v1.0.0-beta"),
    ("v1.0.0-beta.2", "v1.0.0-beta.2"),
    ("v1.0.0-beta.11", "v1.0.0-beta.11"),
    ("v1.0.0-rc.1", "v1.0.0-rc.1"),
    ("v1", "v1.0.0"),
    ("v1.0", "v1.0.0"),
    ("v1.0.0", "v1.0.0"),
    ("v1.2", "v1.2.0"),
    ("v1.2.0", "v1.2.0"),
    ("v1.2.3-456", "v1.2.3-456"),
    ("v1.2.3-456.789", "v1.2.3-456.789"),
    ("v1.2.3-456-789", "v1.2.3-456-789"),
    ("v1.2.3-456a", "v1.2.3-456a"),
    ("v1.2.3-pre", "v1.2.3-pre"),
    ("v1.2.3-pre+meta", "v1.2.3-pre"),
    ("v1.2.3-pre.1", "v1.2.3-pre.1"),
    ("v1.2.3-zzz", "v1.2.3-zzz"),
    ("v1.2.3", "v1.2.3"),
    ("v1.2.3+meta", "v1.2.3"),
    ("v1.2.3+meta-pre", "v1.2.3"),
    ("v1.2.3+meta-pre.sha.256a", "v1.2.3"),
]

identifiers = st.from_regex(r"0|[1-9][0-9]{0,3}|[0-9]?[a-cA-C-][0-9a-c-]{0,2}", fullmatch=True)
numbers = st.integers(0, 12).map(str)
versions = st.builds(
    lambda numbers, pre, build: "v" + ".".join(numbers) + ("-" * bool(pre)) + ".".join(pre) + build,
    st.tuples(numbers, numbers, numbers),
    st.lists(identifiers, max_size=3),
    st.sampled_from(["", "+incompatible", "+meta"]),
)


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_the_canonical_form_has_three_numbers_and_no_build_metadata(text: str, canonical: str) -> None:
    assert semver.canonical(text) == canonical
    assert semver.is_valid(text) is (canonical != "")


@pytest.mark.parametrize(
    "text",
    [
        "v01.2.3",
        "v1.2.3-01",
        "1.2.3",
        "v1.2.3-",
        "v1.2.3+",
        "v1.2.3-a..b",
        "v1.2.3+a..b",
        "v1.2.3\n",
        "v\N{ARABIC-INDIC DIGIT ONE}.2.3",
        "V1.2.3",
    ],
)
def test_what_go_does_not_read_is_no_version(text: str) -> None:
    assert not semver.is_valid(text)
    assert (semver.major(text), semver.prerelease(text), semver.build(text)) == ("", "", "")


def test_a_numeric_start_does_not_make_an_identifier_numeric() -> None:
    assert semver.is_valid("v1.2.3-0a")


def test_the_parts_of_a_version_can_be_asked_for() -> None:
    version = "v12.2.3-pre.1+meta-data.7"
    assert semver.major(version) == "v12"
    assert semver.prerelease(version) == "-pre.1"
    assert semver.build(version) == "+meta-data.7"


def test_precedence_is_that_of_semver() -> None:
    for i, (left, left_canonical) in enumerate(CANONICAL):
        for j, (right, right_canonical) in enumerate(CANONICAL):
            expected = 0 if left_canonical == right_canonical else (-1 if i < j else 1)
            assert semver.compare(left, right) == expected, (left, right)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("v1.19", "v1.20"),
        ("v1.2", "v1.19"),
        ("v1", "v2"),
        ("v1.0." + "9" * 5000, "v1.0.1" + "0" * 5000),
        ("bad", "v0.0.0-0"),
    ],
)
def test_numbers_go_by_value_however_long(lower: str, higher: str) -> None:
    assert semver.compare(lower, higher) == -1
    assert semver.compare(higher, lower) == 1


def test_sorting_breaks_ties_by_text() -> None:
    ordered = sorted((text for text, _ in CANONICAL), key=lambda text: (semver.precedence(text), text))
    shuffled = random.Random(1).sample(ordered, len(ordered))
    assert sorted(shuffled, key=semver.sort_key) == ordered


@given(versions, versions, versions)
def test_compare_is_a_total_preorder(a: str, b: str, c: str) -> None:
    assert semver.compare(a, b) == -semver.compare(b, a)
    assert semver.compare(a, a) == 0
    low, middle, high = sorted([a, b, c], key=semver.sort_key)
    assert semver.compare(low, middle) <= 0
    assert semver.compare(middle, high) <= 0
    assert semver.compare(low, high) <= 0
    assert (semver.compare(a, b) == 0) is (semver.canonical(a) == semver.canonical(b))


@given(versions)
def test_canonical_is_idempotent_and_keeps_precedence(version: str) -> None:
    canonical = semver.canonical(version)
    assert semver.canonical(canonical) == canonical
    assert semver.compare(version, canonical) == 0
