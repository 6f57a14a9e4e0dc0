"""What modgate is told: the settings, where they come from, and whether they make sense on this machine.

    model.py    every setting, with its unit, default, bounds and consequence
    fields.py   the model as a flat list: `limits.zip`, `MODGATE_LIMITS_ZIP`
    values.py   durations, sizes and names as people write them
    tables.py   the arrays of tables, which only a file can hold: routes, views, hosts
    convert.py  a text or a TOML value becomes the type that the model wants
    file.py, environ.py, golang.py   the three places besides flags that a setting can come from
    meaning.py  what the texts say (chain, databases, patterns, addresses), parsed once; of routes: routing.py, of the
                chain: upstream.py, of hosts: outside.py, of the witness: witness.py
    load.py     precedence, and the whole of it: `load(Sources(...)) -> Loaded` (loaded.py)
    machine.py  checks that touch the machine: directory (mounts.py), ports, certificates, files of hosts (hostfiles.py)
    reference.py the model as a page of documentation

Belongs here: names, types, bounds and defaults of settings. Not here: what a component does with its values. Components
take plain values, so only cli/ and gateway.py import this package.
"""
