"""Several processes may make one store at once; each finds it whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

OPENER = """
import sys
from pathlib import Path
from modgate.storage.sqlite import SqliteRecords
sys.stdin.readline()
SqliteRecords(Path(sys.argv[1])).close()
"""
PROCESSES = 6


def test_processes_that_open_a_new_store_at_once_do_not_fail_each_other(tmp_path: Path) -> None:
    for number in range(8):
        file = tmp_path / str(number) / "records.db"
        file.parent.mkdir()
        command = [sys.executable, "-c", OPENER, str(file)]
        openers = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(PROCESSES)
        ]
        for opener in openers:
            assert opener.stdin is not None
            opener.stdin.write("now\n")
            opener.stdin.flush()
        told = [opener.communicate()[1] for opener in openers]
        assert [opener.returncode for opener in openers] == [0] * PROCESSES, told
