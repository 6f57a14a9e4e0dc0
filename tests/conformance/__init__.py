"""The Go toolchain's own script tests, run through a module proxy under test (README.md).

Belongs here: the runner. Not here: expectations of our own; those of Go are in its source tree.
"""
