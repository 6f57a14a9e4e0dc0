"""What a run proves: the verdict, and the lines that say so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.options import Options
from tests.conformance.processes import indented, tail
from tests.conformance.relay import Relay
from tests.conformance.results import Results

EXIT_OK, EXIT_FAILED, EXIT_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True)
class Run:
    """Everything that is known when the script tests have ended."""

    options: Options
    results: Results
    status: int
    """How the test program ended."""
    expected: Mapping[str, str]
    adapter: Relay
    tap: Relay
    logs: Path
    seconds: float

    @property
    def unexpected(self) -> list[str]:
        return [name for name in self.results.failed if name not in self.expected]

    @property
    def expected_failures(self) -> list[str]:
        return [name for name in self.results.failed if name in self.expected]

    @property
    def unexpected_passes(self) -> list[str]:
        return [name for name in self.results.named("PASS") if name in self.expected]


def report(run: Run) -> int:
    """Print everything and return the exit status."""
    _print_scripts(run)
    _print_requests(run)
    problem = _problem(run)
    fails = run.unexpected or (run.options.strict and run.unexpected_passes)
    verdict = EXIT_ERROR if problem else EXIT_FAILED if fails else EXIT_OK
    if run.options.json is not None:
        run.options.json.write_text(json.dumps(_as_json(run), indent=1) + "\n")
    if problem:
        print(f"\nerror: {problem}")
    if run.options.logs is not None or verdict != EXIT_OK:
        print(f"\nlogs: {run.logs}")
    print(f"\n{len(run.expected_failures)} expected failures, {len(run.unexpected_passes)} unexpected passes, ", end="")
    print(f"{run.seconds:.0f} s")
    # What may fail says as little as what was skipped: whoever reads only this line looks for failures.
    skipped = len(run.results.named("SKIP")) + len(run.expected_failures)
    print(f"{len(run.results.named('PASS'))} passed, {len(run.unexpected)} failed, {skipped} skipped")
    return verdict


def _print_scripts(run: Run) -> None:
    for name in run.unexpected:
        print(f"\nFAIL {name}" + (" (did not finish)" if name in run.results.unfinished else ""))
        print(indented(list(run.results.output.get(name, ()))[-run.options.tail :]))
    for name in run.expected_failures:
        print(f"\nexpected failure {name}: {run.expected[name]}")
    for name in run.unexpected_passes:
        print(f"\nunexpected pass {name}: remove it from {run.options.expected.name} ({run.expected[name]})")


def _print_requests(run: Run) -> None:
    print(f"\nrequests to the proxy under test: {run.adapter.total('proxy')}", *run.adapter.table("proxy"), sep="\n")
    print(f"requests with a test-only prefix, straight to the upstream: {run.adapter.total('upstream')}")
    if run.options.bypass_sumdb:
        print("  with ALL requests for the checksum database (--bypass-sumdb): nothing is proven about it")
    total = run.tap.total("upstream")
    print(f"requests from the proxy under test to the upstream: {total}", *run.tap.table("upstream"), sep="\n")


def _problem(run: Run) -> str:
    """Why the run proves nothing, or not enough; "" if it does."""
    results, outside = run.results, indented(list(run.results.outside))
    if not results.status:
        return f"no script was run:\n{outside}"
    if not run.adapter.total("proxy") and results.named("PASS"):
        return "no request reached the proxy under test, so the run proves nothing about it"
    log = run.logs / "proxy.log"
    if log.exists() and "Traceback (most recent call last)" in log.read_text(errors="replace"):
        return f"the proxy under test wrote a traceback:\n{tail(log)}"
    if results.unfinished or results.waiting or (run.status != 0 and not results.failed):
        return (
            f"the test binary ended early (status {run.status}): {len(results.unfinished)} scripts did not finish, "
            f"{len(results.waiting)} were not reached\n{outside}"
        )
    return ""


def _as_json(run: Run) -> dict[str, object]:
    results = run.results
    return {
        "seconds": round(run.seconds, 1),
        "short": run.options.short,
        "run": run.options.run,
        "results": {name: results.status.get(name, "FAIL") for name in sorted(results.begun - results.waiting)},
        "unexpected_failures": run.unexpected,
        "unexpected_passes": run.unexpected_passes,
        "proxy_requests": [[*key[1:], n] for key, n in sorted(run.adapter.counts.items()) if key[0] == "proxy"],
        "upstream_requests": [[*key[1:], n] for key, n in sorted(run.tap.counts.items())],
    }
