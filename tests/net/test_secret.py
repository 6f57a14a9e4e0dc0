"""A secret is had from where the setting says, as it is now, and nothing but the setting's name is told of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from modgate.errors import Malformed, Unavailable
from modgate.net import secret as module
from modgate.net.secret import Command, secret

NAME = "host[1].password"


async def read(text: str, **environ: str) -> str:
    return await secret(text, NAME, environ).read()


async def trouble(text: str, **environ: str) -> str:
    with pytest.raises(Unavailable) as caught:
        await read(text, **environ)
    assert caught.value.reason.startswith(f"the setting {NAME} cannot be used: ")
    return caught.value.reason.partition("used: ")[2]


def program(tmp_path: Path, text: str) -> str:
    """A command that runs a line of Python."""
    file = tmp_path / "program.py"
    file.write_text(text, encoding="utf-8")
    return f"command:{sys.executable} -I '{file}'"


async def test_where_secrets_come_from(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("s3cr3t \r\n", encoding="utf-8")
    assert await read("s3cr3t") == "s3cr3t"
    assert await read("https://s3cr3t:x") == "https://s3cr3t:x"
    assert await read("env:TOKEN", TOKEN="s3cr3t") == "s3cr3t"
    assert await read(f"file:{file}") == "s3cr3t "
    assert await read(program(tmp_path, "print('a' + 'b')")) == "ab"


async def test_a_command_has_our_environment_and_its_quotes(tmp_path: Path) -> None:
    command = program(tmp_path, "import os, sys; print(os.environ['WHO'], sys.argv[1])")
    assert await read(f'{command} "two words"', WHO="me") == "me two words"


async def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    held = secret(f"file:{file}", NAME, {})
    for text in ("one", "two"):
        file.write_text(text, encoding="utf-8")
        assert await held.read() == text


async def test_what_cannot_be_had_is_told_by_its_setting(tmp_path: Path) -> None:
    empty, large, odd = (tmp_path / name for name in ("empty", "large", "odd"))
    empty.write_text("\n", encoding="utf-8")
    large.write_bytes(b"s3cr3t" * 20_000)
    odd.write_bytes(b"s3cr3t\xff")
    assert await trouble("env:TOKEN") == "its environment variable is not set"
    assert await trouble(f"file:{tmp_path}/none") == "no such file or directory"
    assert await trouble(f"file:{empty}") == "it is empty"
    assert await trouble(f"file:{large}") == "it has more than 65536 bytes"
    assert await trouble(f"file:{odd}") == "it is no text"
    assert await trouble("command:/no/such/program") == "no such file or directory"
    assert await trouble(program(tmp_path, "print('s3cr3t'); exit(3)")) == "its command ended with status 3"
    assert await trouble(program(tmp_path, "while True: print('s3cr3t' * 1000)")) == "it has more than 65536 bytes"


async def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
    words = program(tmp_path, child).removeprefix("command:").replace("'", "").split()
    with pytest.raises(Unavailable, match=r"did not end within 0\.5 s"):
        await Command(words, NAME, {}, seconds=0.5).read()


async def test_a_command_runs_once_for_many_and_again_after_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    held = secret(program(tmp_path, f"open({str(log)!r}, 'a').write('.'); print('x')"), NAME, {})
    assert await asyncio.gather(*(held.read() for _ in range(5))) == ["x"] * 5
    held.renew()  # it is too new: a host that refuses everything must not start it for each request
    await held.read()
    assert log.read_text(encoding="utf-8") == "."
    monkeypatch.setattr(module, "RENEWAL", -1.0)
    held.renew()
    await held.read()
    assert log.read_text(encoding="utf-8") == ".."
    monkeypatch.setattr(module, "COMMAND_AGE", -1.0)
    await held.read()
    assert log.read_text(encoding="utf-8") == "..."


@pytest.mark.parametrize("text", ["env:", "file: ", "command:", "command:x 'y"])
def test_a_secret_without_a_place_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        secret(text, NAME, {})


def test_no_secret_is_in_a_repr() -> None:
    assert "s3cr3t" not in repr([secret(text, NAME, {"A": "s3cr3t"}) for text in ("s3cr3t", "env:A")])
