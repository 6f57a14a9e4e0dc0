"""The mathematics of a transparency log, as pure functions of values.

Belongs here: signed notes, tiles and their spelling, records, tree hashes, proofs. Not here: whose log it is, how it is
reached or kept (checksum/).
"""
