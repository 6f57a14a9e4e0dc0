"""Private keys: made once, read only by whom they belong to, one more to change them, and never shown."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from modgate.checksum.ownkeys import KeyPlace, key_place, make_key, read_keys
from modgate.errors import SetupError
from modgate.tlog.keys import parse_verifier_key
from tests.cli.command import run

NAME = "sum.corp.example/db"


@pytest.fixture
def place(tmp_path: Path) -> KeyPlace:
    return KeyPlace(tmp_path / "deep" / "checksum.key")


def mode(place: KeyPlace) -> int:
    assert place.file is not None
    return stat.S_IMODE(place.file.stat().st_mode)


def test_a_key_is_made_once_for_its_owner_only(place: KeyPlace) -> None:
    (made,) = make_key(place, NAME, {})
    assert mode(place) == 0o600
    assert [one.verifier_key for one in make_key(place, NAME, {})] == [made.verifier_key]
    assert [one.verifier_key for one in read_keys(place, NAME, {})] == [made.verifier_key]


def test_another_key_comes_after_the_one_before(place: KeyPlace) -> None:
    (old,) = make_key(place, NAME, {})
    both = make_key(place, NAME, {}, another=True)
    assert [one.verifier_key for one in read_keys(place, NAME, {})] == [one.verifier_key for one in both]
    assert both[0].verifier_key == old.verifier_key
    assert both[1].key_id != old.key_id
    assert mode(place) == 0o600
    assert place.file is not None
    assert [path.name for path in place.file.parent.iterdir()] == ["checksum.key"]


def test_keys_may_come_from_the_environment(place: KeyPlace) -> None:
    (made,) = make_key(place, NAME, {})
    assert place.file is not None
    there = key_place("env:OUR_KEY", Path("unused"))
    assert read_keys(there, NAME, {"OUR_KEY": place.file.read_text()})[0].verifier_key == made.verifier_key
    with pytest.raises(SetupError, match="no key in the variable OUR_KEY"):
        read_keys(there, NAME, {})
    with pytest.raises(SetupError, match="the variable OUR_KEY cannot be written"):
        make_key(there, NAME, {"OUR_KEY": place.file.read_text()}, another=True)


@pytest.mark.parametrize(("permissions", "allowed"), [(0o600, True), (0o440, True), (0o644, False), (0o606, False)])
def test_nobody_but_owner_and_group_may_read_it(place: KeyPlace, permissions: int, allowed: bool) -> None:
    make_key(place, NAME, {})
    assert place.file is not None
    place.file.chmod(permissions)
    if allowed:
        assert read_keys(place, NAME, {})
        return
    with pytest.raises(SetupError, match=r"everybody may read .*chmod 600"):
        read_keys(place, NAME, {})


def test_what_is_no_key_of_this_database_is_refused_without_showing_it(place: KeyPlace) -> None:
    make_key(place, NAME, {})
    assert place.file is not None
    secret = place.file.read_text().strip()
    with pytest.raises(SetupError, match=r"has a key of sum\.corp\.example/db, not of other\.example"):
        read_keys(place, "other.example", {})
    for text in (secret[:-3], secret.replace("PRIVATE", "PUBLIC"), "junk"):
        with pytest.raises(SetupError, match="a line that is no key") as refused:
            read_keys(KeyPlace(None, "K"), NAME, {"K": text})
        assert secret[-30:-3] not in str(refused.value)


def test_a_missing_key_says_what_makes_one(place: KeyPlace) -> None:
    with pytest.raises(SetupError, match="modgate checksum init"):
        read_keys(place, NAME, {})


def test_init_prints_the_verifier_key_and_the_line_for_go(tmp_path: Path) -> None:
    arguments = ("checksum", "init", "--data", str(tmp_path), "--upstream", "off", "--checksum", "off")
    done = run(*arguments, "--set", f"own_database.name={NAME}")
    key, line = done.stdout.splitlines()
    assert (done.returncode, parse_verifier_key(key).name, line) == (0, NAME, f"go env -w GOSUMDB={key}")
    assert "PRIVATE" not in done.stdout + done.stderr
    assert (tmp_path / "checksum.key").read_text().startswith(f"PRIVATE+KEY+{NAME}+")
    again = run(*arguments, "--another", "--set", f"own_database.name={NAME}").stdout.splitlines()
    assert again[0] == key
    assert again[2] == f"go env -w GOSUMDB={again[1]}"


def test_init_needs_a_name(tmp_path: Path) -> None:
    done = run("checksum", "init", "--data", str(tmp_path), "--upstream", "off")
    assert (done.returncode, done.stderr) == (
        2,
        "modgate: own_database.name: is not set; give one, such as sum.corp.example\n",
    )
