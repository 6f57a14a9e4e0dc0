"""The composition root: settings become a running gateway. The only package that knows every part.

parts.py      where modules come from and what is remembered of them: the expression of sources
views.py      for each view its routes, and for each route such an expression
upstreams.py  the members of chains, each upstream once, with what is known of its health
directly.py   `direct`, the member of a chain that reads repositories
hosts.py      clients that know what the settings say about hosts; reaching.py, reaching_ssh.py: whether these can be
              reached
verifying.py  the checksum database that everything public is verified with; checksums.py: its desk for operators
ownlog.py     the checksum database of our own; ownport.py: its own port
upstreams_told.py, upstreams_compare.py, upstreams_ranking.py: `modgate upstreams`
drill.py      an upstream taken away from a running gateway, for `modgate drill`; drill_control.py, drill_report.py
controlling.py the control socket, at controlling_path.py; controlling_client.py: who talks to it
diagnosing.py the same thing fetched from each upstream, for `modgate diagnose`
ports.py      where go commands ask; operators.py: where operators do; edges.py: what both have in common
loop.py       the event loop of a process that serves
process.py    one serving process: parts and data port, opened and closed in their order
alone.py      `workers = 1`: that process, with its signals and the admin port
team.py       more: a parent that starts, watches and ends the workers (member.py), and has the admin port
worker.py     a worker; control.py is how it and its parent talk
values.py     settings as the values that components take; shares.py: those of one worker
telling.py    where everybody in a process reports to
announcing.py the banner

Belongs here: wiring. Not here: anything that decides.
"""

from __future__ import annotations

from modgate.settings.loaded import Loaded


def serve(loaded: Loaded) -> int:
    """Run the gateway until it is told to stop; returns the exit status.

    Raises:
        SetupError: it cannot start.
    """
    from modgate.gateway import loop
    from modgate.serve import garbage
    from modgate.serve.lifecycle import allow_descriptors
    from modgate.settings.machine import workers

    garbage.postpone()
    allow_descriptors()
    number = workers(loaded.settings)
    if number == 1:
        from modgate.gateway.alone import run

        return loop.run(run(loaded))
    from modgate.gateway.team import lead

    return loop.run(lead(loaded, number))
