"""The rules of Go modules, as pure functions of values.

Belongs here: module paths and versions, escaping, semantic versions, pseudo-versions, GOPROXY, GOSUMDB and GOPRIVATE
syntax, .info, .mod and list contents, module zips, the h1 hash. Not here: anything that reads a file, opens a socket,
looks at the clock or at the environment.
"""

from typing import NewType

ModulePath = NewType("ModulePath", str)
"""A module path that has passed `paths.check_path`, unescaped. A raw `str` is not one."""
