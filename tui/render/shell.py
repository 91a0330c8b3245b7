"""Lines that commands print, with their colours as styles of ours."""

from __future__ import annotations

import re

from rich.text import Text

_PAINT = re.compile(r"\x1b\[([\d;]*)m")
_STYLES = {"1": "strong", "2": "faint", "31": "denied", "32": "ok", "33": "warn", "34": "redirect", "35": "fault",
           "36": "name"}  # fmt: skip


def painted(line: str) -> Text:
    """The line; data in it was made safe before it was painted, so that every escape is a colour."""
    out, style, at = Text(), "", 0
    for found in _PAINT.finditer(line):
        out.append(line[at : found.start()], style=style)
        codes = [code for code in found[1].split(";") if code in _STYLES]
        style = _STYLES[codes[-1]] if codes else ""
        at = found.end()
    out.append(line[at:], style=style)
    return out
