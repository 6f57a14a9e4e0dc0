"""What a start says, where it takes its settings from, and what it leaves out of its chain."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from tests.cli.command import run
from tests.lifecycle.serving import serving
from tests.world import Module, Upstream, World, get

MODULE = Module("example.com/m", "v1.0.0")
MOD = f"{MODULE.name}.mod"
ANY = ("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
    return port


def test_a_start_is_one_readable_block_with_the_line_that_uses_it(upstream: Upstream, tmp_path: Path) -> None:
    chain = f"{upstream.url.replace('//', '//user:secret@')},off"
    with serving(tmp_path, *ANY, "--upstream", chain, "--data", "store", "--checksum", "off") as gateway:
        said = gateway.said()
        block = dict(line.strip().split(None, 1) for line in said.splitlines()[1:] if line.startswith("  "))
        assert said.startswith("modgate ")
        assert gateway.url in said
        assert gateway.ready["admin"] in said
        assert str(tmp_path / "store") in said or "  store" in said
        assert f"{upstream.url},off" in said
        assert f"go env -w GOPROXY={gateway.url}\n" in said
        assert "secret" not in said
        assert len(block) >= 5
        assert gateway.ready["pid"] == gateway.process.pid
        assert gateway.get(MOD).body == MODULE.mod_bytes
        assert json.loads(get(f"{gateway.ready['admin']}/version").text)
    assert [request.headers["authorization"] for request in upstream.requests] == ["Basic dXNlcjpzZWNyZXQ="]


def test_without_settings_it_uses_what_this_machines_go_would_use(upstream: Upstream, tmp_path: Path) -> None:
    environ = {"GOPROXY": f"{upstream.url},direct", "GOSUMDB": "off", "GOPRIVATE": "corp.example", "GONOPROXY": ""}
    with serving(tmp_path, *ANY, **environ) as gateway:
        assert gateway.get(MOD).body == MODULE.mod_bytes
        assert f"{upstream.url},direct" in gateway.said()
        assert (tmp_path / ".local/share/modgate/id").exists()
    assert upstream.asked == 1


def test_the_data_directory_is_that_of_xdg_and_nobody_elses_business(upstream: Upstream, tmp_path: Path) -> None:
    data = tmp_path / "xdg"
    with serving(tmp_path, *ANY, "--upstream", upstream.url, XDG_DATA_HOME=str(data)) as gateway:
        assert gateway.get(MOD).status == 200
    assert sorted(path.name for path in data.iterdir()) == ["modgate"]
    assert os.stat(data / "modgate").st_mode & 0o777 == 0o700
    assert (data / "modgate/modules/public" / MOD).read_bytes() == MODULE.mod_bytes


def test_a_flag_wins_over_the_environment_and_that_over_the_file(upstream: Upstream, tmp_path: Path) -> None:
    (tmp_path / "modgate.toml").write_text(
        f"listen = '127.0.0.1:0'\nadmin = 'off'\nupstream = '{upstream.url}'\nbase_path = '/file'\ndata = 'in-file'\n"
        "access_log = 'file.log'\n[limits]\nzip = '2MiB'\n"
    )
    environ = {"MODGATE_BASE_PATH": "/environment", "MODGATE_DATA": "in-environment"}
    with serving(tmp_path, "--base-path", "/flag", **environ) as gateway:
        assert gateway.url.endswith("/flag")
        assert gateway.ready["admin"] is None
        assert gateway.get(MOD).status == 200
    assert (tmp_path / "in-environment/id").exists()
    assert not (tmp_path / "in-file").exists()
    assert json.loads((tmp_path / "file.log").read_text())["target"] == f"/flag/{MOD}"


def test_the_gateway_itself_is_left_out_with_a_warning_for_each_spelling(upstream: Upstream, tmp_path: Path) -> None:
    own = f"127.0.0.1:{free_port()}"
    chain = f"http://{own},{upstream.url}|http://localhost:{own.partition(':')[2]}/"
    with serving(tmp_path, "--listen", own, "--admin", "off", "--upstream", chain) as gateway:
        said = gateway.said()
        assert said.count("this gateway itself") == 2
        assert gateway.get(MOD).status == 200
        assert gateway.get("example.com/none/@v/list").status == 404


def test_direct_reads_no_host_whose_address_is_not_public(tmp_path: Path) -> None:
    with serving(tmp_path, *ANY, "--upstream", "direct") as gateway:
        for target in ("127.0.0.1/m/@v/list", "127.0.0.1/m.git/@v/v1.0.0.info", "169.254.169.254/latest/@latest"):
            answer = gateway.get(target)
            assert (answer.status, answer.text.partition(":")[0]) == (403, "refused"), answer.text
            assert "is no public address" in answer.text


def test_without_git_direct_is_left_out_with_a_warning(upstream: Upstream, tmp_path: Path) -> None:
    with serving(tmp_path, *ANY, "--upstream", f"{upstream.url},direct", PATH=str(tmp_path)) as gateway:
        assert "direct cannot be used" in gateway.said()
        assert gateway.get(MOD).status == 200
        assert gateway.get("example.com/none/@v/list").status == 404


def test_without_git_what_goprivate_names_is_trouble_and_all_else_works(upstream: Upstream, tmp_path: Path) -> None:
    go = {"GOPROXY": f"{upstream.url},direct", "GOSUMDB": "off", "GOPRIVATE": "corp.example", "GONOPROXY": ""}
    with serving(tmp_path, *ANY, **go, PATH=str(tmp_path)) as gateway:
        assert gateway.get(MOD).status == 200
        answer = gateway.get("corp.example/tools/@v/list")
        assert answer.status in (502, 503)
        assert "install git, or give the module a [[route]]" in answer.text
    assert upstream.asked == 1


def test_plain_http_is_warned_about_once(upstream: Upstream, tmp_path: Path) -> None:
    chain = f"{upstream.url},http://mirror.example,http://other.example"
    with serving(tmp_path, *ANY, "--upstream", chain) as gateway:
        assert gateway.said().count("plain http") == 1
        assert gateway.get(MOD).status == 200


def test_a_chain_of_off_answers_that_nothing_exists(tmp_path: Path) -> None:
    with serving(tmp_path, *ANY, "--upstream", "off") as gateway:
        answer = gateway.get(MOD)
        assert (answer.status, answer.text.partition(":")[0]) == (404, "not found")


def test_a_chain_of_files_is_served_from_there(upstream: Upstream, tmp_path: Path) -> None:
    with serving(tmp_path, *ANY, "--upstream", upstream.url) as first:
        assert {first.get(f"{MODULE.name}.{kind}").status for kind in ("info", "mod", "zip")} == {200}
    other = tmp_path / "other"
    other.mkdir()
    tree = tmp_path / ".local/share/modgate/modules/public"
    with serving(other, *ANY, "--upstream", f"file://{tree}") as second:
        assert second.get(f"{MODULE.name}.zip").body == MODULE.zip_bytes
        assert second.get("example.com/m/@v/v1.0.1.zip").status == 404


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("--upstream", ""), "upstream"),
        (("--upstream", "ftp://a.example"), "upstream"),
        (("--upstream", "off", "--listen", "nowhere"), "listen"),
        (("--upstream", "off", "--data", "/proc/nowhere"), "data"),
        (("--upstream", "off", "--tls-cert", "x.pem"), "tls_key"),
        (("--upstream", "off", "--checksum", "no key at all"), "checksum"),
        (("--upstream", "off", "--set", "deadlines.connect=0"), "deadlines.connect"),
        (("--upstream", "off", "--set", "limits.zip=a lot"), "limits.zip"),
        (("--upstream", "off", "--config", "none.toml"), "config"),
    ],
)
def test_what_cannot_be_is_told_in_one_line_that_names_the_setting(
    tmp_path: Path, arguments: tuple[str, ...], field: str
) -> None:
    for command in ("serve", "check"):
        done = run(command, *ANY, *arguments, environ={"HOME": str(tmp_path)}, directory=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), command
        (line,) = done.stderr.splitlines()
        assert line.removeprefix("modgate: ").startswith(f"{field}: "), line
        assert "; " in line, "the remedy"


@pytest.mark.parametrize("name", ["modules", "spool", "records.db", "generations", "id"])
def test_a_data_directory_in_which_something_else_lies_is_told(tmp_path: Path, name: str) -> None:
    odd = tmp_path / "data" / name
    if name in {"modules", "spool"}:
        odd.parent.mkdir()
        odd.write_text("a file")
    else:
        odd.mkdir(parents=True)
    done = run("serve", *ANY, "--upstream", "off", "--data", str(odd.parent))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"modgate: data: {odd} cannot be used (")
    assert done.stderr.count("\n") == 1 and "; " in done.stderr


def test_a_database_that_is_none_is_told_and_is_found_again_when_it_is_removed(
    upstream: Upstream, tmp_path: Path
) -> None:
    data = tmp_path / ".local/share/modgate"
    with serving(tmp_path, *ANY, "--upstream", upstream.url) as gateway:
        assert gateway.get(MOD).status == 200
    (data / "records.db").write_bytes(b"garbage" * 1000)
    done = run("serve", *ANY, "--upstream", "off", "--data", str(data))
    assert done.returncode == 2
    assert done.stderr.startswith(f"modgate: data: {data}/records.db cannot be used (file is not a database); ")
    (data / "records.db").unlink()
    with serving(tmp_path, *ANY, "--upstream", "off") as gateway:
        assert gateway.get(MOD).body == MODULE.mod_bytes


def test_without_anything_to_go_by_it_says_which_setting_to_give(tmp_path: Path) -> None:
    done = run("serve", environ={"HOME": str(tmp_path)}, directory=tmp_path)
    assert done.returncode == 2
    assert (
        done.stderr
        == "modgate: upstream: is not set, and there is no GOPROXY and no go command; give a proxy: --upstream URL\n"
    )
