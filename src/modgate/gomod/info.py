"""What an .info file says, and whether it may (protocol.md §1.3).

Belongs here: reading it as the go command will. Not here: changing it; its bytes are handed on as they are.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from modgate.errors import Malformed
from modgate.gomod import ModulePath
from modgate.gomod.versions import fits, is_canonical

_SHOWN_CHARS = 100
"""How much of a bad file goes into an error: enough to see what it is, little enough for a log line."""

# RFC 3339 with what Go's time parser lets pass beyond it: one digit for the hour, a comma before the fraction.
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,][0-9]+)?(?:Z|[+-]([0-9]{2}):([0-9]{2}))"
)
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@dataclass(frozen=True, slots=True)
class _Object:
    """A JSON object with its keys in order and with doubles, as they decide what Go reads."""

    pairs: list[tuple[str, object]]


class _Fields(NamedTuple):
    version: str
    time: str | None


def check_info(data: bytes, path: ModulePath, asked_version: str) -> str:
    """Return the version that the .info file `data` names, the answer to `asked_version` of `path`.

    `asked_version` is a version or a query, or "" for the latest. Only a canonical version that fits the path has to be
    answered with itself; for `v2.0.0` of a path without suffix, say, another may come back and is passed through.

    Raises:
        Malformed: no JSON object, no canonical version in it, a Time that Go cannot read, or the wrong version.
    """
    version, time = _fields(_loads(data), data)
    if not is_canonical(version):
        raise _malformed(
            data, f"its Version {version[:_SHOWN_CHARS]!r} is not canonical" if version else "no Version in it"
        )
    if time is not None and not _is_time(time):
        raise _malformed(data, f"its Time {time[:_SHOWN_CHARS]!r} is not in RFC 3339 form")
    if version != asked_version and is_canonical(asked_version) and fits(path, asked_version):
        raise _malformed(data, f"it is about {version} instead of {asked_version}")
    return version


def info_identity(data: bytes) -> str:
    """What of a well-formed .info never changes: its version and its time. Mirrors word the rest differently.

    Raises:
        Malformed: it is none.
    """
    version, time = _fields(_loads(data), data)
    return f"{version} {time or ''}".rstrip()


def _loads(data: bytes) -> _Object:
    # Go replaces broken UTF-8, refuses NaN, and reads numbers of fields that it does not know without their value.
    try:
        value = json.loads(
            data.decode(errors="replace"), object_pairs_hook=_Object, parse_int=float, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise _malformed(data, "nested too deeply") from None
    except ValueError:
        raise _malformed(data, "not JSON") from None
    if not isinstance(value, _Object):
        raise _malformed(data, "no JSON object")
    return value


def _fields(record: _Object, data: bytes) -> _Fields:
    """Find Version and Time as encoding/json does: in any case, the last one wins, null changes nothing."""
    version: str = ""
    time: str | None = None
    for key, value in record.pairs:
        field = key.casefold()
        if field not in ("version", "time") or value is None:
            continue
        if not isinstance(value, str):
            raise _malformed(data, f"its {key} is no string")
        if field == "version":
            version = value
        else:
            time = value
    return _Fields(version, time)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _is_time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    year, month, day, hour, minute, second, zone_hours, zone_minutes = (int(digits or 0) for digits in match.groups())
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = _DAYS[month - 1] if 1 <= month <= 12 else 0
    days -= month == 2 and not leap
    # Go allows offsets of 24 hours and of 60 minutes, because some people write them.
    return 1 <= day <= days and hour < 24 and minute < 60 and second < 60 and zone_hours <= 24 and zone_minutes <= 60


def _malformed(data: bytes, why: str) -> Malformed:
    return Malformed(".info", data[:_SHOWN_CHARS].decode(errors="replace"), why)
