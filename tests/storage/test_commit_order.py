"""The commit order survives a death at each of its arrows: nothing visible, or a complete file whose row is known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modgate.storage.layout import Layout
from modgate.storage.session import session
from modgate.storage.sqlite import SqliteRecords

NAME = "example.com/m/@v/v1.0.0.mod"
VICTIM = """
import asyncio, os, signal, sys
from pathlib import Path
from modgate.storage.commit import Commits, Move
from modgate.storage.layout import Layout
from modgate.storage.records import ArtifactRow
from modgate.storage.session import session
from modgate.storage.sqlite import SqliteRecords

layout, deadly = Layout(Path(sys.argv[1])), sys.argv[2]

def arrow(name):
    if name == deadly:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    layout.create()
    with session(layout.spool) as mine:
        commits = Commits(SqliteRecords(layout.records), arrow)
        temporary = layout.spool / f"{mine}.0"
        row = ArtifactRow("public", sys.argv[3], 21, "sha", "h1", "test", 1.0)
        target = str(layout.modules / "public" / sys.argv[3])
        await commits.commit(row, Move(str(temporary), target, b"module example.com/m\\n"))
        arrow("committed")

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("arrow", "row", "file"),
    [
        ("written", False, False),
        ("synced", False, False),
        ("recorded", True, False),  # a pin without bytes, which the next fetch has to match
        ("renamed", True, True),
        ("directory synced", True, True),
        ("committed", True, True),
    ],
)
def test_a_kill_at_each_arrow_leaves_nothing_visible_or_a_complete_file(
    tmp_path: Path, arrow: str, row: bool, file: bool
) -> None:
    command = [sys.executable, "-c", VICTIM, str(tmp_path), arrow, NAME]
    victim = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert victim.returncode == -signal.SIGKILL, victim.stderr

    layout = Layout(tmp_path)
    with session(layout.spool) as mine:  # the next start
        assert os.listdir(layout.spool) == [f"{mine}.session"], "litter"
    records = SqliteRecords(layout.records)
    pin = records.artifact("public", NAME)
    records.close()
    assert (pin is not None) is row
    path = layout.modules / "public" / NAME
    assert path.exists() is file
    if file:
        assert path.read_bytes() == b"module example.com/m\n"
