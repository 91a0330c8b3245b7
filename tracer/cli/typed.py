"""What is typed while a proxy runs: `pass HOST`."""

from __future__ import annotations

import os
import re
import select
import sys
from collections.abc import Iterator

_PASS = re.compile(r"\s*pass\s+([A-Za-z0-9*][A-Za-z0-9.*?_-]*)\s*")
HINT = "type   pass HOST   to let a host's TLS through untouched from now on"


def listens() -> bool:
    """Somebody can type: standard input is a terminal, and ours at the moment."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(0) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False


def hosts() -> Iterator[str]:
    """Hosts that were typed since; an empty one for a line that is not understood."""
    while listens() and select.select([0], [], [], 0)[0]:
        line = os.read(0, 4096).decode("utf-8", "replace")
        if not line:
            return
        for text in filter(str.strip, line.splitlines()):
            found = _PASS.fullmatch(text)
            yield found[1] if found else ""
