"""Modules straight from git hosts, as the go command takes them in direct mode, without a go command.

Belongs here: finding the repository of a path, its mirror, revisions, versions, and zips out of commits. Not here: the
rules of Go as far as they are pure (gomod/), the network's addresses and limits (net/), what is remembered of the
answers (cache/).

Read it in this order: compose.py (how it is put together), direct.py (the source), discovery.py (path → repository),
mirror.py, remote.py, program.py and access.py (repository → objects), refs.py and revision.py (name → commit),
module.py, convert.py and listing.py (commit ↔ version), archive.py (commit → zip).
"""
