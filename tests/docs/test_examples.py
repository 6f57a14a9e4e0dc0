"""What a page tells people to type, or to put into a file, is understood."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from modgate.cli.app import make_app
from modgate.settings.load import Sources, examine
from tests.docs.pages import ROOT, blocks, pages, shown, spans


def settings_files() -> Iterator[tuple[str, str]]:
    """Every settings file in a page."""
    for page in pages():
        for number, (language, content) in enumerate(blocks(page.read_text(encoding="utf-8"))):
            if language == "toml":
                yield f"{shown(page)}-{number}", content


def command_lines(program: str) -> Iterator[tuple[str, str]]:
    """Every line in a page that runs `program`, without its comment."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        lines = [line for _, content in blocks(text) for line in content.splitlines()]
        for line in [*lines, *spans(text)]:
            if line.strip().startswith(f"{program} "):
                yield shown(page), re.sub(r"\s+#.*", "", line.strip())


@pytest.mark.parametrize("content", [pytest.param(content, id=name) for name, content in settings_files()])
def test_settings_files_are_accepted(content: str, tmp_path: Path) -> None:
    file = tmp_path / "modgate.toml"
    file.write_text(content, encoding="utf-8")
    examined = examine(Sources({}, {"HOME": "/home/gopher"}, file, go_env=lambda _: {}))
    assert [str(problem) for problem in examined.problems] == []


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines("modgate"))))
def test_modgate_commands_exist_with_these_flags(page: str, line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    app = make_app()
    if not re.fullmatch(r"[a-z]+", name):
        return  # `modgate --help`, or the name of a command in general
    command = app.commands.get(name)
    assert command is not None, f"{page}: there is no command {name}"
    arguments = [word for word in arguments if not word.startswith("[")]
    command.parse_args(click.Context(command, info_name=name), arguments)


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines("make"))))
def test_make_targets_exist(page: str, line: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    goal = shlex.split(line)[1]
    assert re.search(rf"^{re.escape(goal)}:", makefile, re.MULTILINE), f"{page}: make {goal}"
