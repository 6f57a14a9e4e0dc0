"""Other servers come in as command templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.errors import Missing
from benchmarks.servers.peer import templates


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        ("one=serve {port}", ["one"]),
        ("one=serve {port};;two=serve -p {port} {store}", ["one", "two"]),
        ("one=serve {port}\n\n two = serve {upstream} {port}\n", ["one", "two"]),
        ("one=env MODE=fast serve {port}", ["one"]),
    ],
)
def test_peers_are_separated_by_lines_or_two_semicolons(text: str, names: list[str]) -> None:
    assert [one.name for one in templates(text)] == names


@pytest.mark.parametrize(
    "text", ["serve {port}", "one=", "=serve {port}", "one=serve", "one=serve {port} {host}", 'one=serve "{port}']
)
def test_a_template_that_cannot_be_started_is_refused(text: str) -> None:
    with pytest.raises(Missing, match="BENCH_PEERS"):
        templates(text)


def test_a_peer_gets_a_port_a_folder_that_exists_and_the_upstream(tmp_path: Path) -> None:
    (template,) = templates("one=env MODE=fast 'my server' --port={port} --dir {store} {upstream}")
    peer = template.on(tmp_path / "a b", "http://127.0.0.1:1")
    words = ["env", "MODE=fast", "my server", "--port=80", "--dir", f"{tmp_path}/a b", "http://127.0.0.1:1"]
    assert peer.command(80) == words
    assert peer.store.is_dir()
