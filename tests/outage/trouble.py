"""What the tests of this folder share: the questions, and what trouble looks like to whoever asks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from tests.world import Gateway, Module, Response, at_once, eventually

KINDS = ("list", "latest", "query", "info", "mod", "zip", "large zip")
LARGE = 200_000
"""Bytes of noise in a large zip: more than is held back until the checks are over."""


class Publish(Protocol):
    """Makes a module that nobody has asked for yet."""

    def __call__(self, payload: int = 0) -> Module: ...


def target_of(module: Module, kind: str) -> str:
    return {
        "list": f"{module.path}/@v/list",
        "latest": f"{module.path}/@latest",
        "query": f"{module.path}/@v/main.info",
        "large zip": f"{module.name}.zip",
    }.get(kind, f"{module.name}.{kind}")


def body_of(module: Module, kind: str) -> bytes:
    return {
        "list": f"{module.version}\n".encode(),
        "mod": module.mod_bytes,
        "zip": module.zip_bytes,
        "large zip": module.zip_bytes,
    }.get(kind, module.info_bytes)


def expect_trouble(answer: Response, *statuses: int, begins: str = "unavailable: ") -> None:
    """It could not be found out: whoever asks can tell that from absence, and knows when to come again."""
    assert answer.status in (statuses or (502, 503, 504)), answer
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith(begins), answer.text
    assert len(answer.body) <= 600
    assert all(line.strip() and line.isprintable() for line in answer.text.splitlines())
    if begins == "unavailable: ":
        assert 1 <= int(answer.headers["retry-after"]) <= 3600


def expect_whole(answer: Response, module: Module, kind: str) -> None:
    assert (answer.status, answer.cut) == (200, False), answer
    assert answer.body == body_of(module, kind)


def expect_cut(answer: Response, module: Module) -> None:
    """Of a large zip that fails a part may have gone out, never all of it, and the client sees that it is cut."""
    assert answer.cut
    assert len(answer.body) < len(module.zip_bytes)


def published(publish: Publish) -> dict[str, Module]:
    """A module for each kind of question."""
    return {kind: publish(LARGE if kind == "large zip" else 0) for kind in KINDS}


def answers_to(gateway: Gateway, made: Mapping[str, Module]) -> dict[str, Response]:
    """Ask the question of each kind, all at once: what has to be waited for is waited for once."""
    kinds = list(made)
    answers = at_once(len(kinds), lambda number: gateway.get(target_of(made[kinds[number]], kinds[number])))
    return dict(zip(kinds, answers, strict=True))


def awaited(ask: Callable[[], Response], wanted: Callable[[Response], bool], what: str) -> Response:
    """The first answer that is as wanted; ages of a second run out meanwhile."""
    answers: list[Response] = []

    def look() -> bool:
        answers[:] = [ask()]
        return wanted(answers[0])

    eventually(look, what, within=5)
    return answers[0]


def kept(gateway: Gateway, target: str) -> Response:
    """The answer once the gateway gives it by itself: what has just come in is still being made durable."""
    eventually(lambda: gateway.get(target).cache == "hit", f"{target} is kept")
    return gateway.get(target)
