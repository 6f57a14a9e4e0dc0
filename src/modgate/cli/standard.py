"""The three descriptors that every program has, even where whoever started it closed them."""

from __future__ import annotations

import os
import sys

STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}


def complete() -> None:
    """Open /dev/null for each that is closed.

    Otherwise the next file or connection would get its number: the access log would be written into the store, and the
    event loop ends the process when it closes such a one. Our own children have them too.
    """
    for name, number in STANDARD.items():
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDONLY if name == "stdin" else os.O_WRONLY)  # the lowest free number is this one
            os.set_inheritable(number, True)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if name == "stdin" else "w", closefd=False))
