"""Only trusted proxies are believed about their clients, and only as far as they wrote themselves."""

from __future__ import annotations

import pytest

from modgate.errors import SetupError
from modgate.serve.proxies import TrustedProxies, plain_address

OURS = TrustedProxies(["10.0.0.0/8", "192.0.2.1", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.1.2.3", True),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("::ffff:10.1.2.3", True),
        ("fd00::1", True),
        ("fe80::1%eth0", False),
        ("", False),
        ("nonsense", False),
    ],
)
def test_a_peer_is_trusted_by_its_network(peer: str, trusted: bool) -> None:
    assert OURS.trusts(peer) is trusted
    assert OURS.peer(peer) == (plain_address(peer), trusted)


@pytest.mark.parametrize(
    ("forwarded", "real_ip", "client"),
    [
        (b"", b"", "10.0.0.1"),
        (b"198.51.100.7", b"", "198.51.100.7"),
        (b"1.1.1.1, 198.51.100.7", b"", "198.51.100.7"),  # the left one is the client's own claim
        (b"198.51.100.7, 10.9.9.9", b"", "198.51.100.7"),
        (b"10.8.8.8, 10.9.9.9", b"", "10.8.8.8"),
        (b"spoof, 10.9.9.9", b"", "10.9.9.9"),
        (b"spoof", b"", "10.0.0.1"),
        (b'"},{"x":"', b"", "10.0.0.1"),
        (b"2001:db8::7", b"", "2001:db8::7"),
        (b"::ffff:198.51.100.7", b"", "198.51.100.7"),
        (b"198.51.100.7:41234", b"", "198.51.100.7"),  # as some balancers write it
        (b"198.51.100.7:41234, 10.9.9.9:80", b"", "198.51.100.7"),
        (b"[2001:db8::7]:443", b"", "2001:db8::7"),
        (b"[2001:db8::7]", b"", "2001:db8::7"),
        (b"[198.51.100.7", b"", "10.0.0.1"),
        (b"198.51.100.7:x", b"", "10.0.0.1"),
        (b"", b"198.51.100.8", "198.51.100.8"),
        (b"", b"spoof", "10.0.0.1"),
        (b"198.51.100.7", b"198.51.100.8", "198.51.100.7"),
        (b",".join([b"10.0.0.2"] * 1000), b"", "10.0.0.2"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_not_ours(forwarded: bytes, real_ip: bytes, client: str) -> None:
    assert OURS.client("10.0.0.1", forwarded, real_ip) == client


def test_nobody_is_trusted_without_settings() -> None:
    assert not TrustedProxies([]).trusts("127.0.0.1")


def test_a_network_that_is_none_is_a_setup_error() -> None:
    with pytest.raises(SetupError, match=r"trusted_proxies: .*300\.0\.0\.1"):
        TrustedProxies(["300.0.0.1"])


@pytest.mark.parametrize(
    ("peer", "shown"), [("::ffff:1.2.3.4", "1.2.3.4"), ("fe80::1%eth0", "fe80::1"), ("1.2.3.4", "1.2.3.4"), ("", "")]
)
def test_addresses_are_shown_as_people_write_them(peer: str, shown: str) -> None:
    assert plain_address(peer) == shown
