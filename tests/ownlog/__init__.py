"""Our own checksum database: what clients are told, what is recorded and why, and what no crash may change.

The log itself over a store in memory is in tests/checksum.
"""
