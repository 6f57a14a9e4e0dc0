"""An .info file is believed only where the go command would believe it."""

import json

import pytest

from modgate.errors import Malformed
from modgate.gomod.info import check_info
from modgate.gomod.paths import check_path

QUOTE = check_path("rsc.io/quote")


@pytest.mark.parametrize(
    ("info", "asked"),
    [
        ('{"Version":"v1.5.2","Time":"2018-02-14T15:44:20Z"}', "v1.5.2"),
        ('{"Version":"v1.5.2"}', "v1.5.2"),
        ('{"Version":"v1.5.2","Time":null,"Origin":null,"Name":"x","Short":"y"}', "v1.5.2"),
        (' \n{"Version":"v1.5.2","Origin":{"VCS":"git","Hash":"ab","Version":"v9.9.9"}}\n', "v1.5.2"),
        ('{"Version":"v1.5.2"}', "master"),
        ('{"Version":"v1.5.2"}', "v1"),
        ('{"Version":"v1.5.2"}', ""),
        ('{"version":"v1.5.2"}', "v1.5.2"),
        ('{"Version":"v1.0.0","VERSION":"v1.5.2","Ver\u017fion":null}', "v1.5.2"),
        ('{"Version":"v1.5.2","Size":%s}' % ("9" * 5000), "v1.5.2"),
        ('{"Version":"v1.5.2"}', "v2.0.0"),
    ],
)
def test_the_version_inside_is_returned(info: str, asked: str) -> None:
    assert check_info(info.encode(), QUOTE, asked) == "v1.5.2"


@pytest.mark.parametrize("version", ["v2.0.0+incompatible", "v0.0.0-20180214005840-23179ee8a569", "v2.0.0"])
def test_a_version_that_does_not_fit_the_path_may_be_answered_with_another(version: str) -> None:
    assert check_info(b'{"Version":"%s"}' % version.encode(), QUOTE, "v2.0.0") == version


def test_a_version_that_fits_the_path_must_be_answered_with_itself() -> None:
    with pytest.raises(Malformed, match=r"about v1\.5\.1 instead of v1\.5\.2"):
        check_info(b'{"Version":"v1.5.1"}', QUOTE, "v1.5.2")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not found",
        b"<html></html>",
        b"null",
        b"[]",
        b'[["Version","v1.5.2"]]',
        b'"v1.5.2"',
        b"{}",
        b'{"Version":null}',
        b'{"Version":""}',
        b'{"Version":152}',
        b'{"Version":["v1.5.2"]}',
        b'{"Version":"master"}',
        b'{"Version":"v1.5"}',
        b'{"Version":"v1.5.2+meta"}',
        b'{"Version":"v1.5.2"} {}',
        b'{"Version":"v1.5.2"',
        b'{"Version":"v1.5.2","Size":NaN}',
        b'{"Version":"v1.5.2",}',
        b'\xef\xbb\xbf{"Version":"v1.5.2"}',
        '{"Version":"v1.5.2"}'.encode("utf-16"),
        b'{"Version":"v1.5.2","Version":"v1.5.3+meta"}',
        b'{"Version":"v1.5.2","Time":5}',
        b'{"Version":"v1.5.2","x":' + b"[" * 100_000,
        b'{"Version":"v1.5.2","x":' + b'{"x":' * 100_000,
    ],
)
def test_what_the_go_command_could_not_use_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        check_info(data, QUOTE, "v1.5.2")
    assert caught.value.what == ".info"
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("time", "ok"),
    [
        ("2018-02-14T15:44:20Z", True),
        ("2018-02-14T15:44:20.123456789123Z", True),
        ("2018-02-14T15:44:20,5+02:00", True),
        ("2018-02-14T5:44:20-24:60", True),
        ("0000-02-29T00:00:00Z", True),
        ("2024-02-29T00:00:00Z", True),
        ("2023-02-29T00:00:00Z", False),
        ("1900-02-29T00:00:00Z", False),
        ("2018-13-14T15:44:20Z", False),
        ("2018-00-14T15:44:20Z", False),
        ("2018-02-00T15:44:20Z", False),
        ("2018-04-31T15:44:20Z", False),
        ("2018-02-14T24:00:00Z", False),
        ("2018-02-14T15:60:20Z", False),
        ("2018-02-14T15:44:60Z", False),
        ("2018-02-14T15:44:20", False),
        ("2018-02-14 15:44:20Z", False),
        ("2018-02-14t15:44:20z", False),
        ("2018-02-14T15:44:20.Z", False),
        ("2018-02-14T15:44:20+0200", False),
        ("2018-02-14T15:44:20+25:00", False),
        ("2018-02-14T15:44:20+00:61", False),
        ("2018-2-14T15:44:20Z", False),
        ("2018-02-14", False),
        ("yesterday", False),
        ("", False),
        ("\N{FULLWIDTH DIGIT TWO}018-02-14T15:44:20Z", False),
    ],
)
def test_the_time_is_read_as_go_reads_it(time: str, ok: bool) -> None:
    data = json.dumps({"Version": "v1.5.2", "Time": time}).encode()
    if ok:
        assert check_info(data, QUOTE, "v1.5.2") == "v1.5.2"
    else:
        with pytest.raises(Malformed, match="Time"):
            check_info(data, QUOTE, "v1.5.2")
