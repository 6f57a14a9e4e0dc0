"""Repositories are read by ssh with the options that were decided, in a process that cannot ask anybody."""

from __future__ import annotations

import os
from pathlib import Path

from modgate.net.rules import Ssh
from modgate.source.git.access import Access
from modgate.source.git.hosts import ssh_command
from modgate.source.git.places import repository_url
from modgate.source.git.program import Bounds, Git
from tests.git.forge import tree
from tests.git.repositories import Repo

URL = "ssh://git@git.corp.example:2222/m"


async def test_git_runs_ssh_with_the_checked_address_and_the_key(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "m")
    repo.commit(tree("m"), "v1.0.0")
    repo.save()
    # In the place of ssh, a script that notes how it was called and does what the other side would do.
    fake = tmp_path / "bin/ssh"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/called\nexec git-upload-pack {repo.place}\n')
    fake.chmod(0o755)
    (tmp_path / "home").mkdir()
    git = Git(tmp_path / "home", Bounds(), {"PATH": f"{fake.parent}:{os.environ['PATH']}"})
    command = ssh_command(repository_url(URL), "192.0.2.7", Ssh(Path("/etc/keys/a b"), Path("/etc/keys/100% known")))
    access = Access(("ssh",), environ={"GIT_SSH_COMMAND": command})
    told = await git.run(tmp_path, "ls-remote", "--end-of-options", URL, access=access)
    assert b"refs/tags/v1.0.0" in told
    called = (tmp_path / "called").read_text().splitlines()
    options = {called[at + 1] for at, word in enumerate(called) if word == "-o"}
    assert {"BatchMode=yes", "HostName=192.0.2.7", "HostKeyAlias=[git.corp.example]:2222"} <= options
    assert {"StrictHostKeyChecking=yes", 'UserKnownHostsFile="/etc/keys/100%% known"', "IdentitiesOnly=yes"} <= options
    assert "/etc/keys/a b" in called and "2222" in called and "git@git.corp.example" in called
