"""The file `@v/list` of a module in the tree, as $GOMODCACHE/cache/download has it.

The gateway itself never reads it (an upstream's list is an answer in the records). It is for whoever serves the tree
without the gateway: nginx, or GOPROXY=file://. It names what is here whole, which is what such a client can build.
"""

from __future__ import annotations

import os
from contextlib import suppress

from modgate.errors import Malformed
from modgate.gomod.escape import unescape_version
from modgate.gomod.pseudo import is_pseudo
from modgate.gomod.semver import is_valid, sort_key


def write_list(folder: str, fresh: str) -> None:
    """Write the list of an `@v` folder anew from the zips in it; pseudo-versions are never listed (protocol.md §1.2).

    `fresh` is a name in the spool, where a start sweeps what the dead left.

    Raises:
        OSError: it cannot be read or written.
    """
    versions = []
    for name in os.listdir(folder):
        if name.endswith(".zip"):
            with suppress(Malformed):  # somebody else's file
                versions.append(unescape_version(name.removesuffix(".zip")))
    good = sorted((version for version in versions if is_valid(version) and not is_pseudo(version)), key=sort_key)
    try:
        with open(fresh, "x") as file:
            file.write("".join(f"{version}\n" for version in good))
        os.rename(fresh, f"{folder}/list")
    except OSError:
        with suppress(OSError):
            os.unlink(fresh)
        raise
