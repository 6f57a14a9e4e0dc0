"""All settings of one start: flag before environment before file before default.

Belongs here: precedence, and the defaults that this machine gives. Not here: how one source is read (file.py,
environ.py, golang.py) or one value understood (convert.py, meaning.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modgate.errors import Malformed, SetupError
from modgate.gomod.chain import Link
from modgate.net.proxies import Egress
from modgate.settings import environ as variables
from modgate.settings import tables
from modgate.settings.convert import from_text, from_toml
from modgate.settings.fields import TABLES, Field, all_fields, build, unknown
from modgate.settings.file import DEFAULT_NAME, flatten, read_file
from modgate.settings.golang import read_go_env
from modgate.settings.loaded import Loaded, Origin
from modgate.settings.meaning import Meaning, interpret, problems
from modgate.settings.model import Settings
from modgate.settings.outside import exposed
from modgate.settings.routing import Route, Routing
from modgate.settings.upstream import only_this_gateway, usable

SKIPPED = (
    f"{variables.SKIP_CHECKSUM} is set: modules are not verified with the checksum database, but for "
    "golang.org/toolchain; remove it when the trouble is found"
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where settings may come from."""

    flags: Mapping[str, str | tuple[str, ...]] = field(repr=False)
    """By dotted name; a tuple for a flag that was given several times."""
    environ: Mapping[str, str] = field(repr=False)
    config: Path | None = None
    """The file that was named; None is that of MODGATE_CONFIG, else `modgate.toml` if it is there."""
    directory: Path = Path()
    """Where modgate was started."""
    go_env: Callable[[Mapping[str, str]], Mapping[str, str]] = read_go_env
    """Asked at most once, and only for what nobody else said."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What `modgate check` looks at."""

    loaded: Loaded | None
    """None where there are problems."""
    problems: tuple[SetupError, ...]


def load(sources: Sources) -> Loaded:
    """The settings, complete and sensible.

    Raises:
        SetupError: the first problem.
    """
    examined = examine(sources)
    if examined.loaded is None:
        raise examined.problems[0]
    return examined.loaded


def examine(sources: Sources) -> Examined:
    """As `load`, but finds as many problems as it can."""
    known, found = all_fields(), list[SetupError]()
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = dict.fromkeys(known, "default")
    for name, (origin, raw) in _given(sources, known, found).items():
        if name in TABLES:
            values[name] = tables.read(name, tables.tables()[name], raw, found)
            continue
        origins[name] = origin
        try:
            values[name] = from_toml(known[name], raw) if origin == "file" else from_text(known[name], raw)
        except SetupError as problem:
            found.append(problem)
    _add_defaults(sources, values, origins, found)
    return _judged(sources, build(values), origins, found)


def _judged(
    sources: Sources, settings: Settings, origins: Mapping[str, Origin], found: Sequence[SetupError]
) -> Examined:
    found = [*found, *problems(settings)]
    if found:
        return Examined(None, tuple(found))
    try:
        meaning = interpret(settings)
        told: tuple[str, ...] = ()
        if origins["upstream"] == "go env" and only_this_gateway(meaning.chain, meaning.listen):
            settings, told = _with_gos_default(sources, settings)
            meaning = interpret(settings)
        chain, warnings = usable(meaning.chain, meaning.listen)
        views, more = _usable_views(meaning, chain)
        if origins["private"] == origins["upstream"] == "go env" and any(link.url == "direct" for link in chain):
            views = {name: routing.as_go_does() for name, routing in views.items()}
        egress = _egress(sources.environ)
    except SetupError as problem:
        return Examined(None, (problem,))
    skips = sources.environ.get(variables.SKIP_CHECKSUM, "").lower() in ("true", "1")
    skipped = (SKIPPED,) if skips and meaning.checksum is not None else ()
    whole = replace(meaning, chain=chain, views=views)
    named = sources.environ.get(variables.SUMDB_DIR, "")
    elsewhere = sources.directory / named if named else None
    told = (*told, *warnings, *more, *skipped, *exposed(settings, _file(sources)))
    last = sources.environ.get(variables.FALLBACK, "")
    fallback = Path(last) if last else None
    return Examined(Loaded(settings, whole, told, origins, elsewhere, bool(skipped), egress, fallback), ())


def _egress(environ: Mapping[str, str]) -> Egress:
    try:
        return Egress.of(environ)
    except Malformed as error:
        raise SetupError(error.what, f"names no proxy: {error.why}", "mend it, or use host.proxy instead") from error


def _usable_views(meaning: Meaning, default: tuple[Link, ...]) -> tuple[dict[str, Routing], tuple[str, ...]]:
    """The views with links that can be asked only; `default` is what is left of the top level's chain."""
    warnings: list[str] = []

    def chain(route: Route) -> tuple[Link, ...]:
        if not route.has_own_chain:
            hear = ", ".join(link.shown for link in default if link.is_http)
            if route.private and hear:
                warnings.append(f"{route.place}: is private and has no upstream of its own, so {hear} hears its names")
            return default
        links, told = usable(route.chain, meaning.listen, f"{route.place}.upstream")
        warnings.extend(told)
        return links

    views = {name: routing.changed(chain) for name, routing in meaning.views.items()}
    return views, tuple(dict.fromkeys(warnings))


def _with_gos_default(sources: Sources, settings: Settings) -> tuple[Settings, tuple[str, ...]]:
    """This machine's Go was pointed at this gateway, which has to ask somebody else: what Go asks without settings."""
    bare = {name: value for name, value in sources.environ.items() if name != "GOPROXY"}
    default = sources.go_env({**bare, "GOENV": "off"}).get("GOPROXY", "")
    if not default:
        return settings, ()
    told = "upstream: this machine's Go asks this gateway itself, so Go's own default is used; --upstream names another"
    return replace(settings, upstream=default), (told,)


def _given(sources: Sources, known: Mapping[str, Field], found: list[SetupError]) -> dict[str, tuple[Origin, Any]]:
    """Raw values by name, of the strongest source that has one."""
    given: dict[str, tuple[Origin, Any]] = {}
    try:
        for name, raw in flatten(_tables(sources), known, found):
            given[name] = ("file", raw)
    except SetupError as problem:
        found.append(problem)
    for name, text in variables.read_environ(sources.environ, known, found):
        given[name] = ("environment", text)
    for name, texts in sources.flags.items():
        if name in known:
            given[name] = ("flag", texts)
        else:
            found.append(unknown(name, known))
    return given


def _tables(sources: Sources) -> dict[str, Any]:
    file = _file(sources)
    return read_file(file) if file is not None else {}


def _file(sources: Sources) -> Path | None:
    """The settings file; None where there is none."""
    named = sources.config or sources.environ.get(variables.CONFIG)
    if named:
        return sources.directory / named
    usual = sources.directory / DEFAULT_NAME
    return usual if usual.exists() else None


def _add_defaults(
    sources: Sources, values: dict[str, Any], origins: dict[str, Origin], found: list[SetupError]
) -> None:
    """Add what this machine says about settings that nobody set.

    Where it says nothing about one that is needed, that is a problem; a harmless value lets the search go on.
    """
    unset = [name for name in ("upstream", "checksum", "private") if origins[name] == "default"]
    for name, text in _go_says(sources, unset):
        values[name], origins[name] = text, "go env"
    try:
        if origins["data"] == "default":
            values["data"] = _data_directory(sources.environ)
    except SetupError as problem:
        found.append(problem)
    if origins["upstream"] == "default":
        told = "is not set, and there is no GOPROXY and no go command"
        found.append(SetupError("upstream", told, "give a proxy: --upstream URL"))
    values.setdefault("upstream", "off")
    values.setdefault("data", Path())


def _go_says(sources: Sources, wanted: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Go's own settings for those of ours that are `wanted`, where it has any (protocol.md §1.5, §5.5)."""
    ours = {"upstream": ("GOPROXY",), "checksum": ("GOSUMDB",), "private": ("GOPRIVATE", "GONOPROXY")}
    needed = {variable for name in wanted for variable in ours[name]}
    environ = {variable: sources.environ[variable] for variable in needed if sources.environ.get(variable)}
    said = environ if needed == environ.keys() else {**sources.go_env(sources.environ), **environ}
    for name in wanted:
        texts = [said.get(variable, "").strip() for variable in ours[name]]
        if len(texts) > 1:  # lists of patterns: one that stands in both is one
            texts = list(dict.fromkeys(part for text in texts for part in text.split(",")))
        if any(texts):
            yield name, ",".join(filter(None, texts))


def _data_directory(environ: Mapping[str, str]) -> Path:
    """`modgate` in the data directory of the XDG base directory specification, which ignores relative paths."""
    named = Path(environ.get("XDG_DATA_HOME", ""))
    if named.is_absolute():
        return named / "modgate"
    home = Path(environ.get("HOME", ""))
    if not home.is_absolute():
        raise SetupError("data", "is not set, and there is no home directory", "give a directory: --data DIR")
    return home / ".local/share/modgate"
