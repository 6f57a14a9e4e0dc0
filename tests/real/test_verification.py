"""Fifty well-known modules are verified with the public checksum database, and each carries its evidence."""

from __future__ import annotations

import json
import sqlite3

import pytest

from tests.real.test_public_modules import PUBLIC_DATABASE
from tests.verification.conftest import keeps
from tests.world import World, at_once
from tests.world.modules import escaped

LIST = """
github.com/pkg/errors@v0.9.1 github.com/google/uuid@v1.6.0 github.com/spf13/cobra@v1.8.0 github.com/spf13/pflag@v1.0.5
github.com/stretchr/testify@v1.9.0 github.com/davecgh/go-spew@v1.1.1 github.com/pmezard/go-difflib@v1.0.0
github.com/BurntSushi/toml@v1.4.0 github.com/Masterminds/semver/v3@v3.2.1 github.com/sirupsen/logrus@v1.9.3
go.uber.org/zap@v1.27.0 go.uber.org/multierr@v1.11.0 go.uber.org/atomic@v1.11.0 golang.org/x/text@v0.14.0
golang.org/x/mod@v0.17.0 golang.org/x/sync@v0.7.0 golang.org/x/sys@v0.20.0 golang.org/x/net@v0.25.0
golang.org/x/tools@v0.21.0 golang.org/x/crypto@v0.23.0 golang.org/x/term@v0.20.0 golang.org/x/time@v0.5.0
golang.org/x/oauth2@v0.20.0 google.golang.org/protobuf@v1.34.1 google.golang.org/grpc@v1.64.0
github.com/golang/protobuf@v1.5.4 github.com/gorilla/mux@v1.8.1 github.com/gorilla/websocket@v1.5.1
github.com/gin-gonic/gin@v1.10.0 github.com/go-chi/chi/v5@v5.0.12 github.com/labstack/echo/v4@v4.12.0
gopkg.in/yaml.v3@v3.0.1 gopkg.in/yaml.v2@v2.4.0 gopkg.in/check.v1@v0.0.0-20161208181325-20d25e280405
github.com/prometheus/client_golang@v1.19.1 github.com/prometheus/common@v0.53.0 github.com/cespare/xxhash/v2@v2.3.0
github.com/beorn7/perks@v1.0.1 github.com/mattn/go-isatty@v0.0.20 github.com/fatih/color@v1.17.0
github.com/fsnotify/fsnotify@v1.7.0 github.com/hashicorp/golang-lru/v2@v2.0.7 github.com/json-iterator/go@v1.1.12
github.com/klauspost/compress@v1.17.8 github.com/rs/zerolog@v1.32.0 github.com/jackc/pgx/v5@v5.5.5
github.com/redis/go-redis/v9@v9.5.1 github.com/docker/docker@v24.0.7+incompatible rsc.io/quote@v1.5.2
k8s.io/api@v0.28.4
"""
MODULES = LIST.split()

SMALL_ZIPS = ("github.com/pkg/errors@v0.9.1", "github.com/google/uuid@v1.6.0", "rsc.io/quote@v1.5.2")


def name(module: str, kind: str) -> str:
    path, _, version = module.partition("@")
    return f"{escaped(path)}/@v/{escaped(version)}.{kind}"


@pytest.mark.real
@pytest.mark.timeout(180)  # seconds; fifty lookups and their tiles over a slow line
def test_each_committed_file_carries_its_evidence(world: World, mirror: str, outside: dict[str, str]) -> None:
    assert len(MODULES) == 50
    gateway = world.gateway(mirror, checksum=PUBLIC_DATABASE, environ=outside, fetch_ahead="off")
    names = [*(name(module, "mod") for module in MODULES), *(name(module, "zip") for module in SMALL_ZIPS)]
    answers = at_once(len(names), lambda number: gateway.get(names[number]))
    assert [(one, answer.text) for one, answer in zip(names, answers, strict=True) if answer.status != 200] == []
    keeps(gateway, *names)
    with sqlite3.connect(gateway.data / "records.db") as connection:
        rows = connection.execute("SELECT name, evidence FROM artifacts WHERE namespace = 'public'").fetchall()
    evidence = {one: json.loads(text) for one, text in rows}
    assert sorted(evidence) == sorted(names)
    assert {said["database"] for said in evidence.values()} == {PUBLIC_DATABASE}
    assert all(said["record"] < said["tree"] for said in evidence.values())
    assert len({said["record"] for said in evidence.values()}) == len(MODULES), "a zip and its go.mod share one"
