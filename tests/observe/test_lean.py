"""What a library would take along is kept out, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

from modgate.observe.lean import without


def test_what_is_kept_out_is_not_installed_within_the_block_only() -> None:
    with without("colorsys"), pytest.raises(ModuleNotFoundError):
        import colorsys
    import colorsys

    assert colorsys.rgb_to_hls(0, 0, 0) == (0, 0, 0)


def test_what_is_loaded_already_stays() -> None:
    before = sys.modules["pytest"]
    with without("pytest"):
        assert sys.modules["pytest"] is before
    assert sys.modules["pytest"] is before


def test_a_worker_loads_nothing_that_it_never_uses() -> None:
    unused = ("rich", "pygments", "msgspec", "difflib", "tomllib", "sqlalchemy", "alembic", "cryptography", "aiohttp")
    code = f"import sys, modgate.gateway.worker; print(*(name for name in {unused!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
