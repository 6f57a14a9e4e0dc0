"""What users, operators and their programs can see of modgate is in docs/reference, and what is there can be seen."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from modgate import errors
from modgate.cli.app import make_app
from modgate.errors import ModgateError, Trouble, Unavailable
from modgate.observe.access_log import AccessLog, fragment
from modgate.observe.events import NAMES
from modgate.observe.families import ALL
from modgate.serve import target
from modgate.serve.errors import failure_of
from modgate.serve.head import MARKS
from modgate.serve.target import HEALTH, RESERVED
from modgate.settings.environ import OTHERS
from modgate.settings.fields import all_fields
from modgate.settings.tables import described, tables
from modgate.source.base import Cached, Kind
from tests.docs.pages import ROOT, SOURCE, headings, pages, reference, rows, section, shown, spans


def test_every_setting() -> None:
    many = [field.name for name, hint in tables().items() for field in described(name, hint)]
    assert headings(reference("settings"), 3) == [*all_fields(), *many]


def test_every_command() -> None:
    documented = [heading.split()[1] for heading in headings(reference("commands"), 2)]
    assert sorted(documented) == sorted(make_app().commands)


def flags(command: click.Command) -> set[str]:
    below = command.commands.values() if isinstance(command, click.Group) else ()
    own = {flag for parameter in command.params for flag in parameter.opts if flag.startswith("--")}
    return own.union(*map(flags, below))


def test_every_flag_of_every_command() -> None:
    app = make_app()
    exist = flags(app) | {"--help"}
    texts = " ".join([*spans(reference("settings")), *spans(reference("commands"))])
    documented = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", texts))
    assert documented == exist


def test_every_metric_with_its_kind_and_labels() -> None:
    documented = {
        row[0].strip("`"): (row[1], tuple(spans(row[2])))
        for row in rows(reference("metrics"))
        if re.fullmatch(r"`modgate_\w+`", row[0])
    }
    assert documented == {family.name: (family.kind, family.labels) for family in ALL}


def test_every_value_of_the_labels_kind_and_cache() -> None:
    said = set(spans(section(reference("metrics"), "Requests of clients")))
    assert said >= {*Kind, "sumdb", "health", "other", *Cached, "none"}


@pytest.mark.parametrize("page", pages(), ids=shown)
def test_no_page_names_a_metric_that_is_gone(page: Path) -> None:
    named = set(re.findall(r"\bmodgate_[a-z][a-z_]*[a-z]\b", page.read_text(encoding="utf-8")))
    assert named <= {family.name for family in ALL}


def test_every_event_and_what_to_do_about_it() -> None:
    text = reference("events")
    assert sorted(headings(text, 2)) == sorted(NAMES)
    assert [name for name in NAMES if "*What to do:*" not in section(text, name)] == []


def emitted() -> dict[str, set[str]]:
    """The fields of each event, as the source gives them."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr="emit"), args=[ast.Constant(value=str(name))], keywords=fields):
                    found.setdefault(name, set()).update(field.arg for field in fields if field.arg)
    return found


def test_every_field_of_every_event() -> None:
    text = reference("events")
    documented = {}
    for name in headings(text, 2):
        listed = re.search(r"Fields: (.*?)\.$|No fields\.", section(text, name), re.MULTILINE | re.DOTALL)
        assert listed is not None, f"{name} does not say which fields it has"
        documented[name] = set(re.findall(r"`(\w+)`", listed[1] or ""))
    assert documented == emitted()


def tree(kind: type[ModgateError]) -> list[type[ModgateError]]:
    """`kind` and everything below it that stands in the source."""
    below = [one for child in kind.__subclasses__() for one in tree(child)]
    return [kind, *below] if kind.__module__ in (errors.__name__, target.__name__) else below


def made(kind: Any) -> ModgateError:
    """An error of this type, with whatever it needs to be told."""
    facts = {"SetupError": 3, "Malformed": 3, "Unproven": 2, "BadTarget": 2, "Unserved": 2}.get(kind.__name__, 0)
    error: ModgateError = kind(*["x"] * facts)
    return error


def test_every_error_with_its_status() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(section(reference("errors"), "By type"))[1:]}
    assert documented == {kind.__name__: str(failure_of(made(kind), "id").status) for kind in tree(ModgateError)}


def test_every_kind_of_trouble_with_its_status() -> None:
    documented = {row[0].strip("`"): row[1] for row in rows(section(reference("errors"), "Unavailable"))[1:]}
    statuses = {trouble: failure_of(Unavailable(trouble=trouble), "id").status for trouble in Trouble}
    assert documented == {trouble.value: str(status) for trouble, status in statuses.items()}


def test_every_place_outside_of_modules() -> None:
    said = spans(reference("http"))
    assert [place for place in HEALTH if place not in said] == []
    assert [name for name in RESERVED if not any(place.startswith(f"/{name}") for place in said)] == []


def test_every_header_of_a_request_that_makes_a_difference() -> None:
    first = " ".join(row[0] for row in rows(section(reference("http"), "Headers of requests"))[1:])
    documented = {span.partition(":")[0].lower().encode() for span in spans(first)}
    assert documented == set(MARKS)


def test_every_header_of_a_response() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (SOURCE / "serve").glob("*.py"))
    sent = set(re.findall(r'(?<!get)\(b"([a-z][a-z-]+)", ', source)) | set(re.findall(r'b"([a-z][a-z-]+): ', source))
    first = " ".join(row[0] for row in rows(section(reference("http"), "Headers of responses"))[1:])
    assert {span.lower() for span in spans(first)} == sent


def test_every_field_of_the_access_log_in_its_order(tmp_path: Path) -> None:
    log = AccessLog(str(tmp_path / "access.log"))
    line = fragment(method="GET", target="/", kind="other", status_code=200, bytes_sent=0, cache="none")
    log.add(1.0, "id", line, 0.1, "127.0.0.1")
    log.close()
    written = json.loads((tmp_path / "access.log").read_text(encoding="utf-8"))
    assert [row[0].strip("`") for row in rows(reference("access-log"))[1:]] == list(written)


def test_every_variable_that_is_no_setting() -> None:
    named = {name for row in rows(reference("environment")) for name in spans(row[0])} - {"variable"}
    source = "".join(path.read_text(encoding="utf-8") for path in SOURCE.rglob("*.py"))
    read = set(re.findall(r'"((?:MODGATE|PROXY|XDG|GO)_?[A-Z_]{3,}|HOME|PATH)"', source))
    settings = {field.variable for field in all_fields().values()}
    # These are set for a child rather than read.
    assert named == read - settings - {"GOENV", "GOFLAGS", "GOTOOLCHAIN", "GOWORK"}
    assert named >= OTHERS


def test_every_make_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert {row[0].strip("`").removeprefix("make ") for row in rows(text)[1:]} == targets
