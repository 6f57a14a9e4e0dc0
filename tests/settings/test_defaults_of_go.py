"""Where nothing else is said, modgate uses what this machine's Go uses."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from modgate.settings.golang import read_go_env
from modgate.settings.load import Sources, examine, load


def with_go(go: Mapping[str, str], environ: Mapping[str, str] | None = None, **flags: str) -> Sources:
    return Sources(flags, {"HOME": "/home/gopher", **(environ or {})}, None, Path("/nonexistent"), lambda _: go)


ENV = {"GOPROXY": "https://a.example", "GOSUMDB": "off", "GOPRIVATE": "*.corp.example", "GONOPROXY": "rsc.io/x"}


def test_upstream_checksum_and_private_come_from_go_env() -> None:
    loaded = load(with_go(ENV))
    assert loaded.settings.upstream == "https://a.example"
    assert loaded.settings.checksum == "off"
    assert loaded.settings.private == "*.corp.example,rsc.io/x"
    assert {loaded.origins[name] for name in ("upstream", "checksum", "private")} == {"go env"}


def test_the_environment_of_go_wins_over_its_settings() -> None:
    loaded = load(with_go(ENV, {"GOPROXY": "https://b.example", "GONOPROXY": "rsc.io/y", "GOSUMDB": ""}))
    assert loaded.settings.upstream == "https://b.example"
    assert loaded.settings.private == "*.corp.example,rsc.io/y"
    assert loaded.settings.checksum == "off"  # an empty variable is none


def test_a_pattern_in_both_variables_is_one() -> None:
    both = {**ENV, "GOPRIVATE": "a.example,b.example", "GONOPROXY": "b.example,c.example"}
    assert load(with_go(both)).settings.private == "a.example,b.example,c.example"


@pytest.mark.parametrize(
    ("go", "flags", "chain"),
    [
        ({"GOPROXY": "https://a.example,direct"}, {}, ["direct"]),
        ({"GOPROXY": "https://a.example"}, {}, ["https://a.example"]),
        ({"GOPROXY": "https://a.example,direct"}, {"private": "*.corp.example"}, ["https://a.example", "direct"]),
        ({}, {"upstream": "https://b.example,direct"}, ["https://b.example", "direct"]),
    ],
    ids=["both are Go's", "Go reads nothing directly", "private is ours", "the chain is ours"],
)
def test_private_modules_are_read_directly_where_go_itself_would_do_so(
    go: Mapping[str, str], flags: Mapping[str, str], chain: list[str]
) -> None:
    root = load(with_go({**ENV, **go}, None, **flags)).meaning.views[""]
    assert [link.url for link in root.of("git.corp.example/tools").chain] == chain
    assert root.of("git.corp.example/tools").private
    assert not root.of("example.com/public").private
    assert (
        root.of("example.com/public").chain[0].url == {**go, **flags}.get("upstream", "https://a.example").split(",")[0]
    )


def test_our_own_settings_win_over_go() -> None:
    loaded = load(with_go(ENV, {"MODGATE_PRIVATE": "mine.example"}, upstream="off", checksum="sum.golang.org"))
    assert (loaded.settings.upstream, loaded.settings.private) == ("off", "mine.example")
    assert loaded.origins["private"] == "environment"


def test_go_is_not_asked_for_what_is_known() -> None:
    def never(_: Mapping[str, str]) -> Mapping[str, str]:
        raise AssertionError("go was asked")

    told = {"upstream": "off", "checksum": "off", "private": ""}
    assert load(Sources(told, {"HOME": "/home/gopher"}, None, Path("/nonexistent"), never)).settings.private == ""
    assert (
        load(Sources({}, {"HOME": "/home/gopher", **ENV}, None, Path("/nonexistent"), never)).settings.checksum == "off"
    )


def test_without_go_and_without_a_setting_there_is_no_start() -> None:
    (problem,) = examine(with_go({})).problems
    assert (
        str(problem) == "upstream: is not set, and there is no GOPROXY and no go command; give a proxy: --upstream URL"
    )


def test_without_go_the_checksum_database_is_the_public_one() -> None:
    loaded = load(with_go({}, upstream="off"))
    assert [spec.name for spec in loaded.meaning.databases] == ["sum.golang.org"]


@pytest.mark.parametrize(
    ("environ", "data"),
    [
        ({"HOME": "/home/gopher"}, "/home/gopher/.local/share/modgate"),
        ({"HOME": "/home/gopher", "XDG_DATA_HOME": "/var/data"}, "/var/data/modgate"),
        ({"HOME": "/home/gopher", "XDG_DATA_HOME": "relative"}, "/home/gopher/.local/share/modgate"),
    ],
)
def test_the_data_directory_is_that_of_xdg(environ: Mapping[str, str], data: str) -> None:
    assert load(Sources({"upstream": "off"}, environ, go_env=lambda _: {})).settings.data == Path(data)


def a_go_that(directory: Path, script: str) -> dict[str, str]:
    """The environment of a machine whose `go` is a script."""
    program = directory / "go"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "go1.99"}


def test_go_is_run_in_a_neutral_place(tmp_path: Path) -> None:
    report = '''printf '{"GOPROXY": "%s %s %s %s"}' "$PWD" "$GOFLAGS" "$GOTOOLCHAIN" "$*"'''
    said = read_go_env(a_go_that(tmp_path, report))
    assert said == {"GOPROXY": "/  local env -json GOPROXY GOSUMDB GOPRIVATE GONOPROXY"}


@pytest.mark.parametrize("script", ["exit 1", "echo no json", "echo '[]'", "kill -9 $$", """echo '{"GOPROXY": 1}'"""])
def test_a_go_that_does_not_answer_is_no_go(tmp_path: Path, script: str) -> None:
    assert read_go_env(a_go_that(tmp_path, script)) == {}


def test_a_machine_without_go_has_no_go(tmp_path: Path) -> None:
    assert read_go_env({"PATH": str(tmp_path)}) == {}


@pytest.mark.parametrize("set_to", ["http://127.0.0.1:8080", "http://localhost:8080/,direct"])
def test_a_go_that_was_pointed_at_this_gateway_is_no_upstream_for_it(set_to: str) -> None:
    """The second `make serve`, after the line that the first one printed."""

    def go(environ: Mapping[str, str]) -> Mapping[str, str]:
        return {**ENV, "GOPROXY": "https://default.example,direct" if environ.get("GOENV") == "off" else set_to}

    loaded = load(Sources({}, {"HOME": "/home/gopher"}, None, Path("/nonexistent"), go))
    assert [link.url for link in loaded.meaning.chain] == ["https://default.example", "direct"]
    assert "Go's own default is used" in loaded.warnings[0]


def test_an_upstream_that_was_given_and_is_this_gateway_is_an_error() -> None:
    examined = examine(with_go(ENV, upstream="http://127.0.0.1:8080"))
    assert [problem.field for problem in examined.problems] == ["upstream"]
