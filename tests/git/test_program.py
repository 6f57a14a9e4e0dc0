"""Git runs within bounds, without this machine's settings, and never takes what comes from outside for an option."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from modgate.errors import Absent, Forbidden, GatewayError, Trouble, Unavailable
from modgate.source.git.access import Access
from modgate.source.git.meaning import is_redirect, is_unclear, last_words, meaning
from modgate.source.git.program import Bounds, Git, GitFailed
from tests.git.asking import Asking
from tests.git.forge import HOST, tree
from tests.git.repositories import Repo


def program(tmp_path: Path, script: str = "", bounds: Bounds | None = None) -> Git:
    """Git, or a shell script in its place."""
    home = tmp_path / "home"
    home.mkdir()
    path = os.environ["PATH"]
    if script:
        fake = tmp_path / "bin/git"
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\n{script}\n")
        fake.chmod(0o755)
        path = f"{fake.parent}:{path}"
    return Git(home, bounds or Bounds(), {"PATH": path})


async def test_a_git_that_hangs_is_ended_with_all_its_helpers(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    git = program(tmp_path, f"sleep 600 & echo $! $$ > {pids}; wait", Bounds(seconds=0.3))
    with pytest.raises(Unavailable) as caught:
        await git.run(tmp_path, "fetch")
    assert caught.value.trouble is Trouble.TIMEOUT
    for pid in pids.read_text().split():
        assert _has_ended(int(pid))


async def test_a_git_whose_asker_goes_away_is_ended(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    git = program(tmp_path, f"echo $$ > {pids}; sleep 600")
    running = asyncio.create_task(git.run(tmp_path, "fetch"))  # noqa: TID251  # cancelled and awaited right below
    while not pids.exists() or not pids.read_text():
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert _has_ended(int(pids.read_text()))


async def test_more_output_than_allowed_is_not_read(tmp_path: Path) -> None:
    git = program(tmp_path, "yes", Bounds(output=100_000))
    with pytest.raises(Unavailable, match="100000 bytes"):
        await git.run(tmp_path, "ls-remote")


async def test_memory_and_files_are_limited(tmp_path: Path) -> None:
    git = program(tmp_path, "ulimit -v; ulimit -f; ulimit -c", Bounds(memory=512 << 20, file=1 << 20))
    assert (await git.run(tmp_path, "fetch")).decode().split() == [str(512 << 10), str((1 << 20) >> 9), "0"]


async def test_only_so_many_run_at_once(tmp_path: Path) -> None:
    script = f"mkdir {tmp_path}/one || exit 9; sleep 0.05; rmdir {tmp_path}/one"
    git = program(tmp_path, script, Bounds(at_once=1, fetches=1))
    # The second of two at once would find the folder there, and end with 9.
    assert await asyncio.gather(*(git.run(tmp_path, "fetch") for _ in range(4))) == [b""] * 4


async def test_nothing_of_this_machine_reaches_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    monkeypatch.setenv("SECRET", "x")
    told = (await program(tmp_path, "env").run(tmp_path, "fetch")).decode()
    environ = dict(line.split("=", 1) for line in told.splitlines() if "=" in line)
    assert "SECRET" not in environ and "GIT_SSL_NO_VERIFY" not in environ
    assert environ["HOME"] == str(tmp_path / "home")
    assert environ["GIT_CONFIG_GLOBAL"] == "/dev/null" and environ["GIT_CONFIG_NOSYSTEM"] == "1"
    assert environ["GIT_TERMINAL_PROMPT"] == "0" and environ["GIT_ALLOW_PROTOCOL"] == "none"


@pytest.mark.parametrize("protocol", ["ext", "file", "git", "http", "fd"])
async def test_other_protocols_than_those_allowed_are_refused_by_git_itself(tmp_path: Path, protocol: str) -> None:
    marker = tmp_path / "marker"
    urls = {"ext": f"ext::sh -c 'touch {marker}'", "fd": "fd::17"}
    url = urls.get(protocol, f"{protocol}://127.0.0.1/x")
    with pytest.raises(GitFailed, match="not allowed") as caught:
        await program(tmp_path).run(tmp_path, "ls-remote", "--end-of-options", url, access=Access(("https", "ssh")))
    assert isinstance(meaning(caught.value.text, url), Forbidden)
    assert not marker.exists()


@pytest.mark.parametrize(
    "query",
    [
        "--upload-pack=touch${IFS}x",
        "-x",
        "--help",
        "HEAD@{1}",
        "HEAD~1",
        "HEAD^{tree}",
        "main:go.mod",
        ":/change",
        "v1.0.0..main",
        "refs@heads",
        "abcdef0^{commit}",
        "@",
        "FETCH_HEAD",
        "$(id)",
        "a b",
    ],
)
async def test_a_query_is_the_name_of_a_tag_or_branch_or_a_commit_and_nothing_else(tmp_path: Path, query: str) -> None:
    repo = Repo(tmp_path / "acme/m")
    repo.commit(tree("m"), "v1.0.0")
    repo.commit(tree("m", a__go="package m\n"))
    repo.save()
    asking = Asking(tmp_path / "ours", HOST, tmp_path / "acme")
    with pytest.raises(Absent):
        await asking.info(f"{HOST}/m", query)
    told = [argument for run in asking.git.runs for argument in run]
    assert query not in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fatal: repository 'https://git.example/m/' not found", Absent),
        ("remote: Repository not found.\nfatal: repository 'https://x.example/' not found", Absent),
        ("fatal: could not read Username for 'https://x.example': terminal prompts disabled", Absent),
        ("fatal: '/srv/m' does not appear to be a git repository", Absent),
        ("fatal: unable to access 'https://x.example/': The requested URL returned error: 404", Absent),
        # A repository may be named for what it is about.
        ("fatal: repository 'https://git.example/openssl/x509-timeout/' not found", Absent),
        ("fatal: 'tls/certificate' does not appear to be a git repository", Absent),
        ("fatal: unable to access 'https://x.example/': Could not resolve host: x.example", Unavailable),
        ("ssh: connect to host x.example port 22: Connection timed out", Unavailable),
        ("fatal: unable to access 'https://x.example/': Failed to connect to x.example port 443", Unavailable),
        ("fatal: unable to access 'https://x.example/': SSL certificate problem: expired", Unavailable),
        ("fatal: unable to access 'https://x.example/': The requested URL returned error: 503", Unavailable),
        ("fatal: unable to access 'https://x.example/': The requested URL returned error: 403", Unavailable),
        ("git@x.example: Permission denied (publickey).\nfatal: Could not read from remote repository.", Unavailable),
        ("fatal: Authentication failed for 'https://x.example/'", Unavailable),
        ("fatal: early EOF\nfatal: fetch-pack: invalid index-pack output", Unavailable),
        ("fatal: the remote end hung up unexpectedly", Unavailable),
        # A lost connection may also be said to be no repository.
        (
            "ssh: connect to host x port 22: Connection refused\nfatal: 'x' does not appear to be a git repository",
            Unavailable,
        ),
        ("fatal: something that nobody has ever seen", Unavailable),
        ("", Unavailable),
        ("fatal: transport 'file' not allowed", Forbidden),
    ],
)
def test_what_git_says_is_never_taken_for_absence_by_mistake(text: str, expected: type[GatewayError]) -> None:
    assert isinstance(meaning(text, "https://x.example"), expected)


def test_what_git_says_is_shown_without_credentials() -> None:
    words = last_words("warning: x\nfatal: unable to access 'https://user:secret@x.example/m/': \x1b[31mno\n")
    assert words == "fatal: unable to access 'https://x.example/m/': [31mno"


def test_redirects_and_texts_that_nobody_knows_are_told_apart() -> None:
    moved = "fatal: unable to access 'https://x.example/': The requested URL returned error: 301"
    assert is_redirect(moved) and not is_unclear(moved)
    assert is_unclear("fatal: remote error: upload-pack: not our ref abc")
    assert is_unclear("fatal: couldn't find remote ref abc in 'https://git.example/openssl/m'")


def _has_ended(pid: int) -> bool:
    """Whether a process is gone; the kernel may take a moment to say so of one that was killed."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


async def test_a_host_that_hangs_keeps_nobody_from_another_one_or_from_what_is_here(tmp_path: Path) -> None:
    script = 'if test "$1" = hang; then sleep 600; fi'
    git = program(tmp_path, script, Bounds(at_once=1, fetches=3, fetches_per_host=1, seconds=60))
    slow, well = Access(("https",), lane="slow.example"), Access(("https",), lane="well.example")
    async with asyncio.TaskGroup() as group:
        hanging = [group.create_task(git.run(tmp_path, "hang", access=slow)) for _ in range(5)]
        async with asyncio.timeout(20):
            assert await git.run(tmp_path, "fetch", access=well) == b""
            assert await git.run(tmp_path, "cat-file") == b""
        assert not any(one.done() for one in hanging)
        for one in hanging:
            one.cancel()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo git version 2.37.0", ""),
        ("echo git version 2.50.1 '(Apple Git-155)'", ""),
        ("echo git version 3.0", ""),
        ("echo git version 2.36.6", "too old"),
        ("echo something else", "too old"),
        ("exit 1", "cannot be run"),
    ],
)
async def test_a_git_that_cannot_be_told_an_address_is_called_too_old(
    tmp_path: Path, script: str, problem: str
) -> None:
    told = await program(tmp_path, script).problem()
    assert problem in told and bool(problem) is bool(told)
