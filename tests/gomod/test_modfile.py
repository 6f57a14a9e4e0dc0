"""An error page or a binary is never served as a go.mod file; every go.mod is."""

import pytest

from modgate.errors import Malformed
from modgate.gomod.modfile import check_mod


@pytest.mark.parametrize(
    "text",
    [
        "module rsc.io/quote\n",
        'module "rsc.io/quote"\r\n\r\nrequire "rsc.io/sampler" v1.3.0\r\n',
        "// Deprecated: use v2\nmodule example.com/m // comment\n",
        "//",
        "/// <html>\n// {\ngo 1.21",
        "require (\n\texample.com/a v1.0.0\n)\n",
        "module example.com/elsewhere",
        "somethingnew x => y",
        "module ex@mple.com//bad path",
        "\ufeffmodule example.com/m\n",
        "module example.com/m // naïve ☺ comment\n",
        "module example.com/m // Beep!\a\n",  # as in one of Go's own script tests
    ],
)
def test_what_can_be_a_go_mod_passes(text: str) -> None:
    check_mod(text.encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\t \r\n",
        b"<!DOCTYPE html><html></html>",
        b"\n\n  <html>",
        b'{"error": "not found"}',
        b"[]",
        b"404 page not found",
        b"// fine so far\n\n<html>",
        b"/* no */ module x",
        b"/",
        b'"quoted"',
        b") x",
        b"PK\x03\x04",
        b"\x1f\x8b\x08\x00",
        b"module example.com/m\x00",
        b"module example.com/m // NUL\x00",
        b"module example.com/m\x0b",
        b"module example.com/m\x7f",
        b"module example.com/\xff",
        "модуль".encode(),
        "\ufeff\ufeffmodule x".encode(),
    ],
)
def test_what_cannot_be_a_go_mod_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        check_mod(data)
    assert caught.value.what == ".mod"


def test_a_long_run_of_comments_takes_no_time() -> None:
    check_mod(b"// comment\n" * 200_000 + b"module x")
