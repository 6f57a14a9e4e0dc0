"""A client's own token goes to the upstream that its route hands it to, in place of any other, and nowhere else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from modgate.errors import Forbidden, GatewayError
from modgate.gomod.paths import check_path
from modgate.observe.events import Events
from modgate.observe.metrics import Metrics
from modgate.source.base import Arriving, Ask, Caller, Kind, Terms
from modgate.source.goproxy import GoProxy, Sizes
from tests.hosts.tables import DEADLINES, outward
from tests.world import Module, Upstream, World, faults

MODULE = Module("example.com/m", "v1.0.0")
HEADER = "x-proxy-token"
Makes = Callable[..., GoProxy]


@pytest.fixture
def upstream(world: World) -> Upstream:
    return world.upstream([MODULE])


@pytest.fixture
async def proxy(world: World, upstream: Upstream) -> AsyncIterator[Makes]:
    """Makes the upstream's source; the settings have a token for it too."""
    async with outward(world, {"match": "127.0.0.1", "token": "ours"}) as opened:
        events = Events(Metrics(), lambda *_, **__: None)
        yield lambda **options: GoProxy(upstream.url, opened.client(), events, DEADLINES, Sizes(), **options)


def ask(kind: Kind) -> Ask:
    return Ask(kind, check_path(MODULE.path), "" if kind in (Kind.LIST, Kind.LATEST) else MODULE.version)


def terms(token: str = "theirs", *, body: bool = True) -> Terms:
    return Terms(body=body, caller=Caller(tokens={HEADER: token} if token else {}))


def shown(upstream: Upstream) -> list[str]:
    return [request.headers.get("authorization", "") for request in upstream.requests]


@pytest.mark.parametrize("kind", list(Kind))
async def test_it_goes_with_every_kind_of_question(proxy: Makes, upstream: Upstream, kind: Kind) -> None:
    for body in (True, False) if kind is Kind.ZIP else (True,):
        answer = await proxy(forward=HEADER).get(ask(kind), terms(body=body))
        if isinstance(answer.body, Arriving):
            await answer.body.chunks.aclose()
    assert set(shown(upstream)) == {"Bearer theirs"}


async def test_without_one_the_settings_count_and_without_the_route_it_stays_here(
    proxy: Makes, upstream: Upstream
) -> None:
    await proxy(forward=HEADER).get(ask(Kind.MOD), terms(""))
    await proxy().get(ask(Kind.MOD), terms())
    assert shown(upstream) == ["Bearer ours"] * 2


async def test_it_does_not_follow_a_redirect_to_another_origin(world: World, proxy: Makes, upstream: Upstream) -> None:
    elsewhere = world.upstream([MODULE])
    upstream.misbehaves(faults.redirects(f"{elsewhere.url}/{{path}}"))
    await proxy(forward=HEADER).get(ask(Kind.MOD), terms())
    assert shown(elsewhere) == [""]


async def test_a_refused_one_is_the_clients_to_mend(proxy: Makes, upstream: Upstream) -> None:
    upstream.misbehaves(faults.status(401))
    error = await refused(proxy(forward=HEADER), terms())
    assert isinstance(error, Forbidden) and HEADER in error.reason and "theirs" not in str(error)
    assert shown(upstream) == ["Bearer theirs"]


@pytest.mark.parametrize("token", ["two words", "a\r\nX: y", "é", "x" * 9000])
async def test_what_is_no_token_goes_nowhere(proxy: Makes, upstream: Upstream, token: str) -> None:
    error = await refused(proxy(forward=HEADER), terms(token))
    assert isinstance(error, Forbidden) and token not in str(error)
    assert upstream.asked == 0


async def refused(source: GoProxy, wanted: Terms) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        await source.get(ask(Kind.MOD), wanted)
    return caught.value
