"""The command line: arguments in, exit code out.

0 done; 1 `--fail-on` matched; 2 usage; 3 no source could be read; 4 done, but part of a source could not be read;
70 a fault of our own; 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

YOUNG = 100_000
"""objects made before the collector looks for cycles: more than starting makes, which leaves none"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    given = [*(sys.argv[1:] if arguments is None else arguments)]  # `list` is a command of this package
    if given in (["--version"], ["-V"]):
        from tracer import __version__

        print(f"tracer {__version__}")
        return 0
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(
                errors="backslashreplace" if "utf" in (stream.encoding or "").lower() else _typewritten()
            )
    try:
        from .program import run

        code = run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read us has seen enough; give the interpreter somewhere to flush the rest to
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    except KeyboardInterrupt:
        return 130
    return code


def _typewritten() -> str:
    """The error handler for a terminal that lacks characters."""
    from tracer.views.safe import TYPEWRITTEN

    return TYPEWRITTEN
