"""The witness at a URL: any store that takes GET and PUT, and whatever it does wrong."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from modgate.checksum import webwitness
from modgate.checksum.webwitness import WebWitness
from modgate.errors import Unavailable
from modgate.net.client import Client
from modgate.net.limits import Bounds, Deadlines
from modgate.observe.metrics import Metrics
from tests.ownlog.blobs import Blobs, Tags, Trouble
from tests.ownlog.company import free_port
from tests.ownlog.witness_contract import ONE, OTHER, TWO, Make, WitnessContract
from tests.world import client, eventually

Alone = Callable[[], AbstractAsyncContextManager[None]]


def alone() -> Alone:
    """One turn for all who have this."""
    lock = asyncio.Lock()

    @asynccontextmanager
    async def hold() -> AsyncIterator[None]:
        async with lock:
            yield

    return hold


@pytest.fixture
async def outward() -> AsyncIterator[Client]:
    made = Client(Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds())
    yield made
    await made.close()


@pytest.fixture(params=list(Tags), ids=str)
def blobs(request: pytest.FixtureRequest) -> Iterator[Blobs]:
    with Blobs(request.param) as store:
        yield store


class TestWebWitness(WitnessContract):
    """On a store that knows conditions, and on those that do not."""

    @pytest.fixture
    def make(self, blobs: Blobs, outward: Client) -> Make:
        turn = alone()
        return lambda: WebWitness(blobs.url(), outward, turn)


class TestOnNginx(WitnessContract):
    """With its module for WebDAV."""

    @pytest.fixture
    def make(self, tmp_path: Path, outward: Client) -> Iterator[Make]:
        nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/bin")
        if nginx is None:
            pytest.skip("nginx is not installed (Debian: nginx)")
        port, turn = free_port(), alone()
        configuration = tmp_path / "nginx.conf"
        configuration.write_text(NGINX.format(home=tmp_path, port=port))
        (tmp_path / "blobs").mkdir(mode=0o777)
        tmp_path.chmod(0o755)
        running = subprocess.Popen([nginx, "-c", str(configuration), "-p", str(tmp_path)], stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}/head"
            eventually(lambda: running.poll() is not None or _answers(url), "nginx serves")
            yield lambda: WebWitness(url, outward, turn)
        finally:
            running.terminate()
            running.wait(10)


NGINX = """daemon off; master_process off; pid {home}/pid; error_log {home}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {home}/body;
  server {{
    listen 127.0.0.1:{port};
    root {home}/blobs;
    dav_methods PUT;
  }}
}}
"""


def _answers(url: str) -> bool:
    try:
        return client.get(url).status == 404
    except OSError:
        return False


@pytest.fixture
def store() -> Iterator[Blobs]:
    with Blobs() as made:
        yield made


@pytest.fixture
def witness(store: Blobs, outward: Client) -> WebWitness:
    return WebWitness(store.url(), outward, alone())


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Trouble.FAILS, "answered 500"),
        (Trouble.LOGIN, "sent what is no signed head"),
        (Trouble.HUGE, "sent more than the 65536 bytes"),
    ],
)
async def test_a_store_that_does_not_answer_well_is_no_beginning(
    store: Blobs, witness: WebWitness, trouble: Trouble, told: str
) -> None:
    assert await witness.write(None, ONE)
    store.trouble = trouble
    with pytest.raises(Unavailable, match=rf"the witness at 127\.0\.0\.1 cannot be used \({told}"):
        await witness.read()
    with pytest.raises(Unavailable, match=told):
        await witness.write(ONE, TWO)
    store.trouble = Trouble.NOTHING
    assert await witness.read() == ONE


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (Trouble.LOSES, "answered 200 to a PUT and kept what it had"),
        (Trouble.REFUSES, "answered 412 to a PUT and kept what it had, although nobody else has written"),
        (Trouble.FORGETS_ANSWER, "answered 500 to a PUT"),
    ],
)
@pytest.mark.parametrize("before", [None, ONE], ids=["empty", "not empty"])
async def test_a_write_counts_when_it_can_be_read(
    store: Blobs, witness: WebWitness, trouble: Trouble, told: str, before: bytes | None
) -> None:
    if before is not None:
        assert await witness.write(None, before)
    store.trouble = trouble
    with pytest.raises(Unavailable) as refused:
        await witness.write(before, TWO)
    assert refused.value.reason == f"the witness at 127.0.0.1 cannot be used ({told})"
    store.trouble = Trouble.NOTHING
    assert await witness.read() == (TWO if trouble is Trouble.FORGETS_ANSWER else before)


async def test_who_writes_past_all_turns_is_told_by_the_condition(store: Blobs, outward: Client) -> None:
    """As another machine would, with a copy of the same log."""
    one, two = (WebWitness(store.url(), outward, alone()) for _ in range(2))
    assert await one.write(None, ONE)
    won = await asyncio.gather(one.write(ONE, TWO), two.write(ONE, OTHER))
    assert sorted(won) == [False, True]
    assert store.files["/head"] == (TWO if won[0] else OTHER)


async def test_a_store_that_hangs_is_given_up(
    store: Blobs, witness: WebWitness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webwitness, "DEADLINES", Deadlines(connect=5.0, first_byte=0.1, idle=5.0))
    store.trouble = Trouble.HANGS
    with pytest.raises(Unavailable, match=r"sent no first byte within 0\.1 s"):
        await witness.read()
    monkeypatch.setattr(webwitness, "DEADLINES", Deadlines())
    monkeypatch.setattr(webwitness, "SECONDS", 0.1)
    with pytest.raises(Unavailable, match=r"no answer within 0\.1 s"):
        await witness.write(None, ONE)


async def test_a_store_that_is_not_there_is_unavailable(outward: Client) -> None:
    with pytest.raises(Unavailable, match="could not be reached") as refused:
        await WebWitness(f"http://127.0.0.1:{free_port()}/head", outward, alone()).read()
    assert refused.value.retry_after == 5.0


async def test_a_store_that_knows_no_conditions_is_asked_without(store: Blobs, witness: WebWitness) -> None:
    store.trouble = Trouble.UNCONDITIONAL
    assert await witness.write(None, ONE)
    assert await witness.write(ONE, TWO)
    assert store.files["/head"] == TWO


async def test_a_redirect_that_keeps_the_method_is_followed(store: Blobs, witness: WebWitness) -> None:
    store.trouble = Trouble.MOVED
    assert await witness.write(None, ONE)
    assert list(store.files) == ["/elsewhere"]


async def test_what_grants_rights_is_sent_and_never_shown(store: Blobs, outward: Client) -> None:
    witness = WebWitness(store.url("/head?signature=secret1", user="user:secret2"), outward, alone())
    assert await witness.write(None, ONE)
    assert set(store.asked) == {("GET", "/head?signature=secret1"), ("PUT", "/head?signature=secret1")}
    assert store.authorizations == {"Basic dXNlcjpzZWNyZXQy"}
    store.trouble = Trouble.FAILS
    with pytest.raises(Unavailable) as refused:
        await witness.read()
    assert "secret" not in str(refused.value) + refused.value.reason
