"""What the script tests said: reading the output of `-test.v=test2json`, and which failures are expected."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.conformance.processes import RunnerError

RESULT = re.compile(r"\s*--- (PASS|FAIL|SKIP): TestScript/(\S+) \(([\d.]+)s\)")
SECTION = re.compile(r"=== (RUN|CONT|NAME|PAUSE)\s+(?:TestScript/)?(\S*)")

KEPT_LINES = 400
"""Of a failed script's output; the whole is in tests.log."""


class Results:
    """Is fed with lines; each line of the test framework starts with ^V."""

    def __init__(self, expected: Mapping[str, str], *, verbose: bool) -> None:
        """`expected` names the scripts that may fail; `verbose` prints a line for every script."""
        self._expected = expected
        self._verbose = verbose
        self.status: dict[str, str] = {}
        """PASS, FAIL or SKIP by the name of the script."""
        self.begun: set[str] = set()
        self.waiting: set[str] = set()
        self.output: dict[str, deque[str]] = {}
        self.outside: deque[str] = deque(maxlen=40)
        """Lines that belong to no script."""
        self._current = ""

    def feed(self, line: str) -> None:
        """Take one line of output."""
        text, *framework = line.rstrip("\n").split("\x16")
        if text:
            self.output.get(self._current, self.outside).append(text)
        for part in framework:
            if section := SECTION.match(part):
                self._enter(section[1], section[2])
            elif result := RESULT.match(part):
                self._finish(result[2], result[1], float(result[3]))
            else:
                self.outside.append(part)

    def _enter(self, what: str, name: str) -> None:
        self._current = "" if name.startswith("Test") else name
        if self._current:
            self.begun.add(self._current)
            (self.waiting.add if what == "PAUSE" else self.waiting.discard)(self._current)
            self.output.setdefault(self._current, deque(maxlen=KEPT_LINES))

    def _finish(self, name: str, status: str, seconds: float) -> None:
        self.status[name], self._current = status, name
        if status != "FAIL":
            self.output[name] = deque(maxlen=0)
        unexpected = [failed for failed in self.named("FAIL") if failed not in self._expected]
        if self._verbose or name in unexpected:
            print(f"{status} {name} ({seconds:.1f}s)", flush=True)
        elif len(self.status) % 100 == 0:
            print(f"... {len(self.status)} scripts done, {len(unexpected)} failed", flush=True)

    def proves_nothing_without(self, asking: Collection[str]) -> None:
        """A script that passed and is not among those `asking` the proxy has failed: it has gone past it."""
        for name in set(self.named("PASS")) - set(asking):
            self.status[name] = "FAIL"
            self.output[name] = deque(["it passed without asking the proxy under test"])

    def named(self, status: str) -> list[str]:
        """The scripts with this status."""
        return sorted(name for name, got in self.status.items() if got == status)

    @property
    def unfinished(self) -> list[str]:
        """Scripts that began and never said how they ended."""
        return sorted(self.begun - self.waiting - self.status.keys())

    @property
    def failed(self) -> list[str]:
        """Scripts that failed or did not finish."""
        return sorted({*self.named("FAIL"), *self.unfinished})


def read_expectations(path: Path) -> dict[str, str]:
    """Which scripts may fail, and why: `name: reason` per line; `#` starts a comment line.

    Raises:
        RunnerError: a line without a reason.
    """
    expected = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, colon, reason = line.partition(":")
            if not colon or not reason.strip():
                raise RunnerError(f"{path.name}:{number}: expected `name: reason`")
            expected[name.strip()] = reason.strip()
    return expected
