"""Credentials of an upstream are used there, go nowhere else, and are never seen; those of clients stay with us."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.outage.trouble import KINDS, target_of
from tests.world import Gateway, Module, Request, Upstream, World, at_once, eventually, faults, get
from tests.world.delivery import Delivery

USER, PASSWORD = "robot", "s3cr3t/pa:ss%w@rd"
QUOTED = "s3cr3t%2Fpa%3Ass%25w%40rd"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECRETS = ("s3cr3t", BASIC.removeprefix("Basic "))


def with_credentials(upstream: Upstream) -> str:
    return upstream.url.replace("://", f"://{USER}:{QUOTED}@")


@pytest.fixture
def elsewhere(world: World) -> Upstream:
    return world.upstream()


def everything_shown(gateway: Gateway) -> Iterator[tuple[str, str]]:
    """All that an operator or a client can get to see, by where it stands."""
    yield "log", gateway.log_text()
    yield "access log", (gateway.home / "access.log").read_text()
    for target in ("metrics", "readyz", "version", ""):
        yield target or "root", get(f"{gateway.admin_url}/{target}").text
    for name in gateway.files():
        yield name, (gateway.data / name).read_bytes().decode("latin-1")
    yield "processes", " ".join(" ".join(process.cmdline()[:1]) for process in gateway.processes[1:])


def test_credentials_are_sent_with_every_request_and_shown_nowhere(world: World, elsewhere: Upstream) -> None:
    module = Module("example.com/m", "v1.0.0", payload=100_000)
    upstream = world.upstream([module], database=world.database())
    upstream.branch(module.path, "main", "v1.0.0")
    gateway = world.gateway(
        f"{with_credentials(upstream)}|{elsewhere.url}",
        checksum_database=("sum.example.com",),
        breaker={"failures": 2, "probe_every": "100ms"},
        log_level="debug",
    )
    texts = [gateway.get(target_of(module, kind)).text for kind in KINDS if "zip" not in kind]
    gateway.get(f"{module.name}.zip")
    gateway.get("sumdb/sum.example.com/latest")
    assert upstream.asked >= len(KINDS)
    assert {request.headers.get("authorization") for request in upstream.requests} == {BASIC}

    for number, fault in enumerate(
        [
            faults.status(404),
            faults.status(401),
            faults.status(403),
            faults.status(500),
            faults.status(429),
            faults.login_page(),
            faults.cuts(after=3),
            faults.garbage(),
            faults.redirects("http://[bad"),
            faults.redirects("?again"),
            faults.redirects(f"http://{USER}:{QUOTED}@127.0.0.1:1/{{path}}"),
            faults.hangs_up(),
        ]
    ):
        upstream.misbehaves(fault)
        module = Module(f"example.com/n{number}", "v1.0.0")
        texts += [gateway.get(target_of(module, kind)).text for kind in ("list", "info", "zip")]
    upstream.goes_down()
    texts += [gateway.get(f"example.com/down{number}/@v/v1.0.0.mod").text for number in range(4)]
    texts.append(gateway.get("readyz").text)
    assert gateway.metric("modgate_upstream_up", upstream=upstream.url) == 0
    for where, text in [*everything_shown(gateway), *(("answer", text) for text in texts)]:
        for secret in (*SECRETS, QUOTED, PASSWORD):
            assert secret not in text, where


def test_a_user_name_alone_is_a_token(world: World) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(upstream.url.replace("://", "://t0ken@"))
    assert gateway.get("example.com/m/@v/list").status == 200
    assert upstream.requests[0].headers["authorization"] == "Basic " + base64.b64encode(b"t0ken:").decode()
    for where, text in everything_shown(gateway):
        assert "t0ken" not in text, where


@pytest.mark.parametrize("same_origin", [True, False])
def test_credentials_follow_a_redirect_within_their_origin_only(
    world: World, elsewhere: Upstream, same_origin: bool
) -> None:
    module = Module("example.com/m", "v1.0.0", payload=100_000)
    upstream = world.upstream([module])
    elsewhere.publishes(module)
    goal = upstream if same_origin else elsewhere
    gateway = world.gateway(with_credentials(upstream))
    for kind in ("info", "mod", "zip"):
        upstream.misbehaves(faults.redirects(f"{goal.url}/{{path}}"), on=f"{module.name}.{kind}", times=1)
        assert gateway.get(f"{module.name}.{kind}").status == 200
    if same_origin:
        assert {request.headers.get("authorization") for request in upstream.requests} == {BASIC}
    else:
        assert elsewhere.asked == 3
        assert not any("authorization" in request.headers for request in elsewhere.requests)


def test_credentials_do_not_come_back_over_a_third_party(world: World, elsewhere: Upstream) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(with_credentials(upstream))
    upstream.misbehaves(faults.redirects(f"{elsewhere.url}/{{path}}"), times=1)
    elsewhere.misbehaves(faults.redirects(f"{upstream.url}/{{path}}"))
    gateway.get(f"{module.name}.mod")
    assert "authorization" in upstream.requests[0].headers
    assert "authorization" not in upstream.requests[1].headers


def test_the_signature_in_a_redirect_is_used_and_shown_nowhere(world: World, elsewhere: Upstream) -> None:
    module = Module("example.com/m", "v1.0.0", payload=200_000)
    upstream = world.upstream()
    elsewhere.publishes(module)
    gateway = world.gateway(upstream, log_level="debug", deadlines={"idle": "1s", "request": "3s", "total": "3s"})
    upstream.misbehaves(faults.redirects(f"{elsewhere.url}/{{path}}?Signature=s3cr3t"))
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert elsewhere.requests[0].target.endswith("?Signature=s3cr3t")
    elsewhere.misbehaves(faults.redirects("ftp://127.0.0.1/x"), on="info")
    texts = [gateway.get(f"{module.name}.info").text]
    gate = elsewhere.pauses(after=150_000)
    with gateway.connect() as connection:
        connection.asks(f"{module.name}.zip")
        gate.wait_for()
        eventually(lambda: gateway.files("spool"), "the download is noted")
        shown = list(everything_shown(gateway))
    for where, text in [*shown, *everything_shown(gateway), ("answer", texts[0])]:
        assert "s3cr3t" not in text, where


def test_credentials_that_a_redirect_names_are_not_used(world: World, elsewhere: Upstream) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream()
    elsewhere.publishes(module)
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.redirects(elsewhere.url.replace("://", "://evil:evil@") + "/{path}"))
    assert gateway.get(f"{module.name}.mod").body == module.mod_bytes
    assert "authorization" not in elsewhere.requests[0].headers


def test_each_upstream_gets_its_own_credentials_only(world: World, elsewhere: Upstream) -> None:
    upstream = world.upstream()
    gateway = world.gateway(f"{with_credentials(upstream)},{elsewhere.url}")
    gateway.get("example.com/m/@v/list")
    assert upstream.requests[0].headers["authorization"] == BASIC
    assert "authorization" not in elsewhere.requests[0].headers


def test_nothing_of_a_client_is_handed_on(world: World) -> None:
    module = Module("example.com/m", "v1.0.0", payload=100_000)
    upstream = world.upstream([module], database=world.database())
    upstream.branch(module.path, "main", "v1.0.0")
    gateway = world.gateway(upstream, checksum_database=("sum.example.com",))
    own = {
        "authorization": "Basic Y2xpZW50OnNlY3JldA==",
        "cookie": "session=cl13nt",
        "proxy_authorization": "Basic Y2xpZW50OnNlY3JldA==",
        "x_api_key": "cl13nt",
        "x_forwarded_for": "10.1.2.3",
        "x_real_ip": "10.1.2.3",
        "x_request_id": "cl13nt",
        "forwarded": "for=10.1.2.3;host=inner.corp.example",
        "referer": "https://inner.corp.example/",
        "origin": "https://inner.corp.example",
        "user_agent": "cl13nt/1.0",
        "from": "somebody@corp.example",
        "via": "1.1 inner.corp.example",
        "accept_language": "xx",
        "range": "bytes=0-5",
        "if_none_match": '"cl13nt"',
        "traceparent": "00-cl13nt",
    }
    targets = [target_of(module, kind) for kind in KINDS]
    targets += ["sumdb/sum.example.com/latest", "sumdb/sum.example.com/lookup/example.com/m@v1.0.0"]
    for target in targets:
        gateway.get(f"{target}?token=cl13nt", **own)
    assert upstream.asked >= len(targets) - 1
    for request in upstream.requests:
        assert set(request.headers) <= {"host", "user-agent", "via", "accept", "accept-encoding", "authorization"}
        assert "authorization" not in request.headers
        sent = f"{request.target} {request.headers}"
        for word in ("cl13nt", "Y2xpZW50", "corp.example", "10.1.2.3", "token="):
            assert word not in sent


def test_cookies_of_an_upstream_are_neither_kept_nor_handed_on(world: World) -> None:
    modules = [Module(f"example.com/m{number}", "v1.0.0") for number in range(3)]
    upstream = world.upstream(modules)
    gateway = world.gateway(upstream)

    def tasty(_: Request, given: Delivery) -> Delivery:
        headers = {**given.headers, "Set-Cookie": "upstream=1; Path=/", "X-Powered-By": "magic", "Server": "old/1"}
        return replace(given, headers=headers)

    upstream.misbehaves(tasty)
    for module in modules:
        answer = gateway.get(f"{module.name}.mod")
        assert not {"set-cookie", "x-powered-by", "server"} & answer.headers.keys()
    assert not any("cookie" in request.headers for request in upstream.requests)


def test_clients_with_and_without_credentials_share_one_fetch(world: World) -> None:
    module = Module("example.com/m", "v1.0.0")
    upstream = world.upstream([module])
    gateway = world.gateway(upstream)
    upstream.misbehaves(faults.slow_first_byte(0.3))
    headers = [{}, {"authorization": "Basic eDp5"}, {"authorization": "Bearer z"}, {"cookie": "a=b"}]
    answers = at_once(4, lambda number: gateway.get(f"{module.name}.mod", **headers[number]))
    assert {answer.body for answer in answers} == {module.mod_bytes}
    assert upstream.asked == 1


def test_the_url_of_a_checksum_database_may_hold_them_too(world: World) -> None:
    upstream = world.upstream({"example.com/m": ["v1.0.0"]})
    gateway = world.gateway(
        "off", checksum_database=(f"sum.example.com {with_credentials(upstream)}",), log_level="debug"
    )
    upstream.misbehaves(faults.status(500))
    answer = gateway.get("sumdb/sum.example.com/latest")
    assert answer.status == 502
    assert upstream.requests[0].headers["authorization"] == BASIC
    for where, text in [*everything_shown(gateway), ("answer", answer.text)]:
        for secret in SECRETS:
            assert secret not in text, where
