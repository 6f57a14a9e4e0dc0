"""`modgate check` tells every problem in one line, or shows what a start would use."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.cli.command import run


def check(tmp_path: Path, *arguments: str, **environ: str) -> tuple[int, list[str], list[str]]:
    variables = {"MODGATE_DATA": str(tmp_path), "MODGATE_LISTEN": "127.0.0.1:0", "MODGATE_ADMIN": "off", **environ}
    done = run("check", *arguments, environ=variables, directory=tmp_path)
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


def test_good_settings_are_shown_with_their_origins(tmp_path: Path) -> None:
    (tmp_path / "modgate.toml").write_text("upstream = 'off'\n[limits]\nzip = '100MiB'\n", encoding="utf-8")
    code, shown, problems = check(tmp_path, "--set", "deadlines.connect=2", "--log-level", "debug")
    assert (code, problems) == (0, [])
    rows = {row[0]: row[1:] for line in shown if len(row := re.split(r" {2,}", line)) == 3}
    assert rows["upstream"] == ["off", "file"]
    assert rows["limits.zip"] == ["100MiB", "file"]
    assert rows["deadlines.connect"] == ["2s", "flag"]
    assert rows["log_level"] == ["debug", "flag"]
    assert rows["admin"] == ["off", "environment"]
    assert rows["drain_time"] == ["30s", "default"]
    assert "limits.mod" not in rows


def test_every_problem_is_one_line_that_names_the_setting_and_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, shown, problems = check(
            tmp_path, "--upstream", "off", "--listen", address, "--access-log", "/no/such/log"
        )
    assert (code, shown) == (2, [])
    assert problems == [
        f"listen: {address} is in use; stop what listens there, or give another port",
        "access_log: cannot write /no/such/log: No such file or directory; name a writable file, - or off",
    ]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--set", "limits.zipp=1"), "limits.zipp: there is no such setting; did you mean limits.zip?"),
        (
            ("--set", "limits.zip"),
            "modgate: --set: 'limits.zip' has no value; write NAME=VALUE, such as limits.zip=1GiB",
        ),
        (("--set", "limits.zip=much"), "limits.zip: 'much' is no size; write a whole number and one of B, KiB, MiB"),
        (("--config", "missing.toml"), "config: cannot read missing.toml: No such file or directory; name a readable"),
        (("--set", "git.vcs=git"), "git.vcs: malformed GOVCS value"),
        (("--data", "/proc/self/x"), "data: cannot write into /proc/self/x: "),
        # TEST-NET-3 of RFC 5737 belongs to nobody, and an empty label is refused before any name server is asked.
        (
            ("--listen", "203.0.113.1:80"),
            "listen: cannot listen on 203.0.113.1:80: Cannot assign requested address; give",
        ),
        (("--listen", "a..b:80"), "listen: 'a..b' is no address of this machine; give one, such as 127.0.0.1:8080"),
    ],
)
def test_a_wrong_setting_ends_with_two(tmp_path: Path, arguments: tuple[str, ...], problem: str) -> None:
    code, _, problems = check(tmp_path, "--upstream", "off", *arguments)
    assert code == 2
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_a_missing_upstream_says_which_setting_to_give(tmp_path: Path) -> None:
    code, _, problems = check(tmp_path)
    assert code == 2
    assert problems == ["upstream: is not set, and there is no GOPROXY and no go command; give a proxy: --upstream URL"]


def test_credentials_are_not_shown(tmp_path: Path) -> None:
    upstream = "http://user:s3cr3t@a.example,user:s3cr3t@b.example/go,direct"
    code, shown, warnings = check(
        tmp_path, "--upstream", upstream, "--checksum", "sum.golang.org https://user:s3cr3t@c.example"
    )
    everything = "\n".join(shown + warnings)
    assert code == 0
    assert "s3cr3t" not in everything
    assert "http://a.example,https://b.example/go,direct " in everything
    assert "sum.golang.org https://c.example " in everything
    assert len(warnings) == 1


def test_serve_tells_a_wrong_setting_in_one_line_and_ends_with_two(tmp_path: Path) -> None:
    done = run("serve", "--upstream", "off", "--listen", "nowhere", directory=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "modgate: listen: 'nowhere' is no address; write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080\n"
    )
