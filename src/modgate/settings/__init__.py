"""What modgate is told: the settings, where they come from, and whether they make sense on this machine.

    model.py    every setting, with its unit, default, bounds and consequence
    fields.py   the model as a flat list: `limits.zip`, `MODGATE_LIMITS_ZIP`
    values.py   durations, sizes and names as people write them
    file.py, environ.py, golang.py   the three places besides flags that a setting can come from
    meaning.py  what the texts say (chain, databases, patterns, addresses), parsed once
    load.py     precedence, and the whole of it: `load(Sources(...)) -> Loaded` (loaded.py)
    machine.py  checks that touch the machine: directory, ports, certificates

Belongs here: names, types, bounds and defaults of settings. Not here: what a component does with its values. Components
take plain values, so only cli/ and gateway.py import this package.
"""
