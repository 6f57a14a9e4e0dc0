#!/usr/bin/env python3
"""Run the Go toolchain's own script tests (cmd/go/testdata/script) through a module proxy under test.

    script tests -> adapter -> proxy under test -> tap -> upstream (the test proxy of cmd/go)
                       `------- test-only prefixes -------^

README.md beside this file says how it works and how to read a failure.
"""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> int:
    """Run from anywhere: the packages of this checkout are found by this file's own place."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tests.conformance.options import parse_options
    from tests.conformance.suite import run_suite

    return run_suite(parse_options())


if __name__ == "__main__":
    sys.exit(main())
