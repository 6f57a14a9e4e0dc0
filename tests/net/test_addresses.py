"""Only the public Internet may be reached on the word of strangers, whatever an address is disguised as."""

from __future__ import annotations

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modgate.errors import Absent, Forbidden, GatewayError, Unavailable
from modgate.net.addresses import CONTROL, Addresses, Private, is_public


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",  # this machine, on many systems
        "10.0.0.1",
        "100.64.0.1",  # carrier-grade NAT
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",  # the metadata service of clouds
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd12:3456:789a::1",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "::ffff:10.0.0.1",  # mapped
        "::ffff:127.0.0.1",
        "::127.0.0.1",  # compatible
        "2002:7f00:1::",  # 6to4
        "2002:a00:1::1",
        "64:ff9b::127.0.0.1",  # NAT64
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",  # Teredo to 10.0.0.1
        "2620::5efe:a00:1",  # ISATAP
    ],
)
def test_an_address_that_only_some_can_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "172.32.0.1",
        "2606:2800:220:1::1",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ],
)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_disguise_makes_an_address_more_public(address: object) -> None:
    disguised = [f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}"]
    assert [is_public(one) for one in disguised if is_public(one)] == [] or is_public(str(address))


class Names:
    """A resolver with a table."""

    def __init__(self, **known: list[str] | Exception) -> None:
        self.known: dict[str, list[str] | Exception] = {name.replace("__", "."): what for name, what in known.items()}
        self.known.setdefault(CONTROL, ["8.8.8.8"])

    async def __call__(self, host: str, port: int) -> list[str]:
        found = self.known.get(host, socket.gaierror(socket.EAI_NONAME, "unknown"))
        if isinstance(found, Exception):
            raise found
        return found


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("public.example", ["8.8.8.8", "9.9.9.9"]),
        ("PUBLIC.example.", ["8.8.8.8", "9.9.9.9"]),
        ("8.8.8.8", ["8.8.8.8"]),
        ("[2606:2800:220:1::1]", ["2606:2800:220:1::1"]),
        ("private.example", Forbidden),
        ("mixed.example", Forbidden),  # one lookup may see one address, and the next one the other
        ("127.0.0.1", Forbidden),
        ("[::1]", Forbidden),
        ("git.corp.example", ["10.1.1.1"]),
        ("10.2.3.4", ["10.2.3.4"]),
        ("net.example", ["10.2.0.9"]),
        ("other.corp.example.org", Forbidden),
        ("nowhere.example", Absent),
        ("empty.example", Absent),
        ("-option.example", Absent),
        ("with space.example", Absent),
        ("a\nb.example", Absent),
        ("broken.example", Unavailable),
        ("0x7f.1", Forbidden),  # old spellings of addresses are names to us, and their addresses count
        ("2130706433", Forbidden),
    ],
)
async def test_a_host_is_looked_up_and_judged(host: str, expected: list[str] | type[GatewayError]) -> None:
    names = Names(
        public__example=["8.8.8.8", "9.9.9.9"],
        private__example=["192.168.0.1"],
        mixed__example=["8.8.8.8", "192.168.0.1"],
        git__corp__example=["10.1.1.1"],
        net__example=["10.2.0.9"],
        other__corp__example__org=["10.1.1.1"],
        empty__example=[],
        broken__example=socket.gaierror(socket.EAI_AGAIN, "try again"),
    )
    names.known.update({"0x7f.1": ["127.0.0.1"], "2130706433": ["127.0.0.1"]})
    addresses = Addresses(Private.of(["*.corp.example", "10.2.0.0/16"]), names)
    if isinstance(expected, list):
        assert await addresses.resolve(host, 443) == expected
    else:
        with pytest.raises(expected):
            await addresses.resolve(host, 443)


async def test_a_resolver_that_finds_nothing_at_all_proves_no_absence() -> None:
    names = Names()
    names.known[CONTROL] = socket.gaierror(socket.EAI_NONAME, "unknown")
    with pytest.raises(Unavailable):
        await Addresses(Private(), names).resolve("nowhere.example", 443)


async def test_on_a_network_that_knows_only_our_upstreams_their_names_prove_that_the_resolver_works() -> None:
    names = Names(mirror__example=["192.168.0.9"])
    names.known[CONTROL] = socket.gaierror(socket.EAI_NONAME, "unknown")
    addresses = Addresses(Private(), names, controls=["gone.example", "mirror.example"])
    with pytest.raises(Absent):
        await addresses.resolve("nowhere.example", 443)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("public.example", None),
        ("private.example", Forbidden),
        ("10.1.2.3", Forbidden),
        ("git.corp.example", None),  # allowed by its name: it need not be known here
        ("git.corp.example.", None),
        ("10.2.0.9", None),
        ("net.example", None),
        ("nowhere.example", Unavailable),  # the proxy may know it: that is no absence
        ("broken.example", Unavailable),
    ],
)
async def test_a_host_behind_a_proxy_is_judged_by_what_is_known_here(
    host: str, expected: type[GatewayError] | None
) -> None:
    names = Names(
        public__example=["8.8.8.8"],
        private__example=["8.8.8.8", "192.168.0.1"],
        net__example=["10.2.0.9"],
        broken__example=socket.gaierror(socket.EAI_AGAIN, "try again"),
    )
    addresses = Addresses(Private.of(["*.corp.example", "10.2.0.0/16"]), names)
    if expected is None:
        await addresses.admit(host, 443)
    else:
        with pytest.raises(expected):
            await addresses.admit(host, 443)
