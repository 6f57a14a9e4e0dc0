"""Repositories as `github.com/acme/…`, and a `Direct` that reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.git.asking import Asking
from tests.git.forge import HOST
from tests.git.repositories import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Callable[[str], Repo]:
    """Makes the repository of a name; it may be known under any other."""
    return lambda name: Repo(tmp_path / "acme" / name)


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path / "ours", HOST, tmp_path / "acme")
