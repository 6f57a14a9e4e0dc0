"""The repositories of the differential test: every rule about direct mode has one of them.

Belongs here: their contents. Not here: what is expected of them: the go command says that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.git.repositories import Content, Link, Repo, Submodule, git

HOST = "github.com/acme"


@dataclass
class Forge:
    """All repositories below `place`, and what of them is only known once they are made."""

    place: Path
    repos: dict[str, Repo] = field(default_factory=dict)
    pseudo: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Time and 12 digits of commits, by name."""

    def repo(self, name: str, *, sha256: bool = False) -> Repo:
        self.repos[name] = Repo(self.place / name, sha256=sha256)
        return self.repos[name]

    def remember(self, name: str, repo: Repo, commit: int) -> None:
        stamp = git(repo.place, "log", "-1", "--date=format-local:%Y%m%d%H%M%S", "--format=%cd", repo.hash(commit))
        self.pseudo[name] = (stamp, repo.hash(commit)[:12])

    def expand(self, query: str) -> str:
        """A query with `{name}` for a commit's `time-digits` and `{name!}` for its 40 digits."""
        for name, (stamp, digits) in self.pseudo.items():
            query = query.replace(f"{{{name}}}", f"{stamp}-{digits}").replace(f"{{{name}:rev}}", digits)
        return query


def go_mod(name: str, go: str = "1.21", more: str = "") -> str:
    return f"module {HOST}/{name}\n\ngo {go}\n{more}"


def tree(name: str, **more: Content) -> dict[str, Content]:
    """A module of one package, with further files: `x__go` is x.go."""
    files: dict[str, Content] = {"go.mod": go_mod(name), "m.go": "package m\n"}
    files.update({key.replace("__", "."): value for key, value in more.items()})
    return files


def build(place: Path) -> Forge:
    """Make all repositories."""
    forge = Forge(place)
    for make in (_plain, _tagless, _incompatible, _majors, _submodules, _vendored, _attributes, _odd_files, _refused):
        make(forge)
    for make in (_retracted, _go_mods, _histories, _ends):
        make(forge)
    return forge


def _plain(forge: Forge) -> None:
    repo = forge.repo("plain")
    repo.commit(tree("plain", a__go="package m // 0\n"), "v0.9.0", "v1.0.0-beta")
    repo.commit(tree("plain", a__go="package m // 1\n"), "v1.0.0")
    second = repo.commit(tree("plain", a__go="package m // 2\n"))
    repo.annotate("v1.1.0", second)
    third = repo.commit(tree("plain", a__go="package m // 3\n"), "v1.2.0-rc.1", "v1", "v1.3", "1.4.0", "v01.5.0", "odd")
    fourth = repo.commit(tree("plain", a__go="package m // 4\n"), "v1.1.1+meta", "x/v1.9.0")
    repo.tag("v1.0.1-20200101000000-abcdefabcdef", fourth)  # looks like a pseudo-version, and is none
    fifth = repo.commit(tree("plain", a__go="package m // 5\n"))
    dev = repo.commit(tree("plain", dev__go="package m\n"), branch="dev", parent=second)
    repo.commit(tree("plain", b__go="package m\n"), branch="v1.7.0", parent=second)
    repo.commit(tree("plain", c__go="package m\n"), branch="with/slash", parent=second)
    repo.save()
    for name, commit in {"second": second, "third": third, "fourth": fourth, "fifth": fifth, "dev": dev}.items():
        forge.remember(f"plain.{name}", repo, commit)


def _tagless(forge: Forge) -> None:
    repo = forge.repo("tagless")
    first = repo.commit(tree("tagless"))
    second = repo.commit(tree("tagless", b__go="package m\n"))
    forge.remember("tagless.first", repo.save(), first)
    forge.remember("tagless.second", repo, second)
    repo = forge.repo("bare")  # without a go.mod
    repo.commit({"m.go": "package m\n"}, "v1.0.0", "v0.1.0")
    repo.commit({"m.go": "package m // 2\n", "sub/s.go": "package sub\n"})
    repo.save()
    repo = forge.repo("pre")
    repo.commit(tree("pre"), "v0.1.0-alpha", "v0.1.0-beta.2")
    repo.commit(tree("pre", b__go="package m\n"))
    repo.save()
    repo = forge.repo("hashes", sha256=True)
    first = repo.commit(tree("hashes"), "v1.0.0")
    second = repo.commit(tree("hashes", b__go="package m\n"))
    forge.remember("hashes.second", repo.save(), second)


def _incompatible(forge: Forge) -> None:
    repo = forge.repo("oldstyle")
    repo.commit({"m.go": "package m\n"}, "v1.0.0")
    repo.commit({"m.go": "package m // 2\n"}, "v2.0.0")
    repo.commit({"m.go": "package m // 3\n"}, "v2.1.0", "v3.0.0-rc.1")
    last = repo.commit({"m.go": "package m // 4\n"})
    forge.remember("oldstyle.last", repo.save(), last)
    repo = forge.repo("converted")  # the newest v1 has a go.mod
    repo.commit({"m.go": "package m\n"}, "v1.0.0")
    repo.commit({"m.go": "package m // 2\n"}, "v2.0.0")
    repo.commit(tree("converted"), "v1.1.0")
    repo.save()
    repo = forge.repo("mixed")  # each major has a way of its own
    repo.commit({"m.go": "package m\n"}, "v1.0.0")
    repo.commit({"m.go": "package m // 2\n"}, "v2.0.0")
    repo.commit(tree("mixed/v2"), "v2.1.0")
    repo.commit({"m.go": "package m // 3\n"}, "v3.0.0")
    repo.commit({"m.go": "package m // 4\n", "v4/go.mod": go_mod("mixed/v4"), "v4/m.go": "package m\n"}, "v4.0.0")
    repo.save()


def _majors(forge: Forge) -> None:
    repo = forge.repo("branched")  # v2 on a branch of its own
    first = repo.commit(tree("branched"), "v1.0.0")
    repo.commit(tree("branched/v2"), "v2.0.0", branch="v2", parent=first)
    head = repo.commit(tree("branched/v2", b__go="package m\n"), branch="v2")
    forge.remember("branched.v2", repo.save(), head)
    repo = forge.repo("folder")  # v2 in a directory
    files = tree("folder") | {"v2/go.mod": go_mod("folder/v2"), "v2/m.go": "package m // v2\n", "LICENSE": "free\n"}
    repo.commit(files, "v1.0.0", "v2.0.0")
    head = repo.commit(files | {"v2/n.go": "package m\n"})
    forge.remember("folder.head", repo.save(), head)
    repo = forge.repo("both")
    repo.commit(tree("both/v2") | {"v2/go.mod": go_mod("both/v2"), "v2/m.go": "package m\n"}, "v2.0.0")
    repo.save()
    repo = forge.repo("wrong2")  # v2/go.mod is not of v2
    repo.commit(tree("wrong2") | {"v2/go.mod": go_mod("wrong2"), "v2/m.go": "package m\n"}, "v2.0.0")
    repo.save()


def _submodules(forge: Forge) -> None:
    repo = forge.repo("many")
    files: dict[str, Content] = {
        **tree("many"),
        "LICENSE": "the root's\n",
        "a/go.mod": go_mod("many/a"),
        "a/a.go": "package a\n",
        "a/b/go.mod": go_mod("many/a/b"),
        "a/b/b.go": "package b\n",
        "a/b/LICENSE": "its own\n",
        "a/v2/go.mod": go_mod("many/a/v2"),
        "a/v2/a.go": "package a\n",
        "plain/p.go": "package plain\n",
        "caps/GO.MOD": "module x\n",
        "caps/c.go": "package caps\n",
        "dir/go.mod/d.go": "package dir\n",
        "late/deep/x.go": "package deep\n",
        "late/go.mod": go_mod("many/late"),
    }
    repo.commit(files, "v1.0.0", "a/v1.0.0", "a/b/v0.1.0", "a/v2.0.0", "a/v2/v2.5.0", "late/v0.0.1", "plain/v1.0.0")
    head = repo.commit(files | {"a/new.go": "package a\n"}, "a2/v1.0.0")
    forge.remember("many.head", repo.save(), head)
    repo = forge.repo("below")  # of the module at the root nothing is left
    repo.commit({"a/go.mod": go_mod("below/a"), "a/a.go": "package a\n", "vendor/x/x.go": "package x\n"}, "v1.0.0")
    repo.save()
    repo = forge.repo("licences")
    files = {"LICENSE": "x\n", "a/go.mod": go_mod("licences/a"), "a/license": "y\n", "b/go.mod": go_mod("licences/b")}
    files |= {"b/LICENSE": Link("../LICENSE"), "c/go.mod": go_mod("licences/c"), "c/LICENSE/x": "z\n"}
    repo.commit(files, "a/v1.0.0", "b/v1.0.0", "c/v1.0.0")
    repo.save()
    repo = forge.repo("linked-licence")
    repo.commit({"LICENSE": Link("real"), "real": "x\n", "a/go.mod": go_mod("linked-licence/a")}, "a/v1.0.0")
    repo.save()


def _vendored(forge: Forge) -> None:
    files: dict[str, Content] = {
        "m.go": "package m\n",
        "vendor/modules.txt": "# x\n",
        "vendor/top.go": "package vendor\n",
        "vendor/x.org/y/y.go": "package y\n",
        "pkg/vendor/vendor.go": "package vendor\n",
        "pkg/vendor/z/z.go": "package z\n",
        "vendorish/v.go": "package v\n",
        "pkg/deep/vendor.go": "package deep\n",
    }
    for name, go in {"vendor23": "1.23.0", "vendor24": "1.24", "vendor99": "1.99"}.items():
        repo = forge.repo(name)
        repo.commit({**files, "go.mod": go_mod(name, go)}, "v1.0.0")
        repo.save()
    repo = forge.repo("vendor0")
    repo.commit(files, "v1.0.0")
    repo.save()


def _attributes(forge: Forge) -> None:
    repo = forge.repo("attributes")
    files: dict[str, Content] = {
        **tree("attributes"),
        ".gitattributes": "*.crlf text eol=crlf\n*.id ident\n*.ign export-ignore\n*.sub export-subst\n*.u16 text "
        "working-tree-encoding=UTF-16LE\n*.lfs filter=lfs\nign/ export-ignore\n*.raw -text\n*.auto text=auto\n",
        "a.crlf": "one\ntwo\n",
        "b.id": "$Id$ and $Id: old $\n",
        "c.ign": "stays\n",
        "d.sub": "$Format:%H$\n",
        "e.u16": "weit\n",
        "f.lfs": "version https://git-lfs.github.com/spec/v1\n",
        "g.raw": b"x\r\ny\n",
        "h.auto": b"x\r\ny\n",
        "ign/i.go": "package ign\n",
        "sub/.gitattributes": "*.crlf -text\n",
        "sub/s.crlf": "one\ntwo\n",
        "mod/go.mod": go_mod("attributes/mod"),
        "mod/x.crlf": "one\ntwo\n",
        "mod/y.id": "$Id$\n",
    }
    repo.commit(files, "v1.0.0", "mod/v1.0.0")
    repo.save()


def _odd_files(forge: Forge) -> None:
    repo = forge.repo("odd")
    files: dict[str, Content] = {
        **tree("odd"),
        "link.go": Link("m.go"),
        "linkdir": Link("somewhere"),
        "linked/go.mod": Link("../go.mod"),
        "linked/l.go": "package linked\n",
        "submodule": Submodule("0123456789012345678901234567890123456789"),
        ".hg_archival.txt": "x\n",
        "sub/.hg_archival.txt": "x\n",
        ".gitignore": "*.tmp\n",
        "with space/a b.txt": "x\n",
        "日本語.txt": "x\n",
        "ünïcode/é.txt": "x\n",
        "empty.txt": "",
        "LICENSE/file.txt": "a directory\n",
        "deep/" * 30 + "a-file-with-a-rather-long-name.txt": "x\n",
        "big.bin": b"\x00\x01\x02" * 200_000,
    }
    repo.commit(files, "v1.0.0")
    repo.save()


def _refused(forge: Forge) -> None:
    bad: Mapping[str, dict[str, Content]] = {
        "badname": {"aux.go": "package m\n"},
        "badchar": {"what?.txt": "x\n"},
        "badcase": {"File.txt": "x\n", "file.txt": "y\n"},
        "badlink": {"File.txt": "x\n", "file.txt": Link("File.txt")},
        "baddot": {"trailing.": "x\n"},
        "badvendored": {"vendor/x/aux.go": "package x\n"},  # left out, so its name does not matter
    }
    for name, files in bad.items():
        repo = forge.repo(name)
        repo.commit({**tree(name), **files}, "v1.0.0")
        repo.save()
    repo = forge.repo("badroot")
    repo.commit({"Go.mod": go_mod("badroot"), "m.go": "package m\n"}, "v1.0.0")
    repo.save()


def _retracted(forge: Forge) -> None:
    repo = forge.repo("retracted")
    repo.commit(tree("retracted"), "v1.0.0")
    repo.commit(tree("retracted", b__go="package m\n"), "v1.0.1")
    more = 'retract v1.0.1 // bad\nretract (\n\t[v1.1.0, v1.2.0] // worse\n\tv0.9.0\n)\nretract "v1.4.0"\n'
    repo.commit({"go.mod": go_mod("retracted", more=more), "m.go": "package m\n"}, "v1.1.0", "v1.4.0")
    head = repo.commit({"go.mod": go_mod("retracted", more=more), "m.go": "package m // 2\n"})
    forge.remember("retracted.head", repo.save(), head)
    repo = forge.repo("allgone")
    more = "retract [v0.0.0, v1.99.0]\n"
    repo.commit({"go.mod": go_mod("allgone", more=more), "m.go": "package m\n"}, "v1.0.0", "v1.1.0-pre")
    head = repo.commit({"go.mod": go_mod("allgone", more=more), "m.go": "package m // 2\n"})
    forge.remember("allgone.head", repo.save(), head)


def _go_mods(forge: Forge) -> None:
    texts = {
        "fork": "module example.com/original\n",
        "fork2": "module example.com/original/v2\n",
        "nomodule": "go 1.21\n",
        "empty": "",
        "quoted": f'module "{HOST}/quoted" // a comment\n',
        "backquoted": f"module `{HOST}/backquoted`\n",
        "spaced": f"// first\n\n  module\t{HOST}/spaced   \r\ngo 1.21\r\n",
        "gopkg": "module gopkg.in/acme/gopkg.v3\n",
        "badmajor": f"module {HOST}/badmajor/v1\n",
        "unparsable": f'module {HOST}/unparsable\n\nrequire "never closed\n',
    }
    for name, text in texts.items():
        repo = forge.repo(name)
        repo.commit({"go.mod": text, "m.go": "package m\n"}, "v1.0.0")
        repo.save()
    repo = forge.repo("linkmod")
    repo.commit({"go.mod": Link("real.mod"), "real.mod": go_mod("linkmod"), "m.go": "package m\n"}, "v1.0.0")
    repo.save()


def _histories(forge: Forge) -> None:
    repo = forge.repo("merged")
    base = repo.commit(tree("merged"), "v1.0.0")
    side = repo.commit(tree("merged", s__go="package m\n"), "v1.5.0", branch="side", parent=base)
    main = repo.commit(tree("merged", m2__go="package m\n"), "v1.1.0")
    before = repo.commit(tree("merged", m3__go="package m\n"))
    merge = repo.commit(tree("merged", m4__go="package m\n"), merge=side)
    alone = repo.commit(tree("merged", x__go="package m\n"), branch="orphan", parent=0)
    repo.save()
    for name, commit in {"side": side, "main": main, "before": before, "merge": merge, "alone": alone}.items():
        forge.remember(f"merged.{name}", repo, commit)
    repo = forge.repo("hidden")  # a commit that no branch and no tag leads to, as of a merge request
    repo.commit(tree("hidden"), "v1.0.0")
    lost = repo.commit(tree("hidden", x__go="package m\n"), branch="request")
    forge.remember("hidden.lost", repo.save(), lost)
    git(repo.place, "update-ref", "refs/pull/1/head", repo.hash(lost))
    git(repo.place, "update-ref", "-d", "refs/heads/request")


def _ends(forge: Forge) -> None:
    forge.repo("nothing")
    repo = forge.repo("headless")  # HEAD names a branch that is not there
    repo.commit(tree("headless"), "v1.0.0", branch="other")
    repo.save()
    repo = forge.repo("oddtags")
    first = repo.commit(tree("oddtags"), "v1.0.0")
    repo.save()
    blob = git(repo.place, "rev-parse", f"{repo.hash(first)}:m.go")
    git(repo.place, "update-ref", "refs/tags/v1.1.0", blob)
    git(repo.place, "update-ref", "refs/tags/v1.2.0", git(repo.place, "rev-parse", f"{repo.hash(first)}^{{tree}}"))
    git(repo.place, "update-ref", "refs/tags/deadbeef", repo.hash(first))
