"""How a checksum database of one's own is written in the settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from modgate.errors import SetupError
from modgate.settings.load import Sources, examine, load
from modgate.settings.loaded import Loaded
from tests.cli.command import run

NAMED = '[checksum_database]\nname = "sum.corp.example/db"\n'


def loaded(directory: Path, toml: str, **flags: str) -> Loaded:
    (directory / "modgate.toml").write_text(toml)
    given = {"upstream": "off", "data": "/data", "checksum": "sum.golang.org", "private": "", **flags}
    return load(Sources(given, {}, directory=directory))


def test_as_a_table_it_is_our_own_one(tmp_path: Path) -> None:
    own = loaded(tmp_path, NAMED + 'witness = "/mnt/head"\nkey = "env:OUR_KEY"\n').settings.own_database
    assert (own.name, own.witness, own.key, own.listen) == (
        "sum.corp.example/db", "/mnt/head", "env:OUR_KEY", "off",
    )  # fmt: skip
    assert loaded(tmp_path, NAMED.replace("checksum", "own")).settings.own_database.name == own.name


def test_as_a_list_it_is_what_is_passed_through(tmp_path: Path) -> None:
    found = loaded(tmp_path, 'checksum_database = ["sum.other.example"]\n')
    assert [spec.name for spec in found.meaning.databases] == ["sum.golang.org", "sum.other.example"]
    assert not found.settings.own_database.name


def test_both_stand_side_by_side_under_two_names(tmp_path: Path) -> None:
    toml = 'checksum_database = ["sum.other.example"]\n[own_database]\nname = "sum.corp.example"\n'
    found = loaded(tmp_path, toml)
    assert found.settings.own_database.name == "sum.corp.example"
    assert [spec.name for spec in found.meaning.databases] == ["sum.golang.org", "sum.other.example"]
    flag = loaded(tmp_path, NAMED, checksum_database="sum.other.example")
    assert [spec.name for spec in flag.meaning.databases] == ["sum.golang.org", "sum.other.example"]


def test_a_slip_in_the_table_is_told_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"own_database\.nam: there is no such setting; did you mean own_database\.n"):
        loaded(tmp_path, '[checksum_database]\nnam = "x"\n')


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        ('name = "sum corp"', "own_database.name: malformed checksum database"),
        ('name = "sum.corp.example https://x.example"', "own_database.name: 'sum.corp.example https://x.example' is m"),
        ('name = "sum.golang.org"', "own_database.name: sum.golang.org is passed through too"),
        ('name = "a.example"\nwitness = "http://w.example/head"', "own_database.witness: its URL has to be https"),
        ('name = "a.example"\nwitness = "s3://bucket/head"', "own_database.witness: its URL is neither https nor http"),
        ('name = "a.example"\nwitness = "https://w.example"', "own_database.witness: its URL names no place"),
        ('name = "a.example"\nwitness = "https:/w.example/x"', "own_database.witness: it is no URL"),
        ('name = "a.example"\nwitness = "https://w.example/a b"', "own_database.witness: it is no URL"),
        ('name = "a.example"\nlisten = "nowhere"', "own_database.listen: 'nowhere' is no address"),
        ('name = "a.example"\nlisten = "127.0.0.1:8080"', "own_database.listen: 127.0.0.1:8080 is another port"),
        ('listen = "127.0.0.1:9"', "own_database.listen: there is no database to serve"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, toml: str, problem: str) -> None:
    with pytest.raises(SetupError) as told:
        loaded(tmp_path, f"[checksum_database]\n{toml}\n")
    assert str(told.value).startswith(problem)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/mnt/head", "/mnt/head"),
        ("https://user:secret@w.example/head?sig=secret", "https://w.example/head"),
        ("http://127.0.0.1:9/head", "http://127.0.0.1:9/head"),
        ("http://[::1]:9/head", "http://[::1]:9/head"),
    ],
)
def test_a_witness_is_a_file_or_a_url_and_its_secrets_are_not_shown(tmp_path: Path, text: str, shown: str) -> None:
    witness = loaded(tmp_path, f'{NAMED}witness = "{text}"\n').meaning.own_witness
    assert witness is not None
    assert witness.shown == shown
    assert text in (witness.url, str(witness.file))
    assert "secret" not in repr(witness)
    given = ("--upstream", "off", "--checksum", "off", "--data", str(tmp_path / "data"), "--set")
    checked = run("check", *given, f"own_database.witness={text}")
    assert shown in checked.stdout, checked.stderr
    assert "secret" not in checked.stdout + checked.stderr


def test_several_workers_need_one_port(tmp_path: Path) -> None:
    toml = NAMED + 'listen = "127.0.0.1:0"\n'
    assert loaded(tmp_path, toml).meaning.own_listen is not None
    given = {"upstream": "off", "workers": "2"}
    problems = examine(Sources(given, {"HOME": "/home"}, directory=tmp_path)).problems
    assert any("any free port would be another one in each worker" in str(problem) for problem in problems)
