"""Imports without what a library takes along wherever that happens to be installed.

Belongs here: how such an import is kept out. Not here: imports that are put off until they are needed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def without(name: str) -> Iterator[None]:
    """In the block, whoever imports `name` is told that it is not installed; what is loaded already stays."""
    if name in sys.modules:
        yield
        return
    modules: dict[str, Any] = sys.modules
    modules[name] = None  # for the import system: there is none
    try:
        yield
    finally:
        del modules[name]
