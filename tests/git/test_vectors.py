"""The test vectors of Go's own zip package (protocol.md §3), as repositories: same h1, and the same refusals."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from modgate.errors import Absent
from modgate.gomod import ModulePath
from modgate.source.git.direct import Direct, ProxyBase, Root
from tests.git.asking import Asking, h1
from tests.git.forge import HOST
from tests.git.repositories import Content, Repo

GO_MOD = "module example.com/m\n\ngo 1.13\n"
VENDORED: dict[str, Content] = {
    "vendor/example.com/x/x.go": "excluded\n",
    "sub/vendor/sub.txt": "excluded\n",
}
SIMPLE: dict[str, Content] = {
    "go.mod": GO_MOD,
    "m.go": "package m\n\nfunc Foo() int { return 42 }\n",
    "cmd/hello/hello.go": 'package main\n\nimport (\n  "fmt"\n  "example.com/m"\n)\n\n'
    "func main() {\n  fmt.Println(m.Foo())\n}\n",
}
EXCLUDE_VENDOR: dict[str, Content] = {
    **VENDORED,
    "go.mod": GO_MOD,
    "vendor/modules.txt": "included\nsee comment in isVendoredPackage and golang.org/issue/31562.\n",
    "pkg/vendor/vendor.go": "excluded\nsee comment in isVendoredPackage and golang.org/issue/37397\n",
}
EXCLUDE_VENDOR_GO124: dict[str, Content] = {
    **VENDORED,
    "go.mod": "module example.com/m\n\ngo 1.24\nmodules.txt is excluded in 1.24+. See golang.org/issue/63395\n",
    "vendor/modules.txt": "excluded\nsee comment in isVendoredPackage and golang.org/issue/31562.\n",
    "pkg/vendor/vendor.go": "included\nsee comment in isVendoredPackage and golang.org/issue/37397\n",
}


class Only:
    """Knows one module, `example.com/m`, and where it lies."""

    async def find(self, path: ModulePath, *, refresh: bool = False) -> Root | ProxyBase:
        return Root(path, f"https://{HOST}/m")


def direct(repo: Callable[[str], Repo], asking: Asking, files: Mapping[str, Content]) -> None:
    """Let `asking` find a repository of these files."""
    origin = repo("m")
    origin.commit(files, "v1.0.0")
    origin.save()
    asking.direct = Direct(Only(), asking.mirrors, lambda _: asking.direct)


@pytest.mark.parametrize(
    ("path", "files", "expected"),
    [
        ("example.com/m", SIMPLE, "h1:tpqYOOmuilagXzyqoJ3roUjp8gneQeTv5YVpL6BG7/k="),
        ("example.com/empty", {}, "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
        (
            "example.com/m",
            {"a.go": "package a\n", "b/GO.MOD": "MODULE EXAMPLE.COM/M/B\n", "b/b.go": "package b\n"},
            "h1:xctQQey8/y7IcBjFZDP/onWLSXhlqcsC3i1fgSdpMHk=",
        ),
        (
            "example.com/m",
            {"go.mod": GO_MOD, "sub/go.mod": "module example.com/m/sub\n", "sub/x.go'": "invalid name\n"},
            "h1:XduFAgX/GaspZa8Jv4pfzoGEzNaU/r88PiCunijw5ok=",
        ),
        ("example.com/m", EXCLUDE_VENDOR, "h1:5u93LDLN0Me+NGfZtRpA5mHxY8svfykHpq4CMSaBZyc="),
        ("example.com/m", EXCLUDE_VENDOR_GO124, "h1:mJR1q75yiMK6+CDw6DuhMS4v4hNoLXqkyk2Cph4VS8Q="),
        ("example.com/m", {"go.mod/a.go": "package a\n"}, "h1:Mun5l9cBlDnnV6JasTpio2aZJSbFj++h+814mnKC/OM="),
        ("example.com/m", {"a/go.mod": GO_MOD, "vendor/x/x.go": ""}, "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
    ],
    ids=["simple", "empty", "cap-go-mod", "submodule", "vendor", "vendor-go124", "go-mod-dir", "all-left-out"],
)
async def test_a_tree_has_the_h1_that_go_gives_it(
    repo: Callable[[str], Repo], asking: Asking, path: str, files: Mapping[str, Content], expected: str
) -> None:
    direct(repo, asking, files)
    assert h1(await asking.zip(path, "v1.0.0")) == expected


@pytest.mark.parametrize(
    "files",
    [
        {"bad.go'": "package bad\n"},
        {"GO.MOD": "module example.com/m\n"},
        {"m.go": "package m\n", "M.GO": "package m\n"},
        {"a.go": "package a\n", "A.go/b.go": "package b\n"},
        {b"\xff.go".decode(errors="surrogateescape"): "package m\n"},
    ],
    ids=["bad-file-path", "bad-go-mod-case", "case-conflict", "file-and-directory", "invalid-utf8"],
)
async def test_a_tree_that_go_refuses_is_absent(
    repo: Callable[[str], Repo], asking: Asking, files: Mapping[str, Content]
) -> None:
    direct(repo, asking, files)
    with pytest.raises(Absent, match="create zip") as caught:
        await asking.zip("example.com/m", "v1.0.0")
    caught.value.reason.encode()  # whatever a name was made of, its text can be sent


async def test_names_of_files_that_are_left_out_need_not_be_text(repo: Callable[[str], Repo], asking: Asking) -> None:
    odd = b"vendor/x/\xff.go".decode(errors="surrogateescape")
    direct(repo, asking, {**SIMPLE, odd: "package x\n", "vendor/x/:(glob)*": "x\n", "vendor/x/a\nb": "x\n"})
    assert h1(await asking.zip("example.com/m", "v1.0.0")) == "h1:tpqYOOmuilagXzyqoJ3roUjp8gneQeTv5YVpL6BG7/k="


@pytest.mark.parametrize("version", ["v2.0.0", "v1.0.0+bad", "v1.0", "1.0.0"])
async def test_a_version_that_the_module_cannot_have_is_absent(
    repo: Callable[[str], Repo], asking: Asking, version: str
) -> None:
    direct(repo, asking, SIMPLE)
    with pytest.raises(Absent):
        await asking.zip("example.com/m", version)
