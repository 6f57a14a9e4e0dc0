"""Where in a repository a module lies. Pure.

Belongs here: the directory of a module path, and whether the go.mod files found there make it that module (as Go's
newCodeRepo and findDir). Not here: reading files, versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from modgate.errors import Malformed
from modgate.gomod import ModulePath, semver
from modgate.gomod.modlines import module_path
from modgate.gomod.paths import split_path_version


@dataclass(frozen=True, slots=True)
class Module:
    """A module path, and its place in a repository."""

    path: ModulePath
    root: str
    """The path that stands for the repository's root."""
    directory: str
    """Below the repository's root, "" for the root itself; a /vN directory below it may be meant instead."""
    prefix: str
    """The path without its major version."""
    major: str
    """"", "/v2", ".v1" or ".v2-unstable"."""

    @classmethod
    def of(cls, path: ModulePath, root: str, subdirectory: str = "") -> Module:
        """The module `path` in the repository that `root` stands for; its root lies in `subdirectory` of it.

        Raises:
            Malformed: `root` cannot contain it.
        """
        prefix, major = split_path_version(path)
        if root == path:
            prefix = path
        elif prefix != root and not prefix.startswith(f"{root}/"):
            raise Malformed("module path", path, f"the repository of {root} cannot contain it")
        directory = prefix[len(root) :].strip("/") if root != path else ""
        return cls(path, root, "/".join(part for part in (directory, subdirectory) if part), prefix, major)

    @property
    def pseudo_major(self) -> str:
        """The major version that pseudo-versions without a tag have: "v2", or "" for v0 and v1."""
        return self.major.removesuffix("-unstable")[1:]

    @property
    def tag_prefix(self) -> str:
        """What the tags of its versions begin with: "" or "sub/directory/"."""
        return f"{self.directory}/" if self.directory else ""

    @property
    def go_mod(self) -> str:
        return f"{self.tag_prefix}go.mod"

    @property
    def major_go_mod(self) -> str:
        """The go.mod in the directory named for the major version; "" where there cannot be one."""
        if not self.major or self.major.startswith(".") or self.root == self.path:
            return ""
        return f"{self.tag_prefix}{self.major[1:]}/go.mod"

    @property
    def go_mods(self) -> list[str]:
        """The files that decide where the module lies."""
        return [name for name in (self.go_mod, self.major_go_mod) if name]


class Place(NamedTuple):
    """Where a module lies at one commit."""

    directory: str
    go_mod: bytes | None
    """None at the root of a repository without one."""

    @property
    def prefix(self) -> str:
        return f"{self.directory}/" if self.directory else ""


def located(module: Module, files: Mapping[str, bytes], version: str) -> Place:
    """The place of `module`, by those of its go.mod files that a commit has.

    Raises:
        Malformed: there is no such module at that commit; says why, as the go command does.
    """
    first = files.get(module.go_mod)
    first_path = module_path(first or b"")
    fits = first is not None and (_is_major(first_path, module.major) or _replaces_gopkg(first_path, module.major))
    second = files.get(module.major_go_mod) if module.major_go_mod else None
    if second is not None:
        return _in_major_directory(module, second, fits)
    if fits:
        return Place(module.directory, first)
    if first is not None:
        raise _misplaced(module, first_path, version)
    if not module.directory and (not module.major or module.major.startswith(".")):
        return Place("", None)
    also = f" and ...{module.major}/go.mod" if module.major_go_mod else ""
    raise Malformed("version", version, f"missing {module.prefix}/go.mod{also} at this revision")


def _in_major_directory(module: Module, second: bytes, first_fits: bool) -> Place:
    path, name = module_path(second), module.major_go_mod
    if _is_major(path, module.major):
        if first_fits:
            why = f"{module.go_mod} and {name} both have ...{module.major} module paths"
            raise Malformed("module", module.path, why)
        return Place(name.removesuffix("/go.mod"), second)
    why = f"{name} has non-...{module.major} module path {path!r}" if path else f"{name} is missing module path"
    raise Malformed("module", module.path, why)


def _misplaced(module: Module, found: str, version: str) -> Malformed:
    also = f" (and ...{module.major}/go.mod does not exist)" if module.major_go_mod else ""
    if not found:
        return Malformed("version", version, f"{module.go_mod} is missing module path{also}")
    if module.major:
        return Malformed("version", version, f"{module.go_mod} has non-...{module.major} module path {found!r}{also}")
    kind = f"post-{semver.major(version)}" if _is_splittable(found) else "malformed"
    return Malformed("version", version, f"{module.go_mod} has {kind} module path {found!r}{also}")


def _is_major(found: str, major: str) -> bool:
    """Whether versions of a go.mod's module path fit the major version `major` of ours; only majors are compared.

    Forks that a replace directive names have other paths.
    """
    if not found or not _is_splittable(found):
        return False
    found_major = split_path_version(found)[1]
    if not major:
        return found_major.removesuffix("-unstable")[1:] in ("", "v0", "v1")
    return found_major != "" and major[1:] == found_major[1:]


def _replaces_gopkg(found: str, major: str) -> bool:
    """An old error of Go that replacements have come to rely on (golang.org/issue/34254)."""
    return not major and found.startswith("gopkg.in/")


def _is_splittable(path: str) -> bool:
    try:
        split_path_version(path)
    except Malformed:
        return False
    return True
