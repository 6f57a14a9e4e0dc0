"""modgate: a gateway for Go modules between a company's `go` commands and the rest of the world.

The house and where each thing belongs: docs/architecture.md. Nothing is imported here, so that a child process that
needs one pure module does not pay for the rest.
"""

__version__ = "0.1.0"
