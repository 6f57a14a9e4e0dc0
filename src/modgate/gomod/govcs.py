"""The syntax of GOVCS: which version control systems may be used for which paths.

Belongs here: reading the text as the go command does, and what it allows. Not here: which system a module lies in
(source/git/discovery.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from modgate.errors import Malformed
from modgate.gomod.patterns import Patterns


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: str
    """"public", "private" or a GOPRIVATE-style glob."""
    globs: Patterns
    allowed: frozenset[str]

    def names(self, path: str, *, private: bool) -> bool:
        if self.pattern in ("public", "private"):
            return private is (self.pattern == "private")
        return self.globs.match(path)


@dataclass(frozen=True, slots=True)
class Govcs:
    """The first rule that names a path decides; where none does, nothing is allowed."""

    rules: tuple[_Rule, ...]

    @classmethod
    def parse(cls, text: str) -> Govcs:
        """Read `pattern:vcs|vcs,…`, such as `*:git` or `corp.example/*:all,public:git`.

        Raises:
            Malformed: an empty part, a missing colon, no glob, or the same pattern twice.
        """
        rules: list[_Rule] = []
        for item in text.split(",") if text.strip() else ():
            pattern, colon, systems = (part.strip() for part in item.partition(":"))
            allowed = frozenset(system.strip() for system in systems.split("|"))
            if not (pattern and colon and all(allowed)):
                raise Malformed("GOVCS value", text, f"{item.strip()!r} is not pattern:system, such as *:git")
            if pattern.startswith(("./", "../")) or any(rule.pattern == pattern for rule in rules):
                raise Malformed("GOVCS value", text, f"the pattern {pattern!r} is relative, or there a second time")
            special = pattern in ("public", "private")
            rules.append(_Rule(pattern, Patterns() if special else Patterns.parse(pattern), allowed))
        return cls(tuple(rules))

    def allows(self, path: str, vcs: str, *, private: bool = False) -> bool:
        """Say whether `vcs` ("git", "hg", …) may be used for the repository root `path`."""
        for rule in self.rules:
            if rule.names(path, private=private):
                return vcs in rule.allowed or "all" in rule.allowed
        return False
