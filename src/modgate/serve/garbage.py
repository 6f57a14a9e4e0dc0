"""The garbage collector in a process that serves: it has little to look for, and clients wait while it looks.

Nearly everything here is freed by its reference count. A full collection looks at each object of the program and its
libraries, which are there to stay: 15 to 35 ms in which nobody is answered. So there is none while a process starts,
and what has been loaded is left out for ever; a full collection takes less than a millisecond then.
"""

from __future__ import annotations

import gc


def postpone() -> None:
    """Collect nothing until `begin`: a process that starts makes little but what it keeps. Lifecycle.run begins."""
    gc.disable()


def begin() -> None:
    """From now on collect what is made from now on."""
    leave_out()
    gc.enable()


def leave_out() -> None:
    """Never look again at what is there now, which is mostly what has just been imported."""
    gc.freeze()
