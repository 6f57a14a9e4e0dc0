"""One log for all tests of its mathematics."""

from __future__ import annotations

import pytest

from tests.tlog.stored import StoredHashes


@pytest.fixture(scope="session")
def log() -> StoredHashes:
    """3,000 records `leaf 0` …; every smaller tree is its beginning."""
    return StoredHashes(3000)
