"""Delivery over HTTP: what a client sees of a source.

Belongs here: request targets, headers, status codes and texts (target.py, response.py, conditional.py, errors.py: all
pure), connections and the fast path from memory (protocol.py, cycle.py, table.py, listener.py), the ordinary path
(app.py, send.py), files below the transport (zerocopy.py, delivery.py), health and the admin port. Not here: what is
remembered and for how long (cache/), where modules come from (source/), the wiring (gateway.py). Status codes and
header names live here and nowhere else.
"""
