"""The runner of the script tests reads what they say, and counts requests by what they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.options import HERE
from tests.conformance.processes import RunnerError
from tests.conformance.relay import kind_of
from tests.conformance.results import Results, read_expectations
from tests.conformance.testbinary import Edit

OUTPUT = """\
\x16=== RUN   TestScript
\x16=== RUN   TestScript/good
\x16=== PAUSE TestScript/good
\x16=== RUN   TestScript/bad
a line of bad
\x16=== RUN   TestScript/known
\x16=== RUN   TestScript/lost
\x16=== CONT  TestScript/good
\x16    --- PASS: TestScript/good (0.10s)
\x16    --- FAIL: TestScript/bad (0.20s)
\x16    --- FAIL: TestScript/known (0.20s)
\x16=== RUN   TestScript/left_out
\x16    --- SKIP: TestScript/left_out (0.00s)
\x16=== RUN   TestScript/late
\x16=== PAUSE TestScript/late
"""


def test_results_are_read_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    results = Results({"known": "on purpose"}, verbose=False)
    for line in OUTPUT.splitlines():
        results.feed(line)
    assert results.status == {"good": "PASS", "bad": "FAIL", "known": "FAIL", "left_out": "SKIP"}
    assert list(results.output["bad"]) == ["a line of bad"]
    assert results.unfinished == ["lost"]
    assert results.failed == ["bad", "known", "lost"]
    assert results.waiting == {"late"}
    assert capsys.readouterr().out == "FAIL bad (0.2s)\n"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/rsc.io/quote/@v/list", "list"),
        ("/rsc.io/quote/@latest", "@latest"),
        ("/rsc.io/quote/@v/v1.0.0.info", "info"),
        ("/rsc.io/quote/@v/v1.0.0.zip?x=1", "zip"),
        ("/sumdb/localhost.localdev/sumdb/supported", "sumdb/supported"),
        ("/lookup/rsc.io/quote@v1.0.0", "sumdb/lookup"),
        ("/sumdb/localhost.localdev/sumdb/tile/8/0/000", "sumdb/tile"),
        ("/", "other"),
    ],
)
def test_requests_have_kinds(path: str, kind: str) -> None:
    assert kind_of(path) == kind


def test_every_expected_failure_has_its_reason(tmp_path: Path) -> None:
    assert read_expectations(HERE / "expected_failures.txt").keys() == {"mod_load_badzip", "mod_bad_filenames"}
    bare = tmp_path / "bare.txt"
    bare.write_text("# comment\n\nmod_e\n")
    with pytest.raises(RunnerError, match=r"bare\.txt:3"):
        read_expectations(bare)


def test_every_script_that_direct_mode_alone_can_pass_has_its_reason() -> None:
    expected = read_expectations(HERE / "expected_failures_direct.txt")
    assert len(expected) == 18
    assert all(len(reason) > 20 for reason in expected.values())


def test_a_script_that_goes_past_the_proxy_has_failed() -> None:
    results = Results({}, verbose=False)
    for line in OUTPUT.splitlines():
        results.feed(line)
    results.proves_nothing_without({"bad"})
    assert results.named("PASS") == []
    assert list(results.output["good"]) == ["it passed without asking the proxy under test"]


def test_a_source_is_changed_in_one_line_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "a.go").write_text('import (\n\t"os"\n)\n\nfunc f() {\n\tx = 1\n}\n\nfunc g() {\n\tx = 1\n}\n')
    changed = Edit("a.go", "f", r"^\tx = 1$", r"\tx = 2").apply(tmp_path)
    assert changed.endswith("func f() {\n\tx = 2\n}\n\nfunc g() {\n\tx = 1\n}\n")
    with pytest.raises(RunnerError, match="another shape"):
        Edit("a.go", "f", r"^\ty = 1$", "").apply(tmp_path)
