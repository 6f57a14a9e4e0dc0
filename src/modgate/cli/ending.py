"""How every command ends: one line instead of a traceback, and an exit code that scripts can use."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

FAILED = 1
WRONG_SETTING = 2
"""As for wrong usage of the command line."""
INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended: 128 + SIGINT."""


def ended(run: Callable[[], int]) -> int:
    """Run a command and return its exit code, whatever happens in it."""
    from modgate.errors import GatewayError, SetupError

    try:
        return run()
    except SetupError as problem:
        _say(str(problem))
        return WRONG_SETTING
    except GatewayError as error:
        _say(": ".join(filter(None, (error.asked, error.source, error.reason))))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 -- the outermost frame; the traceback is for those who ask for it
        return _unexpected(error)


def _unexpected(error: Exception) -> int:
    if os.environ.get("MODGATE_DEBUG"):
        traceback.print_exception(error)
    else:
        _say(f"unexpected {type(error).__name__}: {error}; run with MODGATE_DEBUG=1 for the traceback")
    return FAILED


def _say(text: str) -> None:
    from modgate.gomod.redact import redacted

    print("modgate:", redacted(" ".join(text.split())), file=sys.stderr)  # noqa: T201 -- this is its place
