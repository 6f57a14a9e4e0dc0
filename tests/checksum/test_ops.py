"""The fake keeps the contract."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from modgate.errors import Absent
from tests.checksum.fakes import MemoryOps, Way
from tests.checksum.log import Serve
from tests.checksum.ops_contract import Make, OpsContract


def serving(files: Mapping[str, bytes]) -> Serve:
    def serve(name: str) -> bytes:
        if name not in files:
            raise Absent(asked=name)
        return files[name]

    return serve


class TestMemoryOps(OpsContract):
    """In memory."""

    @pytest.fixture
    def make_ops(self) -> Make:
        return lambda *ways: MemoryOps(*(Way(f"way {n}", serving(files)) for n, files in enumerate(ways)))
