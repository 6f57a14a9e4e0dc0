"""Where bytes and rows live, by guarantee.

Belongs here: the data directory and its layout, the artifact tree (immutable files), records (rows), the commit order
that joins the two, locks and generations that hold across processes. Not here: what is fresh, what is trusted, what is
served; this package knows names and bytes, no asks.
"""
