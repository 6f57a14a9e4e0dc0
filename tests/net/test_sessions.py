"""The client library is imported without the certificates of this machine, and nobody else misses them."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import asyncio, ssl, sys
from modgate.net.proxies import DIRECT
from modgate.net.sessions import Sessions

async def opened():
    sessions = Sessions({}, 8190, None)
    await asyncio.gather(sessions.opened(DIRECT), Sessions({}, 8190, None).opened(DIRECT))
    await sessions.close()

before = ssl.create_default_context().cert_store_stats()
asyncio.run(opened())
connector = sys.modules["aiohttp.connector"]
verified, other = connector._SSL_CONTEXT_VERIFIED, connector._SSL_CONTEXT_UNVERIFIED
assert verified.verify_mode is ssl.CERT_REQUIRED and verified.check_hostname
assert verified.cert_store_stats()["x509"] == other.cert_store_stats()["x509"] == 0
assert ssl.create_default_context().cert_store_stats() == before
assert "set_default_verify_paths" not in vars(ssl.SSLContext)
"""


def test_its_own_contexts_trust_nobody_and_those_of_others_are_as_ever() -> None:
    done = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
