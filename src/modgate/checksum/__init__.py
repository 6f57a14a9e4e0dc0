"""Checksum databases: relayed and kept for clients (databases.py, ways.py).

Belongs here: which databases are served, how each is reached, what of them is kept. Not here: the mathematics of the
log (tlog/), HTTP towards clients (serve/).
"""
