"""The simulated world: upstreams, checksum databases, gateways and go commands that tests use like sentences.

Belongs here: whatever surrounds the gateway under test, real processes and real sockets on the loopback address. Not
here: expectations about modgate (one folder of tests for each behaviour), modgate's own code: the world works hashes
and trees out by itself, so that the two check each other.
"""

from tests.world import faults
from tests.world.client import Connection, Response, at_once, get
from tests.world.database import Database, DatabaseServer
from tests.world.delivery import Gate, Request
from tests.world.gateway import Gateway
from tests.world.gocommand import Go
from tests.world.modules import Module, hash1, pack
from tests.world.upstream import Upstream
from tests.world.waiting import eventually
from tests.world.wayout import WayOut
from tests.world.world import World

__all__ = [
    "Connection",
    "Database",
    "DatabaseServer",
    "Gate",
    "Gateway",
    "Go",
    "Module",
    "Request",
    "Response",
    "Upstream",
    "WayOut",
    "World",
    "at_once",
    "eventually",
    "faults",
    "get",
    "hash1",
    "pack",
]
