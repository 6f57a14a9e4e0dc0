"""What the kernel knows of this process: memory, processor time, descriptors. Read only when somebody looks."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from modgate.observe.families import BUILD, CPU_SECONDS, OPEN_FILES, RESIDENT_BYTES, START_TIME
from modgate.observe.metrics import Metrics


def register(metrics: Metrics, *, version: str, started: float) -> None:
    """Add the process's own numbers; `started` is in seconds since the epoch."""
    metrics.read(RESIDENT_BYTES, resident_bytes)
    metrics.read(CPU_SECONDS, cpu_seconds)
    metrics.read(OPEN_FILES, open_files)
    metrics.gauge(START_TIME).set(started)
    metrics.gauge(BUILD, version).set(1)


def resident_bytes() -> float:
    """Memory that is in RAM, in bytes; without /proc the largest it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def cpu_seconds() -> float:
    """User and system time so far."""
    times = os.times()
    return times.user + times.system


def open_files() -> float:
    """Open descriptors; 0 where the machine does not tell."""
    try:
        return float(len(os.listdir("/proc/self/fd")))
    except OSError:
        return 0.0
