"""Credentials are taken out of a text before anybody sees it.

Pure, and this low in the house, because settings, network and logs all show URLs. What is shown is not what is asked:
keep the original where it is used.
"""

from __future__ import annotations

import re

from modgate.errors import Malformed

# RFC 3986 §3.2.1: userinfo ends at the last `@` before the authority ends. Quotes and blanks end a URL inside prose.
_WITH_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:/{1,2})[^/?#\s\"'<>,|]*@")
# GOPROXY entries need no scheme (protocol.md §1.5). A name and a password before a host tell it from `module@version`.
_WITHOUT_SCHEME = re.compile(r"(^|[\s\"'<>,|(=])[^\s\"'<>,|/@:()=]+:[^\s\"'<>,|/@]*@(?=[\w\[])")


def redacted(text: str) -> str:
    """`text` with the userinfo of every URL in it taken out: `https://user:secret@host/x` becomes `https://host/x`.

    A lone `name@host` without a scheme stays, for it looks like `module@version`.
    """
    if "@" not in text:
        return text
    return _WITHOUT_SCHEME.sub(r"\1", _WITH_SCHEME.sub(r"\1", text))


def told(error: Malformed) -> str:
    """What is wrong, without the text where that may hold a password: then only an `@` would say where it is."""
    shown = "" if "@" in error.text else f" {error.text!r}"
    return f"malformed {error.what}{shown}: {redacted(error.why)}"
