"""`modgate --help` is the tour; wrong usage ends with 2."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from modgate import __version__
from modgate.cli.app import make_app
from modgate.cli.flags import FLAGS, REPEATABLE
from modgate.settings.fields import all_fields
from tests.cli.command import run


def test_help_shows_every_command() -> None:
    shown = run("--help")
    assert shown.returncode == 0
    assert all(f"\n  {command} " in shown.stdout for command in ("serve", "check", "health"))


def test_help_imports_no_library_that_only_a_command_needs() -> None:
    code = "import sys; from modgate.cli import main\ntry: main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'asyncio', 'aiohttp', 'msgspec', 'sqlalchemy', 'ssl', 'uvicorn'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_package() -> None:
    shown = run("--version")
    assert (shown.returncode, shown.stdout) == (0, f"modgate {__version__}\n")


@pytest.mark.parametrize(
    "arguments", [("nonsense",), ("serve", "--nonsense"), ("serve", "--listen"), ("check", "extra")]
)
def test_wrong_usage_ends_with_two_and_no_traceback(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr


def test_every_top_level_setting_has_a_flag() -> None:
    top_level = [name for name in all_fields() if "." not in name]
    assert [name for name, _, _ in FLAGS] == top_level
    assert {name for name in top_level if all_fields()[name].kind == tuple[str, ...]} == REPEATABLE


@pytest.mark.parametrize("command", ["serve", "check"])
def test_serve_and_check_take_the_same_flags(command: str) -> None:
    shown = run(command, "--help").stdout
    for name, _, _ in FLAGS:
        assert f"  --{name.replace('_', '-')} " in shown
    assert "  --config FILE " in shown
    assert "  --set NAME=VALUE " in shown


def test_every_command_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/commands.md").read_text(encoding="utf-8")
    documented = re.findall(r"^## modgate (\w+)", page, re.MULTILINE)
    assert sorted(documented) == sorted(make_app().commands)
