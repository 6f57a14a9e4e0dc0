"""What developers do with the go command, each with a result that must not depend on where modules come from.

Belongs here: the work, with modules chosen so that public mirrors have them and Go 1.21 can build them. Not here: which
way they come (test_public_modules.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.world import Go

Work = Callable[[Go], object]

KINDS = (
    "github.com/pkg/errors@v0.9.1",  # without a go.mod
    "github.com/BurntSushi/toml@v1.4.0",  # upper case in its path
    "github.com/Masterminds/semver/v3@v3.2",  # v2+, upper case, and a query that the list answers
    "github.com/docker/docker@v24.0.7+incompatible",
    "github.com/aws/aws-sdk-go@v1.44.100",  # 26 MB
    "golang.org/x/example/hello@v0.0.0-20250915201037-7f05d217867b",  # pseudo-version, not at its repository's root
    "gopkg.in/yaml.v3@v3.0.1",  # its major version after a dot
    "k8s.io/api@v0.28.4",  # many files, a host with redirects of its own
    "golang.org/x/text@v0.14.0",
    "github.com/google/uuid@latest",
)

PROGRAM = """package main

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func main() {
	command := &cobra.Command{Use: "app"}
	fmt.Println(command.Name(), uuid.Nil)
}
"""


def downloads_modules_of_all_kinds(go: Go) -> object:
    """`go mod download`: each module's version and sums."""
    said = go.run("mod", "download", "-json", *KINDS)
    found = json.JSONDecoder()
    modules, rest = {}, said.lstrip()
    while rest:
        module, end = found.raw_decode(rest)
        modules[module["Path"]] = (module["Version"], module["Sum"], module["GoModSum"])
        rest = rest[end:].lstrip()
    assert len(modules) == len(KINDS)
    return modules


def writes_a_program(go: Go) -> object:
    """`go get module@latest`, then `go build`: its go.mod, its go.sum and what it prints."""
    app = go.project("app", {"main.go": PROGRAM})
    go.run("get", "github.com/spf13/cobra@latest", "github.com/google/uuid@latest", cwd=app)
    go.run("mod", "download", cwd=app)
    go.run("build", "-o", "app", cwd=app)
    assert go.run("run", ".", cwd=app) == "app 00000000-0000-0000-0000-000000000000\n"
    return (app / "go.mod").read_text(), (app / "go.sum").read_text()


def installs_a_tool(go: Go) -> object:
    """`go install tool@version`: the modules that are built into it."""
    go.run("install", "github.com/rakyll/hey@v0.1.4")
    said = go.run("version", "-m", str(go.home / "gopath/bin/hey"))
    return [line for line in said.splitlines() if line.startswith(("\tmod\t", "\tdep\t"))]


def lists_versions(go: Go) -> object:
    """`go list -m -versions`: what it prints."""
    return go.run("list", "-m", "-versions", "github.com/pkg/errors", "golang.org/x/text", "github.com/docker/docker")


def switches_toolchains(go: Go) -> object:
    """GOTOOLCHAIN=go1.22.12: a zip of 73 MB, which is always checked against the checksum database."""
    return go.run("version")


EVERYTHING: tuple[tuple[Work, str], ...] = (
    (downloads_modules_of_all_kinds, "local"),
    (writes_a_program, "local"),
    (installs_a_tool, "local"),
    (lists_versions, "local"),
    (switches_toolchains, "go1.22.12"),
)
"""With the GOTOOLCHAIN that it needs."""
