"""Why a run ends without results."""

from __future__ import annotations


class Broken(Exception):
    """The run proves nothing: something did not answer, or answered something else than the others."""


class Missing(Exception):
    """A program that the benchmark needs is not installed; the text names its Debian package."""
