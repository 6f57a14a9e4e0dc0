"""The checking child: reads growing zips, inflates and hashes their entries as the bytes come, and judges them.

Run as `python -m modgate.cache.checker` by checking.py, at low priority and with few imports, so that the serving loop
never hashes anything large (the h1 of a zip of 37 MB with 13,000 files takes 1.5 s). Lines of JSON come on standard
input and go to standard output; the end of the input ends it.

    {"job": 1, "path": "/…/x.part", "module": "example.com/m", "version": "v1.0.0", "limits": {…}}
    {"job": 1, "size": 1048576}                 so many bytes are there
    {"job": 1, "size": 2000000, "end": true}    and no more will come
    {"job": 1, "drop": true}                    nobody wants to know any more
    → {"job": 1, "h1": "h1:…", "sha256": "…", "files": 12}   or {"job": 1, "why": "…"}   or {"job": 1, "failed": "…"}
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
from dataclasses import dataclass, field
from typing import Any

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.modzip import ZipLimits
from modgate.gomod.ziphash import hash_zip
from modgate.gomod.zipstream import ZipHasher

STEP = 1 << 20
"""Bytes of one job before the next one has its turn: a small zip does not wait behind a large one."""
NICE = 19
"""Serving comes first. At 10 every hundredth hit waited for up to 4 ms, a tick of the kernel, while zips arrived."""
WORDS = 300
"""Characters of a reason that are told: names of files have up to 64 KiB, and who listens bounds a line."""


@dataclass(slots=True)
class Job:
    """One zip."""

    descriptor: int
    module: ModulePath
    version: str
    limits: ZipLimits
    hasher: ZipHasher
    size: int = 0
    done: int = 0
    ended: bool = field(default=False)

    def step(self) -> None:
        data = os.pread(self.descriptor, min(STEP, self.size - self.done), self.done)
        if not data:
            raise OSError("the file is shorter than it was said to be")
        self.hasher.feed(data)
        self.done += len(data)

    def verdict(self) -> dict[str, Any]:
        def read(offset: int, length: int) -> bytes:
            return os.pread(self.descriptor, length, offset)

        total = hash_zip(read, self.size, self.module, self.version, self.hasher.results, self.limits)
        return {"h1": total.h1, "sha256": self.hasher.whole_sha256, "files": total.files}


class Jobs:
    """All zips of this child, taken in turns."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}

    @property
    def busy(self) -> bool:
        return any(job.done < job.size or job.ended for job in self._jobs.values())

    def told(self, message: dict[str, Any]) -> None:
        number = message["job"]
        if "path" in message:
            limits = ZipLimits(**message["limits"])
            descriptor = os.open(message["path"], os.O_RDONLY)
            module = ModulePath(message["module"])
            self._jobs[number] = Job(descriptor, module, message["version"], limits, ZipHasher(limits))
        elif job := self._jobs.get(number):
            job.size = message.get("size", job.size)
            job.ended = message.get("end", job.ended)
            if message.get("drop"):
                self._close(number)

    def work(self) -> list[dict[str, Any]]:
        """One step of each job; the verdicts that came of it."""
        verdicts = []
        for number, job in list(self._jobs.items()):
            try:
                if job.done < job.size:
                    job.step()
                elif job.ended:
                    verdicts.append({"job": number, **job.verdict()})
                    self._close(number)
            except Malformed as error:
                verdicts.append({"job": number, "why": error.why[:WORDS]})
                self._close(number)
            except (OSError, MemoryError, ValueError) as error:
                verdicts.append({"job": number, "failed": f"{type(error).__name__}: {error}"[:WORDS]})
                self._close(number)
        return verdicts

    def _close(self, number: int) -> None:
        os.close(self._jobs.pop(number).descriptor)


def main() -> None:
    # Signals to the whole group are for the parent, which may need verdicts until its drain is over; the end of our
    # input ends us.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.nice(NICE)
    jobs, rest = Jobs(), b""
    while True:
        readable, _, _ = select.select([0], [], [], 0 if jobs.busy else None)
        if readable:
            data = os.read(0, 65536)
            if not data:
                return
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                _tell(jobs, json.loads(line))
        for verdict in jobs.work():
            _say(verdict)


def _say(verdict: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(verdict) + "\n")
    sys.stdout.flush()


def _tell(jobs: Jobs, message: dict[str, Any]) -> None:
    try:
        jobs.told(message)
    except OSError as error:
        _say({"job": message["job"], "failed": f"{type(error).__name__}: {error.strerror}"})


if __name__ == "__main__":
    main()
