"""A flag wins over the environment, the environment over the file, and the file over the default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from modgate.errors import SetupError
from modgate.settings.fields import all_fields
from modgate.settings.load import Sources, examine, load
from tests.settings.sources import sources, told

MIB = 1024 * 1024


def written(directory: Path, text: str) -> Path:
    file = directory / "modgate.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("flag", "variable", "file", "size", "origin"),
    [
        ("4MiB", "3MiB", 'zip = "2MiB"', 4 * MIB, "flag"),
        (None, "3MiB", 'zip = "2MiB"', 3 * MIB, "environment"),
        (None, "", 'zip = "2MiB"', 2 * MIB, "file"),  # an empty variable is not set
        (None, None, "zip = 2097152", 2 * MIB, "file"),
        (None, None, "", 500 * MIB, "default"),
    ],
)
def test_the_strongest_source_wins(
    tmp_path: Path, flag: str | None, variable: str | None, file: str, size: int, origin: str
) -> None:
    flags = {} if flag is None else {"limits.zip": flag}
    environ = {} if variable is None else {"MODGATE_LIMITS_ZIP": variable}
    loaded = load(sources(flags, environ, file=written(tmp_path, f"[limits]\n{file}\n")))
    assert loaded.settings.limits.zip == size
    assert loaded.origins["limits.zip"] == origin


def test_every_setting_can_come_from_a_variable_and_from_a_flag_and_knows_its_origin() -> None:
    special = {"listen": ":1", "admin": "off", "tls_cert": "/c", "tls_key": "/k", "base_path": "/go"}
    special |= {"trusted_proxies": "10.0.0.0/8", "checksum_database": "sum.corp.example", "upstream": "off"}
    special |= {"checksum": "off", "log_format": "json", "log_level": "debug", "data": "/data", "private": "rsc.io"}
    special |= {"access_log": "off", "limits.spool": "20GiB", "no_checksum": "rsc.io"}
    special |= {"git.private_hosts": "10.0.0.0/8", "git.insecure": "rsc.io"}
    special |= {"own_database.name": "a.example", "own_database.key": "/key", "own_database.witness": "/witness"}
    special |= {"netrc": "/netrc", "health_check.path": "/healthz", "health_check.header": "X-Mirror-Status: ok"}
    texts = {}
    for name, field in all_fields().items():
        texts[name] = special.get(name) or field.show(field.default)
    by_flag = load(Sources(texts, {}))
    by_variable = load(Sources({}, {all_fields()[name].variable: text for name, text in texts.items()}))
    assert by_flag.settings == by_variable.settings
    assert by_flag.settings.data == Path("/data")
    assert set(by_flag.origins.values()) == {"flag"}
    assert set(by_variable.origins.values()) == {"environment"}


def test_lists_are_separated_by_commas_or_given_repeatedly(tmp_path: Path) -> None:
    expected = ("10.0.0.0/8", "192.168.1.1")
    file = written(tmp_path, 'trusted_proxies = ["10.0.0.0/8", "192.168.1.1"]')
    assert load(sources({"trusted_proxies": expected})).settings.trusted_proxies == expected
    assert (
        load(sources(environ={"MODGATE_TRUSTED_PROXIES": "10.0.0.0/8, 192.168.1.1"})).settings.trusted_proxies
        == expected
    )
    assert load(sources(file=file)).settings.trusted_proxies == expected


def test_groups_that_share_a_shape_keep_their_own_defaults() -> None:
    freshness = load(sources({"freshness.private.fresh": "1s", "freshness.private.stale": "1s"})).settings.freshness
    assert (freshness.public.fresh, freshness.private.fresh, freshness.private.keep) == (60.0, 1.0, 30 * 86400.0)


def test_every_age_and_deadline_goes_down_to_one_second() -> None:
    names = [name for name in all_fields() if name.startswith(("freshness.", "deadlines."))]
    loaded = load(sources(dict.fromkeys(names, "1s")))
    assert {all_fields()[name].value_in(loaded.settings) for name in names} == {1.0}


@pytest.mark.parametrize(
    ("flags", "environ", "meant"),
    [
        ({"limits.zipp": "1"}, {}, "limits.zip"),
        ({}, {"MODGATE_LIMITS_ZIPP": "1"}, "MODGATE_LIMITS_ZIP"),
        ({}, {"MODGATE_LISTN": ""}, "MODGATE_LISTEN"),  # a slip even where it is empty
    ],
)
def test_a_slip_of_the_pen_is_refused_with_the_name_that_was_meant(
    flags: dict[str, str], environ: dict[str, str], meant: str
) -> None:
    (problem,) = examine(sources(flags, environ)).problems
    assert (problem.problem, problem.remedy) == ("there is no such setting", f"did you mean {meant}?")


@pytest.mark.parametrize(
    ("text", "field", "remedy"),
    [
        ("[limit]\nzip = 1", "limit", "did you mean limits?"),
        ("[limits]\nzipp = 1", "limits.zipp", "did you mean limits.zip?"),
        ("listn = 'x'", "listn", "did you mean listen?"),
        ("qqqq = 'x'", "qqqq", "remove it; docs/reference/settings.md lists all settings"),
        ("limits = 5", "limits", "write [limits] and settings below it"),
        ("[freshness]\nfresh = 1", "freshness.fresh", "did you mean freshness.public.fresh?"),
        ("[limits]\nzip = true", "limits.zip", "give bytes, or a text such as 500MiB"),
        ("[limits]\nzip = 1.5", "limits.zip", "give bytes, or a text such as 500MiB"),
        ("[deadlines]\ntotal = []", "deadlines.total", "give seconds, or a text such as 60s"),
        ("[breaker]\nfailures = '3'", "breaker.failures", "give a whole number"),
        ("listen = 8080", "listen", "give a text"),
        ("tls_cert = ''", "tls_cert", "give a text that is not empty"),
        ("trusted_proxies = '10.0.0.0/8'", "trusted_proxies", "give a list of texts"),
        ("log_level = 'loud'", "log_level", "give one of debug, info, warning, error"),
        ("drain_time = '1 week'", "drain_time", "write a number and one of ms, s, m, h, d, such as 60s"),
        ("[limits]\nzip = 1", "limits.zip", "give 1MiB to 4GiB"),
        ("[deadlines]\nconnect = 0.5", "deadlines.connect", "give 1s to 1h"),
        ("[freshness.public]\nkeep = nan", "freshness.public.keep", "give 0s to 400d"),
        ("[freshness.public]\nkeep = -1", "freshness.public.keep", "give 0s to 400d"),
    ],
)
def test_what_is_wrong_in_the_file_is_named_with_a_remedy(tmp_path: Path, text: str, field: str, remedy: str) -> None:
    problem = examine(sources(file=written(tmp_path, text))).problems[0]
    assert (problem.field, problem.remedy) == (field, remedy)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"listen = ", "is no TOML: Invalid value (at end of document)"),
        (b"\xff", "is not UTF-8 text"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)
    assert told(examine(sources(file=file)))[0].startswith(f"config: {file} {said}")


def test_a_named_file_has_to_be_there_and_the_usual_one_need_not(tmp_path: Path) -> None:
    assert examine(sources(directory=tmp_path)).problems == ()
    missing = told(examine(sources(environ={"MODGATE_CONFIG": "x.toml"}, directory=tmp_path)))
    assert missing == [f"config: cannot read {tmp_path}/x.toml: No such file or directory; name a readable file"]


def test_the_file_is_the_named_one_else_that_of_the_environment_else_the_usual_one(tmp_path: Path) -> None:
    for name in ("modgate", "environ", "flag"):
        (tmp_path / f"{name}.toml").write_text(f"base_path = '/{name}'", encoding="utf-8")
    usual = sources(directory=tmp_path)
    by_variable = sources(environ={"MODGATE_CONFIG": "environ.toml"}, directory=tmp_path)
    by_flag = replace(by_variable, config=Path("flag.toml"))
    found = [load(where).settings.base_path for where in (usual, by_variable, by_flag)]
    assert found == ["/modgate", "/environ", "/flag"]


def test_as_many_problems_as_possible_are_found_at_once() -> None:
    flags = {"listen": "x", "limits.zip": "1", "nonsense": ""}
    examined = examine(Sources(flags, {"MODGATE_TYPO": "1"}, go_env=lambda _: {}))
    fields = [problem.field for problem in examined.problems]
    assert fields == ["MODGATE_TYPO", "nonsense", "limits.zip", "data", "upstream", "listen"]


def test_load_stops_at_the_first_problem() -> None:
    with pytest.raises(SetupError, match="listen: 'x' is no address"):
        load(sources({"listen": "x"}))
