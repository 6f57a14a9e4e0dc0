"""`modgate route`: which rule applies to a module, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modgate.settings.load import Sources
    from modgate.settings.loaded import Loaded
    from modgate.settings.routing import Choice

MODULE = click.Argument(["module"], metavar="MODULE")
VIEW = click.Option(["--view"], default="", metavar="NAME", help="The view that is asked; default: the root.")


def route(sources: Sources, module: str, view: str) -> int:
    """Explain where a module comes from, by the settings.

    Nobody is asked for it. Shows the rule that applies and why, its chain, namespace and ages, and what is known of
    each upstream's credentials.
    """
    from modgate.errors import Malformed, SetupError
    from modgate.gomod.paths import check_path
    from modgate.settings.load import load

    try:
        check_path(module)
    except Malformed as error:
        raise SetupError("MODULE", f"{module!r} is no module path ({error.why})", "write rsc.io/quote") from error
    loaded = load(sources)
    if view not in loaded.meaning.views:
        known = ", ".join(name for name in loaded.meaning.views if name) or "there is none"
        raise SetupError("--view", f"there is no view {view!r}", f"name one of the settings' ({known})")
    for line in told(loaded, module, view):
        click.echo(line)
    return 0


def told(loaded: Loaded, module: str, view: str) -> Iterator[str]:
    """What is shown: a name and a value in each line."""
    from modgate.settings.values import format_duration

    choice = loaded.meaning.views[view].choose(module)
    found = choice.route
    yield f"module      {module}"
    yield f"view        {view or 'the root'}"
    yield f"route       {found.place}: {_why(loaded, module, view)}"
    yield f"private     {_private(choice, loaded)}"
    yield f"namespace   {found.namespace}"
    previous = ""
    for link in found.chain:
        when = {"": "asks        ", ",": "if absent   ", "|": "if it fails "}[previous]
        yield f"{when}{link.shown}{_way_out(loaded, link.url, module)}"
        previous = link.after
    if loaded.fallback is not None and not found.private:
        yield f"in trouble  {loaded.fallback}  (GOMODCACHE_FALLBACK)"
    if found.forward_token:
        yield f"            with what the client sends as {found.forward_token}; nothing is stored or shared"
    ages = found.ages
    spans = (format_duration(one) for one in (ages.fresh, ages.stale, ages.keep))
    yield "ages        fresh for {}, stale up to {}, kept for outages up to {}".format(*spans)
    yield f"verified    {_verified(loaded, module, view)}"


def _private(choice: Choice, loaded: Loaded) -> str:
    if choice.by_private:
        return f"yes: the setting private has {loaded.meaning.private}"
    return f"yes: {choice.route.place}.private is true" if choice.route.private else "no"


def _why(loaded: Loaded, module: str, view: str) -> str:
    """The pattern, and those before it that would have matched."""
    routing = loaded.meaning.views[view]
    choice, left = routing.choose(module), list[str]()
    for one in routing.routes:
        if one.place == choice.route.place:
            break
        if one.match.find(module):
            left.append(f"{one.place} matches, but leaves it out by {one.exclude.find(module)}")
    why = f"matched by {choice.pattern}" if choice.route.place != "upstream" else "no other route takes it"
    return "; ".join([why, *left])


def _way_out(loaded: Loaded, url: str, module: str) -> str:
    """What the settings say about the host of an upstream, without any secret."""
    from urllib.parse import urlsplit

    asked = f"https://{module}" if url == "direct" else url
    said = ["credentials in its URL"] if "@" in urlsplit(url).netloc else []
    tables = [one for one in loaded.meaning.outside if one.place.covers(asked)]
    for one in sorted(tables, key=lambda one: one.place.rank, reverse=True):
        host = one.host
        named = {
            "user and password": host.password,
            "token": host.token,
            "GitHub App": host.github_app,
            "SSH key": host.ssh_key,
            "client certificate": host.client_cert,
            "authority": host.ca,
            "proxy": host.proxy,
        }
        said.append(f"{one.setting}: {', '.join(name for name, value in named.items() if value)}")
    return f"  ({'; '.join(said)})" if said else ""


def _verified(loaded: Loaded, module: str, view: str) -> str:
    meaning = loaded.meaning
    found = meaning.views[view].of(module)
    if found.private:
        return "no: private modules are not in a public checksum database"
    if not found.checksum:
        return f"no: {found.place}.checksum is false"
    if meaning.no_checksum.match(module):
        return f"no: the setting no_checksum has {meaning.no_checksum}"
    if meaning.checksum is None:
        return "no: the setting checksum is off"
    return f"with {meaning.checksum.name}"
