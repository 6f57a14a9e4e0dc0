"""What the head of a request says, as functions of its header lines.

Belongs here: which headers matter to a connection, and how their values are read. Not here: the target (target.py),
conditions and ranges (conditional.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from modgate.serve.table import Principal

ORDINARY, WHO, FROM, LINK, HOST, PACK = 1, 2, 4, 8, 16, 32
MARKS: Mapping[bytes, int] = {
    b"authorization": WHO,
    b"x-forwarded-for": FROM,
    b"x-real-ip": FROM,
    b"connection": LINK,
    b"host": HOST,
    b"accept-encoding": PACK,
    b"cache-control": ORDINARY,
    b"pragma": ORDINARY,
    b"disable-module-fetch": ORDINARY,
    b"range": ORDINARY,
    b"if-none-match": ORDINARY,
    b"if-modified-since": ORDINARY,
    b"if-range": ORDINARY,
    b"if-match": ORDINARY,
    b"if-unmodified-since": ORDINARY,
    b"expect": ORDINARY,
    b"content-length": ORDINARY,
    b"transfer-encoding": ORDINARY,
    b"x-request-id": ORDINARY,
    b"via": ORDINARY,
    b"upgrade": ORDINARY,
}
"""Headers that matter to a connection: ORDINARY ones need the ordinary path, WHO ones tell who asks, FROM ones where a
trusted proxy's client is, LINK ones what becomes of the connection, HOST has to be there
once, and PACK ones may say that a compressed answer is taken."""

REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
"""What we accept as somebody else's request id: it goes into our log and our headers as it is."""

OTHER_METHOD = re.compile(rb"(?!GET |HEAD )[A-Za-z0-9!#$%&'*+.^_`|~-]+ [!-~]+ HTTP/1\.[01]\r\n")
"""The first line of a request that is neither of ours (RFC 9112 §3): a method is any token."""

_SEPARATORS = re.compile(rb"[\s,]+")

Fields = Sequence[tuple[bytes, bytes]]


def takes_gzip(value: bytes) -> bool:
    """Whether this Accept-Encoding takes gzip. Weights mean nothing here, except that 0 refuses (RFC 9110 §12.5.3)."""
    return b"gzip" in value and b"q=0" not in value


def field(headers: Fields, name: bytes) -> bytes:
    """The value of a header; several lines of one name are one list (RFC 9110 §5.2). b"" where there is none."""
    return b", ".join([value for key, value in headers if key == name])


def fields(headers: Fields) -> dict[bytes, bytes]:
    """All headers by lower-case name."""
    result: dict[bytes, bytes] = {}
    for name, value in headers:
        result[name] = b"%b, %b" % (result[name], value) if name in result else value
    return result


def principal(headers: Fields, tenant_header: bytes) -> Principal:
    """Who says to ask."""
    return field(headers, b"authorization"), field(headers, tenant_header) if tenant_header else b""


def request_id(headers: Fields) -> str:
    """The request id that a trusted proxy gave, or ""."""
    given = field(headers, b"x-request-id")
    return given.decode("ascii") if REQUEST_ID.fullmatch(given) else ""


def tokens(value: bytes) -> frozenset[bytes]:
    """The words of a header that is a list, in lower case."""
    return frozenset(_SEPARATORS.split(value.lower()))
