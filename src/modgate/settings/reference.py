"""docs/reference/settings.md, written from the model: `python -m modgate.settings.reference`.

Belongs here: the layout of that page. Not here: what a setting means; that stands in the model, under its field.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from dataclasses import MISSING
from typing import Literal, get_args, get_origin

from modgate.settings import environ, model
from modgate.settings.fields import Field, all_fields
from modgate.settings.file import DEFAULT_NAME
from modgate.settings.tables import described, item_of, some_of, tables

_HEAD = f"""# Settings

Every setting can be given as a flag, as an environment variable and in a TOML file; a flag wins over a variable, a
variable over the file, and the file over the default. The file is named by `--config` or `{environ.CONFIG}`; otherwise
`{DEFAULT_NAME}` in the current directory is read, if it is there. `modgate check` shows what a start would use.

Durations are seconds or a text such as `500ms`, `60s`, `10m`, `3h`, `30d`; sizes are bytes or a text such as `16KiB`,
`500MiB`, `10GiB`. In variables and flags, lists are separated by commas. Relative paths start from the current
directory. An unknown name is refused. An empty variable counts as not set. Tables that may stand many times
(`[[route]]`, `[view.NAME]`) are read from the file only; there, a list of one text may be that text.

```toml
upstream = "https://proxy.corp.example"

[freshness.public]
fresh = "2m"

[limits]
zip = "200MiB"

[[route]]
match = ["git.corp.example/**", "corp.example"]
upstream = "direct"
private = true
```

Variables that are no settings: `MODGATE_DEBUG=1` shows the traceback of an unexpected error, and with
`MODGATE_READY_FILE=FILE` a gateway that listens writes its addresses there as JSON.

This page is generated from src/modgate/settings/model.py (`make reference`).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_sections(), *_tables()])


def docstrings() -> dict[str, dict[str, str]]:
    """The text under each field, by dataclass and field. Python itself does not keep them."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(model)).body:
        if isinstance(node, ast.ClassDef):
            pairs = zip(node.body, node.body[1:], strict=False)
            found[node.name] = {
                first.target.id: " ".join(inspect.cleandoc(second.value.value).split())
                for first, second in pairs
                if isinstance(first, ast.AnnAssign)
                and isinstance(first.target, ast.Name)
                and isinstance(second, ast.Expr)
                and isinstance(second.value, ast.Constant)
                and isinstance(second.value.value, str)
            }
    return found


def _sections() -> Iterator[str]:
    texts = docstrings()
    group = ""
    yield "## Top level\n"
    for field in all_fields().values():
        table, _, name = field.name.rpartition(".")
        if table != group:
            group = table
            yield f"## [{table}]\n"
            yield f"{inspect.getdoc(field.group)}\n"
        yield f"### {field.name}\n"
        text = texts[field.group.__name__].get(name, "")
        yield f"{text}\n"
        yield f"{_facts(field, has_default='Default:' not in text)}\n"


def _tables() -> Iterator[str]:
    """The tables that stand many times, in the file only."""
    texts = docstrings()
    for name, hint in tables().items():
        item = item_of(hint)
        assert item is not None
        yield f"## {heading(name, hint)}\n"
        yield f"{inspect.getdoc(item)}\n"
        for field in described(name, hint):
            text = texts[field.group.__name__].get(field.name.rpartition(".")[2], "")
            yield f"### {field.name}\n"
            yield f"{text}\n"
            if facts := _table_facts(field, text):
                yield f"{facts}\n"


def _table_facts(field: Field, text: str) -> str:
    held = some_of(field.group).get(field.name.rpartition(".")[2])
    if field.default is MISSING:
        return "Needed."
    if held is not None:
        return f"May hold {', '.join(_code(one) for one in held)}."
    return _facts(field, has_default="efault" not in text)


def heading(name: str, hint: object) -> str:
    """How such a table is written."""
    return f"[[{name}]]" if get_origin(hint) is tuple else f"[{name}.NAME]"


def _facts(field: Field, *, has_default: bool) -> str:
    """Default (unless the text tells of a better one), bounds, choices and names."""
    facts = [f"Default: {_code(field.show(field.default)) or 'empty'}."] if has_default else []
    if field.unit is not None:
        facts.append(f"From {_code(field.show(field.unit.low))} to {_code(field.show(field.unit.high))}.")
    if get_origin(field.kind) is Literal:
        facts.append(f"One of {', '.join(_code(choice) for choice in get_args(field.kind))}.")
    elif field.kind == tuple[str, ...]:
        facts.append("A list.")
    if field.name in all_fields():
        facts.append(f"{_code(field.flag)}, {_code(field.variable)}")
    return " ".join(facts)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


if __name__ == "__main__":
    sys.stdout.write(page())
