"""How fast modgate is, against nginx on the same files and against a go command that asks the upstream itself.

Run it by `make bench`, or `python -m benchmarks --help`. Results differ from machine to machine and from minute to
minute, so that nothing here is a test: only what is broken fails.

Belongs here, one concept a file: what is measured (scenarios/), against whom (servers/), how load is made (load/), what
is asked for (project.py, upstream.py), what came out (results.py), what it should be (targets.py), how it is shown
(table.py). Not here: whether modgate answers right (tests/).
"""
