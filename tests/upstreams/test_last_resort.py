"""GOMODCACHE_FALLBACK: a directory behind every public chain, used only after trouble, and no longer than it lasts."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from tests.outage.trouble import LARGE, expect_trouble
from tests.world import Go, Module, Upstream, World, eventually, faults, get
from tests.world.gateway import PROGRAM, Gateway

OLD = Module("example.com/m", "v1.0.0", payload=LARGE)
NEW = Module("example.com/m", "v1.1.0")
QUICK = {"failures": 1, "probe_every": "100ms"}
AT_ONCE = {"public": {"fresh": "0s", "stale": "0s", "absent_path": "0s", "absent_version": "0s"}}
"""Every list is asked for anew."""
HOUR = 3600.0


def lay_out(root: Path, *modules: Module, age: float = 0.0) -> Path:
    """A GOPROXY file tree, with lists, last written `age` seconds ago."""
    for module in modules:
        for ending, data in (("info", module.info_bytes), ("mod", module.mod_bytes), ("zip", module.zip_bytes)):
            path = root / f"{module.name}.{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        listed = path.parent / "list"
        told = listed.read_text() if listed.exists() else ""
        listed.write_text(f"{told}{module.version}\n")
    when = time.time() - age
    for path in (root, *root.rglob("*")):
        os.utime(path, (when, when))
    return root


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return lay_out(tmp_path / "mirror", OLD, age=2 * HOUR)


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([OLD])


def backed(world: World, upstream: Upstream | str, mirror: Path, **settings: object) -> Gateway:
    given = {"breaker": QUICK, "freshness": AT_ONCE, **settings}
    return world.gateway(upstream, environ={"GOMODCACHE_FALLBACK": str(mirror)}, **given)  # type: ignore[arg-type]


def test_in_trouble_it_answers_whatever_it_has(world: World, upstream: Upstream, mirror: Path) -> None:
    gateway = backed(world, upstream, mirror)
    upstream.goes_down()
    assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\n"
    assert gateway.get(f"{OLD.name}.info").body == OLD.info_bytes
    assert gateway.get(f"{OLD.name}.mod").body == OLD.mod_bytes
    assert gateway.get(f"{OLD.name}.zip", method="HEAD").headers["content-length"] == str(len(OLD.zip_bytes))
    assert gateway.get(f"{OLD.name}.zip").body == OLD.zip_bytes
    assert gateway.metric("modgate_fallback_answers_total") >= 4
    assert "fallback_used" in gateway.log_text()


@pytest.mark.parametrize(
    "fault", [faults.status(500), faults.status(401), faults.status(429), faults.hangs_up(), faults.garbage()]
)
def test_every_trouble_counts(world: World, upstream: Upstream, mirror: Path, fault: faults.Fault) -> None:
    gateway = backed(world, upstream, mirror)
    upstream.misbehaves(fault)
    assert gateway.get(f"{OLD.name}.mod").body == OLD.mod_bytes


def test_a_hang_counts_after_its_deadline(world: World, upstream: Upstream, mirror: Path) -> None:
    gateway = backed(world, upstream, mirror, deadlines={"first_byte": "1s"})
    upstream.hangs()
    assert gateway.get(f"{OLD.name}.mod").body == OLD.mod_bytes


@pytest.mark.parametrize("status", [404, 410, 403])
def test_absence_and_refusal_are_answers_and_stay_so(
    world: World, upstream: Upstream, mirror: Path, status: int
) -> None:
    gateway = backed(world, upstream, mirror)
    upstream.misbehaves(faults.status(status))
    for target in (f"{OLD.path}/@v/list", f"{OLD.name}.info", f"{OLD.name}.mod", f"{OLD.name}.zip"):
        assert gateway.get(target).status == (404 if status == 410 else status)
    assert gateway.metric("modgate_fallback_answers_total") == 0


def test_behind_a_comma_too_it_is_trouble_that_counts(world: World, upstream: Upstream, mirror: Path) -> None:
    second = world.upstream()
    gateway = backed(world, f"{upstream.url},{second.url}", mirror)
    upstream.misbehaves(faults.status(404))
    assert gateway.get(f"{OLD.name}.mod").status == 404
    second.goes_down()
    assert gateway.get(f"{OLD.name}.zip").body == OLD.zip_bytes


def test_what_it_lacks_is_still_trouble_and_no_absence(world: World, upstream: Upstream, mirror: Path) -> None:
    gateway = backed(world, upstream, mirror)
    upstream.goes_down()
    expect_trouble(gateway.get("example.com/other/@v/list"))
    expect_trouble(gateway.get(f"{NEW.name}.mod"))


def test_its_lists_are_never_fresh_so_that_the_return_is_automatic(
    world: World, upstream: Upstream, mirror: Path
) -> None:
    gateway = backed(world, upstream, mirror, freshness={"public": {"fresh": "1h", "stale": "1h"}})
    upstream.goes_down()
    assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\n"
    upstream.publishes(NEW)
    upstream.comes_back()
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=upstream.url) == 1, "it is in use again")
    assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\nv1.1.0\n"
    assert gateway.get(f"{OLD.path}/@v/list").cache == "hit", "and this one is fresh"


def test_a_newer_list_that_is_kept_here_is_better_than_an_older_one_there(
    world: World, upstream: Upstream, mirror: Path
) -> None:
    upstream.publishes(NEW)
    gateway = backed(world, upstream, mirror)
    assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\nv1.1.0\n"
    upstream.goes_down()
    for _ in range(2):
        assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\nv1.1.0\n"


def test_both_ends_of_its_use_are_told(world: World, upstream: Upstream, mirror: Path) -> None:
    gateway = backed(world, upstream, mirror)
    upstream.goes_down()
    assert gateway.get(f"{OLD.path}/@v/list").status == 200
    upstream.comes_back()

    def is_over() -> bool:
        gateway.get(f"{OLD.path}/@v/list")
        return "fallback_over" in gateway.log_text()

    eventually(is_over, "the end is told", within=30)


def test_it_stands_behind_every_public_chain_and_behind_no_private_one(world: World, mirror: Path) -> None:
    of_root, of_view, private = (Module(f"{host}.example/m", "v1.0.0") for host in ("root", "view", "corp"))
    lay_out(mirror, of_root, of_view, private)
    dead = world.upstream()
    dead.goes_down()
    tables = f"""
[[route]]
match = "corp.example"
upstream = "{dead.url}"
private = true
[[route]]
match = "example.com"
upstream = "{dead.url},off"
[[view.team.route]]
match = "view.example"
upstream = "{dead.url}"
[[view.team.route]]
match = "corp.example"
private = true
"""
    gateway = backed(world, dead, mirror, tables=tables)
    for target, module in (("", of_root), ("", OLD), ("team/", of_view)):
        assert gateway.get(f"{target}{module.name}.mod").body == module.mod_bytes
    answers = gateway.metric("modgate_fallback_answers_total")
    for view in ("", "team/"):
        expect_trouble(gateway.get(f"{view}{private.path}/@v/list"))
        expect_trouble(gateway.get(f"{view}{private.name}.zip"))
    assert gateway.metric("modgate_fallback_answers_total") == answers


def test_a_mirror_at_the_end_of_a_chain_takes_over_and_hands_back(
    world: World, upstream: Upstream, mirror: Path
) -> None:
    gateway = world.gateway(f"{upstream.url}|file://{mirror}", breaker=QUICK, freshness=AT_ONCE)
    upstream.publishes(NEW)
    upstream.goes_down()
    assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\n"
    assert gateway.get(f"{OLD.name}.zip").body == OLD.zip_bytes
    upstream.comes_back()
    eventually(lambda: gateway.metric("modgate_upstream_up", upstream=upstream.url) == 1, "it is in use again")
    assert gateway.get(f"{OLD.path}/@v/list").text == "v1.0.0\nv1.1.0\n"
    assert gateway.get(f"{NEW.name}.zip").body == NEW.zip_bytes


def test_its_age_is_shown(world: World, upstream: Upstream, mirror: Path) -> None:
    gateway = backed(world, upstream, mirror)
    eventually(lambda: gateway.metric("modgate_fallback_age_seconds") > 0, "it was looked at")
    assert 2 * HOUR <= gateway.metric("modgate_fallback_age_seconds") < 3 * HOUR


def test_a_module_cache_of_go_will_do(world: World, upstream: Upstream, tmp_path: Path) -> None:
    go = world.go(upstream)
    go.run("mod", "download", "example.com/m@v1.0.0")
    gateway = backed(world, upstream, go.module_cache)
    upstream.goes_down()
    developer: Go = world.go(gateway)
    app = developer.project("app", {})
    developer.run("get", "example.com/m@v1.0.0", cwd=app)
    assert f"example.com/m v1.0.0 {OLD.h1}" in (app / "go.sum").read_text()


def test_with_it_a_gateway_is_ready_though_its_upstream_is_down(world: World, upstream: Upstream, mirror: Path) -> None:
    gateway = backed(world, upstream, mirror)
    upstream.goes_down()
    gateway.get("example.com/m/@v/list")
    answer = get(f"{gateway.admin_url}/health/ready")
    assert answer.status == 200
    assert upstream.url in answer.json()["checks"]["upstreams"]["reason"]


# What stands against a start.


@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize(("named", "told"), [("mirror", "is not absolute"), ("/nowhere/at/all", "cannot read")])
def test_one_that_cannot_be_used_is_told_in_one_line(tmp_path: Path, command: str, named: str, told: str) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "GOMODCACHE_FALLBACK": named}
    arguments = ["--upstream", "https://a.example", "--listen", "127.0.0.1:0", "--admin", "off"]
    done = subprocess.run(
        [PROGRAM, command, *arguments],
        env=environ,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    line = done.stderr.strip()
    assert "GOMODCACHE_FALLBACK: " in line
    assert told in line
    assert "\n" not in line


# A file system that hangs: a pipe that nobody writes to is the same for whoever opens it.


def hanging(root: Path, module: Module, *endings: str) -> Path:
    for ending in endings:
        path = root / f"{module.name}.{ending}"
        path.unlink(missing_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.mkfifo(path)
    return root


@pytest.mark.parametrize("ending", ["info", "mod", "zip"])
def test_a_directory_that_hangs_costs_its_deadline(world: World, tmp_path: Path, ending: str) -> None:
    root = hanging(tmp_path / "hanging", NEW, ending)
    spare = world.upstream([NEW])
    gateway = world.gateway(f"file://{root}|{spare.url}", deadlines={"first_byte": "1s", "hedge": "0s"})
    assert gateway.get(f"{NEW.name}.{ending}").status == 200
    assert spare.asked_for(ending) == 1


def test_behind_a_bar_it_costs_a_moment_and_in_the_end_nothing_else_is_held_up(world: World, tmp_path: Path) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(20)]
    root = tmp_path / "hanging"
    for module in modules:
        hanging(root, module, "mod")
    spare = world.upstream(modules)
    gateway = world.gateway(f"file://{root}|{spare.url}", deadlines={"first_byte": "60s", "hedge": "50ms"})
    for module in modules:
        assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    threads = gateway.processes[0].num_threads()
    assert threads < 40, "not one for each file that hangs"


def test_a_last_resort_that_hangs_is_told_as_the_trouble_that_led_to_it(
    world: World, upstream: Upstream, tmp_path: Path
) -> None:
    gateway = backed(world, upstream, hanging(tmp_path / "mirror", NEW, "mod"), deadlines={"first_byte": "1s"})
    upstream.goes_down()
    answer = gateway.get(f"{NEW.name}.mod")
    expect_trouble(answer)
    assert upstream.url in answer.text
