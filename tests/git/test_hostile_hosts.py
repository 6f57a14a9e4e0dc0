"""What a stranger's host, page or path says never leads the gateway into the company's network, nor to a program.

Each of these is asked of a real gateway, by the URL that a go command would send. The answer has a clear text, nobody
inside was asked for anything, and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.git.asking import contents
from tests.git.forge import tree
from tests.git.repositories import Repo
from tests.git.smart import Host, Reply
from tests.git.test_hostile import leaf_of, nested, with_tree
from tests.hosts.authority import Company
from tests.hosts.tables import hosts
from tests.world import Gateway, Response, Upstream, World, eventually, faults

NAME = "stranger.example"
"""A host of the internet, which is reached by a proxy; everything else would be reached directly."""
MODULE = f"{NAME}/m"
REFUSED = frozenset({400, 403, 404, 502})


@pytest.fixture
def company(tmp_path: Path) -> Company:
    return Company(tmp_path)


@pytest.fixture
def host(tmp_path: Path, company: Company) -> Iterator[Host]:
    repo = Repo(tmp_path / "repositories/real")
    repo.commit({**tree("m"), "go.mod": f"module {MODULE}\n"}, "v1.0.0")
    repo.save()
    with Host(tmp_path / "repositories", company.tls(NAME)) as serving:
        serving.page("/m", f"{MODULE} git https://{NAME}/real")
        yield serving


@pytest.fixture
def inside(world: World, company: Company) -> Upstream:
    """A service of the company that answers whoever reaches it; all addresses of this machine are private ones."""
    return world.upstream(tls=company.tls("127.0.0.1"))


@pytest.fixture
def gateway(world: World, host: Host, company: Company) -> Gateway:
    way = world.way_out(names={NAME: host.port})
    config = hosts(world, {"match": NAME, "proxy": way.url})
    trust = {"SSL_CERT_FILE": str(company.ca)}
    return world.gateway("direct", config=config, git={"private_hosts": NAME}, environ=trust)


def complaint(answer: Response, words: str) -> str:
    """What is wrong with an answer that should refuse, and say these words; "" if nothing is."""
    is_clear = words in answer.text and len(answer.body) <= 600 and answer.text.count("\n") <= 8
    return "" if answer.status in REFUSED and is_clear else f"{answer.status}, without {words!r}: {answer.text}"


def expect_nothing_came_of_it(gateway: Gateway, inside: Upstream) -> None:
    assert inside.asked == 0
    gateway.tidies_up()
    assert gateway.files("modules") == []


def test_an_honest_page_of_that_host_is_followed(gateway: Gateway) -> None:
    """Else nothing of what follows would prove anything."""
    assert gateway.get(f"{MODULE}/@v/v1.0.0.mod").text == f"module {MODULE}\n"


PLACES = [
    ("https://127.0.0.1:{port}/m", "127.0.0.1"),
    ("https://localhost:{port}/m", "localhost"),
    ("https://[::1]:{port}/m", "::1"),
    ("https://[::ffff:127.0.0.1]:{port}/m", "::ffff:127.0.0.1"),
    ("https://0x7f000001:{port}/m", "0x7f000001"),
    ("https://2130706433:{port}/m", "2130706433"),
    ("https://127.1:{port}/m", "127.1"),
    ("https://169.254.169.254/latest/meta-data", "169.254.169.254"),
    ("ssh://git@10.0.0.1/m", "10.0.0.1"),
    ("http://127.0.0.1:{port}/m", "http"),
    ("git://127.0.0.1:{port}/m", "git"),
    ("file:///etc", NAME),
    ("ext::sh -c id", NAME),
    ("--upload-pack=id", NAME),
    ("ssh://-oProxyCommand=id/m", NAME),
    ("https://-c/m", NAME),
]


@pytest.mark.parametrize("system", ["git", "mod"])
def test_a_page_leads_nowhere_inside(gateway: Gateway, host: Host, inside: Upstream, system: str) -> None:
    said = dict[str, str]()
    for number, (place, words) in enumerate(PLACES):
        module = f"{NAME}/m{number}"
        host.page(f"/m{number}", f"{module} {system} {place.format(port=inside.port)}")
        said[place] = complaint(gateway.get(f"{module}/@v/v1.0.0.mod"), words)
    assert {place: wrong for place, wrong in said.items() if wrong} == {}
    expect_nothing_came_of_it(gateway, inside)


def test_no_redirect_leads_inside(gateway: Gateway, host: Host, inside: Upstream) -> None:
    said = dict[str, str]()
    places = ["https://127.0.0.1:{}/x", "http://127.0.0.1:{}/x", "//127.0.0.1:{}/x", "file:///etc/passwd", "ext::sh"]
    for number, place in enumerate(places):
        away = Reply(302, {"Location": place.format(inside.port)})
        host.replies[f"/page{number}?go-get=1"] = away
        said[f"page {place}"] = complaint(gateway.get(f"{NAME}/page{number}/@v/list"), NAME)
        host.page(f"/m{number}", f"{NAME}/m{number} git https://{NAME}/repository{number}")
        host.replies[f"/repository{number}/info/refs"] = away
        said[f"repository {place}"] = complaint(gateway.get(f"{NAME}/m{number}/@v/list"), NAME)
    assert {place: wrong for place, wrong in said.items() if wrong} == {}
    expect_nothing_came_of_it(gateway, inside)


def test_what_leads_to_itself_is_not_followed_for_ever(gateway: Gateway, host: Host, inside: Upstream) -> None:
    host.replies["/loop?go-get=1"] = Reply(302, {"Location": f"https://{NAME}/loop?go-get=1"})
    assert complaint(gateway.get(f"{NAME}/loop/@v/list"), NAME) == ""
    host.page("/deep/m", f"{NAME}/deep git https://{NAME}/x")
    host.page("/deep", f"{NAME} git https://{NAME}/x")
    assert complaint(gateway.get(f"{NAME}/deep/m/@v/list"), NAME) == ""
    host.page("/self", f"{NAME}/self mod {gateway.url}")
    assert complaint(gateway.get(f"{NAME}/self/@v/list"), NAME) == ""
    assert len(host.requests) < 50
    expect_nothing_came_of_it(gateway, inside)


TARGETS = [
    ("127.0.0.1/m/@v/list", "127.0.0.1"),
    ("127.0.0.1/m.git/@v/list", "127.0.0.1"),
    ("169.254.169.254/latest/meta-data/@v/list", "169.254.169.254"),
    ("10.0.0.1/m.git/sub/@v/list", "10.0.0.1"),
    ("127.0.0.1/-upload-pack.git/@v/list", ""),
    ("-oproxycommand.example/m/@v/list", ""),
    ("--upload-pack=id.example/m.git/@v/list", ""),
    (f"{NAME}/m/../../../etc/passwd/@v/list", ""),
    (f"{NAME}/%2e%2e/m/@v/list", ""),
    (f"{NAME}/m.git/.git/config/@v/list", ""),
    ("ext::sh%20-c%20id.example/m/@v/list", ""),
    (f"{MODULE}/@v/--upload-pack=id.info", ""),
    (f"{MODULE}/@v/-c.info", ""),
    (f"{MODULE}/@v/refs%2Fheads%2F..%2F..%2Fmain.info", ""),
    (f"{MODULE}/@v/v1.0.0%5E%7Btree%7D.info", ""),
    (f"{MODULE}/@v/!h!e!a!d~1.info", ""),
    (f"{MODULE}/@v/main:go.mod.info", ""),
    (f"{MODULE}/@v/@%7B-1%7D.info", ""),
    (f"{MODULE}/@v/v1.0.0;id.info", ""),
    (f"{MODULE}/@v/$(id).info", ""),
    (f"{MODULE}/@v/%0a--exec.info", ""),
]


def test_no_path_or_version_is_an_address_an_option_or_an_expression(gateway: Gateway, inside: Upstream) -> None:
    said = {target: complaint(gateway.get(target), words) for target, words in TARGETS}
    assert {target: wrong for target, wrong in said.items() if wrong} == {}
    expect_nothing_came_of_it(gateway, inside)


def test_pages_that_are_huge_cost_little(gateway: Gateway, host: Host, inside: Upstream) -> None:
    host.page("/many", *(f"{NAME}/other{number} git https://{NAME}/other{number}" for number in range(20_000)))
    assert complaint(gateway.get(f"{NAME}/many/@v/list"), NAME) == ""
    before = gateway.memory()
    host.replies["/endless?go-get=1"] = Reply(200, {}, b"<meta name='go-import' content='" + b"x" * (50 << 20))
    assert complaint(gateway.get(f"{NAME}/endless/@v/list"), NAME) == ""
    assert gateway.memory() - before < 30 << 20
    expect_nothing_came_of_it(gateway, inside)


def test_what_a_repository_blows_up_to_is_never_kept(gateway: Gateway, host: Host, inside: Upstream) -> None:
    module = f"{NAME}/bomb"
    origin = Repo(host.place / "bomb")
    origin.commit(tree("m"))
    origin.save()
    with_tree(origin, nested(origin, 9, 10, leaf_of(origin)), module)
    host.page("/bomb", f"{module} git https://{NAME}/bomb")
    before = gateway.memory()
    assert complaint(gateway.get(f"{module}/@v/v1.0.0.zip"), "bytes that are allowed") == ""
    assert gateway.memory() - before < 200 << 20
    expect_nothing_came_of_it(gateway, inside)


def test_a_page_that_trickles_costs_its_deadline(world: World, company: Company) -> None:
    """Each byte comes in time, and the page never."""
    slow = world.upstream(tls=company.tls(NAME))
    slow.misbehaves(faults.together(faults.body(b" " * 100_000), faults.trickles(100)))
    config = hosts(world, {"match": NAME, "proxy": world.way_out(names={NAME: slow.port}).url})
    trust, deadlines = {"SSL_CERT_FILE": str(company.ca)}, {"small_total": "2s", "idle": "1s"}
    gateway = world.gateway("direct", config=config, git={"private_hosts": NAME}, environ=trust, deadlines=deadlines)
    answer = gateway.get(f"{MODULE}/@v/list")
    assert answer.status == 504 and NAME in answer.text


def test_a_tag_that_moves_changes_nothing_and_is_told_with_both_commits(gateway: Gateway, host: Host) -> None:
    origin = Repo(host.place / "moving")
    first = origin.commit({**tree("m"), "go.mod": f"module {NAME}/moving\n"}, "v1.0.0")
    served = origin.save().hash(first)
    host.page("/moving", f"{NAME}/moving git https://{NAME}/moving")
    at = f"{NAME}/moving/@v/v1.0.0"
    info = gateway.get(f"{at}.info").json()
    assert info["Origin"]["Hash"] == served
    second = origin.commit({"go.mod": f"module {NAME}/moving\n", "other.go": "package m\n"}, "v1.0.0", "v1.1.0")
    now = origin.save().hash(second)
    # Anew is at most once a second.
    versions = f"{NAME}/moving/@v/list"
    eventually(lambda: "v1.1.0" in gateway.get(versions, cache_control="no-cache").text, "the list has the new version")
    # Only the .info was here: the files that come later are of the same commit.
    assert set(contents(gateway.get(f"{at}.zip").body)) == {f"{NAME}/moving@v1.0.0/{one}" for one in ("go.mod", "m.go")}
    assert gateway.get(f"{at}.info").json() == info
    told = eventually(lambda: [line for line in gateway.log_text().splitlines() if "retagged" in line], "it is told")[0]
    assert served in told and now in told
