"""`modgate why`: the chain of evidence for a stored module."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from modgate.cli.ending import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modgate.gateway.checksums import Chain, Link
    from modgate.gomod.wanted import Wanted
    from modgate.settings.load import Sources

MODULE = click.Argument(["module"], metavar="MODULE@VERSION")


def why(sources: Sources, module: str) -> int:
    """Show why a stored module is believed.

    Nobody is asked: the record is proven once more from the tiles that are kept here. The exit code is 1 if the module
    is not stored, or not verified; a private one needs no record, but for that of our own database if there is one.
    """
    import asyncio

    from modgate.gateway.checksums import desk
    from modgate.settings.load import load

    wanted = named(module)

    async def look() -> Chain:
        async with desk(load(sources)) as opened:
            return await opened.why(wanted.path, wanted.version)

    chain = asyncio.run(look())
    for line in told(str(wanted), chain):
        click.echo(line)
    return 0 if is_whole(chain) else FAILED


def named(module: str) -> Wanted:
    """The module and version that an argument names.

    Raises:
        SetupError: it names none.
    """
    from modgate.errors import Malformed, SetupError
    from modgate.gomod.wanted import modules_in

    try:
        (wanted,) = modules_in(module)
    except (Malformed, ValueError) as error:
        raise SetupError("MODULE@VERSION", f"{module!r} is none", "write rsc.io/quote@v1.5.2") from error
    return wanted


def is_whole(chain: Chain) -> bool:
    """Whether every stored file that a record speaks of has the record's h1."""
    if not chain.links or (chain.record is None and chain.needs_record):
        return False
    known = chain.record.sums if chain.record is not None else {}
    own = chain.own or {}
    sums = [(link, said.get(link.kind)) for link in chain.links for said in (known, own)]
    return all(h1 is None or h1 == link.row.h1 for link, h1 in sums)


def told(module: str, chain: Chain) -> Iterator[str]:
    """The chain, from the files to the signature."""
    yield module
    for link in chain.links:
        yield from _file(link, needs_record=chain.needs_record)
    if not chain.links:
        yield "  is not stored here"
    if chain.own is not None:
        yield f"  record {chain.own['record']} of our own database, of {chain.own['recorded']}:"
        yield from (f"    .{kind} {chain.own[kind]}" for kind in ("mod", "zip"))
        yield f"  under our own head of {chain.own['head']['size']} records"
    record = chain.record
    if not chain.needs_record:
        yield f"  needs no public record: {chain.why_not}"
        return
    if record is None:
        yield f"  record: cannot be proven from what is kept here: {chain.why_not}"
        return
    yield f"  record {record.record_id} of {chain.database}:"
    yield from (f"    {line}" for line in record.text.splitlines())
    yield f"  proven just now to be in the tree of {record.tree_size} records, under the signed head:"
    yield from (f"    {line}".rstrip() for line in record.head.decode(errors="replace").splitlines())


def _file(link: Link, *, needs_record: bool) -> Iterator[str]:
    from modgate.checksum.evidence import Evidence, Excuse

    row = link.row
    yield f"  .{link.kind}: {row.h1 if row.h1.startswith('h1:') else ''} {row.size} bytes".replace(":  ", ": ")
    yield f"    sha256 {row.sha256}"
    yield f"    from {row.source}, first seen {_when(row.stored)}"
    match link.evidence:
        case Evidence(database, record_id, tree_size, _, verified):
            yield f"    matched record {record_id} of {database}, in a tree of {tree_size} records, {_when(verified)}"
        case Excuse(database, reason, since):
            yield f"    unverified since {_when(since)}: {database} {reason}"
        case None:
            if link.kind == "info":
                yield "    no record speaks of it"
            elif needs_record:
                yield "    not verified yet"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
