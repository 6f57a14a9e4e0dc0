"""Checksum databases: relayed and kept for clients (databases.py, ways.py), believed only with proof (client.py), and
our own (log.py).

Belongs here: which databases are served, how each is reached, what of them is kept, and what of them is true. Not here:
the mathematics of the log (tlog/), HTTP towards clients (serve/), rows and files (storage/).
"""
