"""A module's repository is found by its path, or on the page of its host; what a page may not say is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from modgate.errors import Absent, Forbidden, GatewayError, Unavailable
from modgate.gomod.govcs import Govcs
from modgate.gomod.paths import check_path
from modgate.gomod.patterns import Patterns
from modgate.net.client import Client
from modgate.net.limits import Bounds, Deadlines
from modgate.net.response import Response
from modgate.net.url import Target
from modgate.observe.metrics import Metrics
from modgate.source.git.direct import ProxyBase, Root
from modgate.source.git.discovery import PAGE, Allowed, Discovery, Permitted, anywhere
from modgate.source.git.places import RepositoryUrl
from tests.git.smart import Host, Reply


class Relayed(Client):
    """Takes `https://corp.example/m` for `http://127.0.0.1:port/corp.example/m`."""

    def __init__(self, port: int) -> None:
        super().__init__(Metrics(), user_agent="modgate/test", via="1.1 test", bounds=Bounds())
        self.port = port
        self.schemes: list[str] = []

    async def get(self, stack: AsyncExitStack, target: Target, *arguments: Any, **named: Any) -> Response:
        parts = urlsplit(target.url)
        self.schemes.append(parts.scheme)
        local = f"http://127.0.0.1:{self.port}/{parts.netloc}{parts.path.rstrip('/')}?{parts.query}"
        if parts.scheme == "http":
            local = local.replace("?", "/insecure?")
        return await super().get(stack, Target(local, target.authorization), *arguments, **named)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with Host(tmp_path) as serving:
        serving.replies["/"] = Reply(404)
        yield serving


@pytest.fixture
async def client(host: Host) -> AsyncIterator[Relayed]:
    relayed = Relayed(host.port)
    yield relayed
    await relayed.close()


def discovery(
    client: Client,
    allowed: Allowed | None = None,
    pings: dict[str, GatewayError] | None = None,
    permitted: Permitted = anywhere,
) -> Discovery:
    async def ping(url: str) -> None:
        if pings is not None and url in pings:
            raise pings[url]

    return Discovery(client, allowed or Allowed(), ping, deadlines=Deadlines(), permitted=permitted)


async def found(client: Client, path: str, **options: Any) -> Root | ProxyBase:
    return await discovery(client, **options).find(check_path(path))


GIT = "https://git.example/m"


@pytest.mark.parametrize(
    ("path", "root", "url"),
    [
        ("github.com/a/b", "github.com/a/b", "https://github.com/a/b"),
        ("github.com/a/b/c/v2", "github.com/a/b", "https://github.com/a/b"),
        ("bitbucket.org/a/b/c", "bitbucket.org/a/b", "https://bitbucket.org/a/b"),
        ("corp.example/team/m.git/sub", "corp.example/team/m.git", "https://corp.example/team/m"),
        ("corp.example/~user/m.git", "corp.example/~user/m.git", "https://corp.example/~user/m"),
    ],
)
async def test_some_paths_say_where_they_lie(client: Relayed, path: str, root: str, url: str) -> None:
    assert await found(client, path) == Root(root, url)
    assert client.schemes == []


@pytest.mark.parametrize("path", ["github.com/a", "github.com", "github.com/a/b.git", "github.com/a/b.git/c"])
async def test_paths_that_no_repository_of_a_known_forge_has_are_absent(client: Relayed, path: str) -> None:
    with pytest.raises(Absent):
        await found(client, path)
    assert client.schemes == []


async def test_the_first_scheme_with_a_repository_is_taken(client: Relayed) -> None:
    pings: dict[str, GatewayError] = {"https://corp.example/m": Absent()}
    assert await found(client, "corp.example/m.git", pings=pings) == Root("corp.example/m.git", "ssh://corp.example/m")
    pings["ssh://corp.example/m"] = Unavailable()  # it has no key of ours, say
    with pytest.raises(Absent):
        await found(client, "corp.example/m.git", pings=pings)
    pings["https://corp.example/m"] = Unavailable()
    with pytest.raises(Unavailable):
        await found(client, "corp.example/m.git", pings=pings)


@pytest.mark.parametrize(
    ("path", "tags", "expected"),
    [
        ("corp.example/m", [f"corp.example/m git {GIT}"], Root("corp.example/m", GIT)),
        ("corp.example/m", [f"corp.example/m git {GIT} sub/dir"], Root("corp.example/m", GIT, "sub/dir")),
        ("corp.example/m", ["corp.example/m mod https://proxy.example/x/"], ProxyBase("https://proxy.example/x")),
        (
            "corp.example/m",
            [f"corp.example/m git {GIT}", "corp.example/m mod https://proxy.example"],
            ProxyBase("https://proxy.example"),
        ),
        ("corp.example/m", [f"corp.example/n git {GIT}x", f"corp.example/m git {GIT}"], Root("corp.example/m", GIT)),
        (
            "gopkg.in/yaml.v3",
            ["gopkg.in/yaml.v3 git https://gopkg.in/yaml.v3"],
            Root("gopkg.in/yaml.v3", "https://gopkg.in/yaml.v3"),
        ),
        (
            "corp.example/m",
            ["corp.example/m git ssh://git@git.example:2222/m"],
            Root("corp.example/m", "ssh://git@git.example:2222/m"),
        ),
    ],
)
async def test_a_page_says_where_a_module_lies(
    client: Relayed, host: Host, path: str, tags: list[str], expected: Root | ProxyBase
) -> None:
    host.page(f"/{path}", *tags)
    assert await found(client, path) == expected


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], Absent),
        ([f"corp.example/n git {GIT}"], Absent),
        ([f"corp.example/mm git {GIT}"], Absent),
        ([f"corp.example/m git {GIT}", f"corp.example/m git {GIT}2"], Absent),
        ([f"corp.example/m git {GIT} /abs"], Absent),
        ([f"corp.example/m git {GIT} -x"], Absent),
        ([f"corp.example/m git {GIT} a/../../b"], Absent),
        ([f"corp.example/m git {GIT} too many fields"], Absent),
        (["corp.example/m git"], Absent),
        (["corp.example/m git file:///etc"], Absent),
        (["corp.example/m git /etc"], Absent),
        (["corp.example/m git ext::sh -c x"], Absent),
        (["corp.example/m git ext::sh"], Absent),
        (["corp.example/m git --upload-pack=x"], Absent),
        (["corp.example/m git https://-oProxyCommand=x/m"], Absent),
        (["corp.example/m git ssh://-oProxyCommand=x/m"], Absent),
        (["corp.example/m git https://git.example/--upload-pack=x"], Absent),
        (["corp.example/m git https://user:secret@git.example/m"], Absent),
        (["corp.example/m git https://git.example/m?x#y"], Absent),
        (["corp.example/m git https://git.example\\@evil.example/m"], Absent),
        (["corp.example/m git http://git.example/m"], Forbidden),
        (["corp.example/m git git://git.example/m"], Forbidden),
        (["corp.example/m hg https://hg.example/m"], Forbidden),
        (["corp.example/m mod http://proxy.example"], Forbidden),
        (["corp.example/m mod file:///etc"], Absent),
    ],
)
async def test_what_a_page_may_not_say_is_refused(
    client: Relayed, host: Host, tags: list[str], expected: type[GatewayError]
) -> None:
    host.page("/corp.example/m", *tags)
    with pytest.raises(expected):
        await found(client, "corp.example/m")


async def test_one_user_of_a_host_does_not_speak_for_all_of_it(client: Relayed, host: Host) -> None:
    host.page("/corp.example/bob/m", "corp.example git https://evil.example/m")
    host.page("/corp.example", f"corp.example git {GIT}")
    with pytest.raises(Absent) as caught:
        await found(client, "corp.example/bob/m")
    assert "disagree" in caught.value.reason
    host.page("/corp.example", "corp.example git https://evil.example/m")
    assert await found(client, "corp.example/bob/m") == Root("corp.example", "https://evil.example/m")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, Absent), (410, Absent), (403, Absent), (429, Unavailable), (500, Unavailable), (503, Unavailable)],
)
async def test_what_a_page_without_tags_means(
    client: Relayed, host: Host, status: int, expected: type[GatewayError]
) -> None:
    host.page("/corp.example/m", status=status)
    with pytest.raises(expected):
        await found(client, "corp.example/m")


async def test_tags_count_whatever_the_status_of_their_page(client: Relayed, host: Host) -> None:
    host.page("/corp.example/m", f"corp.example/m git {GIT}", status=404)
    assert await found(client, "corp.example/m") == Root("corp.example/m", GIT)


@pytest.mark.parametrize(
    ("page", "is_found"),
    [
        ("<META NAME='go-import' CONTENT='{tag}'>", True),
        ("<meta name=go-import content='{tag}'/>", True),
        ("<html><head><meta content='{tag}' name='go-import'>", True),
        ("<script>if (a<b) {{}}</script><meta name='go-import' content='{tag}'>", True),
        ("<p>no head at all<br><meta name='go-import' content='{tag}'>", True),
        ("<meta name='go-import' content=' \n corp.example/m \t git\nhttps://git.example/m '>", True),
        ("<!-- <meta name='go-import' content='{tag}'> -->", False),
        ("<head></head><meta name='go-import' content='{tag}'>", False),
        ("<body><meta name='go-import' content='{tag}'>", False),
        ("<meta name='go-import'>", False),
        ("<meta name='go-source' content='{tag}'>", False),
        ("<![", False),
        ("\x00\xff<<<<&&&", False),
    ],
)
async def test_pages_are_read_as_tolerantly_as_browsers_do(
    client: Relayed, host: Host, page: str, is_found: bool
) -> None:
    host.replies["/corp.example/m?go-get=1"] = Reply(200, {}, page.format(tag=f"corp.example/m git {GIT}").encode())
    if is_found:
        assert await found(client, "corp.example/m") == Root("corp.example/m", GIT)
    else:
        with pytest.raises(Absent):
            await found(client, "corp.example/m")


async def test_only_the_beginning_of_a_page_is_read(client: Relayed, host: Host) -> None:
    tag = f"<meta name='go-import' content='corp.example/m git {GIT}'>".encode()
    host.replies["/corp.example/m?go-get=1"] = Reply(200, {}, tag + b"x" * (3 * PAGE))
    assert await found(client, "corp.example/m") == Root("corp.example/m", GIT)
    host.replies["/corp.example/m?go-get=1"] = Reply(200, {}, b" " * (3 * PAGE) + tag)
    with pytest.raises(Absent):
        await found(client, "corp.example/m")


async def test_a_page_is_asked_for_once_however_many_want_it(client: Relayed, host: Host) -> None:
    host.page("/corp.example/m", f"corp.example/m git {GIT}")
    finder = discovery(client)
    await asyncio.gather(*(finder.find(check_path("corp.example/m")) for _ in range(20)))
    assert len(host.requests) == 1
    await finder.find(check_path("corp.example/m"), refresh=True)
    assert len(host.requests) == 2


async def test_trouble_is_not_remembered(client: Relayed, host: Host) -> None:
    finder = discovery(client)
    host.page("/corp.example/m", status=503)
    with pytest.raises(Unavailable):
        await finder.find(check_path("corp.example/m"))
    host.page("/corp.example/m", f"corp.example/m git {GIT}")
    assert await finder.find(check_path("corp.example/m")) == Root("corp.example/m", GIT)


async def test_nothing_is_asked_without_encryption_unless_it_is_configured(client: Relayed, host: Host) -> None:
    host.page("/corp.example/m/insecure", "corp.example/m git http://git.example/m")
    with pytest.raises(Absent):
        await found(client, "corp.example/m")
    assert client.schemes == ["https"]
    insecure = Allowed(insecure=Patterns.parse("corp.example"))
    assert await found(client, "corp.example/m", allowed=insecure) == Root("corp.example/m", "http://git.example/m")


async def test_govcs_decides_by_path(client: Relayed, host: Host) -> None:
    allowed = Allowed(
        govcs=Govcs.parse("github.com/good/*:git,private:git,*:off"), is_private=Patterns.parse("corp.example").match
    )
    expected = Root("github.com/good/m", "https://github.com/good/m")
    assert await found(client, "github.com/good/m", allowed=allowed) == expected
    with pytest.raises(Forbidden) as caught:
        await found(client, "github.com/bad/m", allowed=allowed)
    assert "GOVCS disallows" in caught.value.reason
    host.page("/corp.example/m", f"corp.example/m git {GIT}")
    assert await found(client, "corp.example/m", allowed=allowed) == Root("corp.example/m", GIT)


@pytest.mark.parametrize("system", ["git", "mod"])
async def test_a_page_may_not_name_what_is_not_permitted(client: Relayed, host: Host, system: str) -> None:
    host.page("/corp.example/m", f"corp.example/m {system} https://private.example/m")
    asked = []

    def permitted(path: str, url: RepositoryUrl) -> bool:
        asked.append((path, url.text))
        return False

    with pytest.raises(Forbidden, match="credentials"):
        await found(client, "corp.example/m", permitted=permitted)
    assert asked == [("corp.example/m", "https://private.example/m")]


HOSTILE = ["<!--", "</", "<a ", "<![CDATA[", "<!DOCTYPE [", "<script></", "<meta a=' "]


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_page_of_things_that_never_end_holds_nobody_up(client: Relayed, host: Host, text: str) -> None:
    """Read anew for each of them, it would take a quarter of an hour."""
    tag = f"<meta name='go-import' content='corp.example/m git {GIT}'>"
    for path, page in {"m": tag + text * 60_000, "n": text * 60_000}.items():
        host.replies[f"/corp.example/{path}?go-get=1"] = Reply(200, {}, page.encode())
    async with asyncio.timeout(120):
        assert await found(client, "corp.example/m") == Root("corp.example/m", GIT)
        with pytest.raises(Absent):
            await found(client, "corp.example/n")


async def test_what_is_remembered_of_pages_is_bounded_by_its_size(client: Relayed, host: Host) -> None:
    finder = discovery(client)
    for number in range(40):
        path, long = f"corp.example/m{number}", "x" * 900_000
        host.page(f"/{path}", f"{path} git {GIT}", f"corp.example/other git {GIT}/{long}")
        assert await finder.find(check_path(path)) == Root(path, GIT)
    before = len(host.requests)
    await finder.find(check_path("corp.example/m39"))
    assert len(host.requests) == before
    await finder.find(check_path("corp.example/m0"))
    assert len(host.requests) == before + 1
