"""Standard output and error: colour when wanted, width, progress, problems one line each."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterable
from typing import TextIO

from tracer.model.problem import Problem, Severity
from tracer.opening import Progress
from tracer.views.safe import safe
from tracer.views.style import Style

_AFTER = 0.4
"""seconds before a progress bar appears"""
_EVERY = 0.1
_GROUPED = 3
"""problems of one code in one source that are told one by one"""


def style(stream: TextIO | None = None) -> Style:
    """Colour for a terminal, none for a pipe; NO_COLOR, FORCE_COLOR and TERM=dumb are honoured."""
    stream = stream or sys.stdout
    unicode = "utf" in (stream.encoding or "").lower()
    colour = stream.isatty() and os.environ.get("TERM") != "dumb"
    if os.environ.get("NO_COLOR"):
        colour = False
    elif os.environ.get("FORCE_COLOR"):
        colour = True
    return Style(colour, unicode)


def width() -> int:
    """Columns to fill: those of the terminal within reason, 80 in a pipe."""
    if not sys.stdout.isatty() and "COLUMNS" not in os.environ:
        return 80
    return max(40, min(shutil.get_terminal_size((80, 24)).columns, 120))


def say(text: str) -> None:
    """A line on standard error."""
    print(text, file=sys.stderr, flush=True)


class ProgressBar:
    """One line on a terminal's standard error, for work that takes a while; otherwise nothing."""

    def __init__(self, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()
        self._begin = self._last = time.monotonic()
        self._drawn = False

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._shown or now - self._begin < _AFTER or now - self._last < _EVERY:
            return
        self._last, self._drawn = now, True
        line = describe(progress, now - self._begin)
        columns = shutil.get_terminal_size((80, 24)).columns
        sys.stderr.write(f"\r\x1b[2K{safe(line, max(columns - 1, 20))}")
        sys.stderr.flush()

    def done(self) -> None:
        """Wipe the line."""
        if self._drawn:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
            self._drawn = False


def describe(progress: Progress, seconds: float) -> str:
    """`capture.pcapng  [######······]  41 %  420 MB of 1.0 GB  1.2 M packets/s  3 s left`"""
    parts = [os.path.basename(progress.source) or progress.source]
    speed = progress.bytes / seconds if seconds > 0 else 0
    if progress.total:
        share = min(progress.bytes / progress.total, 1.0)
        bar = "#" * round(share * 20)
        parts += [f"[{bar:·<20}]", f"{share:4.0%}", f"{amount(progress.bytes)}B of {amount(progress.total)}B"]
    else:
        parts.append(f"{amount(progress.bytes)}B")
    if progress.packets and seconds > 0:
        parts.append(f"{amount(progress.packets / seconds)}packets/s")
    if progress.total and speed:
        parts.append(f"{max(0, progress.total - progress.bytes) / speed:.0f} s left")
    return "  ".join(parts)


def amount(number: float) -> str:
    """`1.2 M`, `340 k`, `12 `: three digits and a prefix, ready for a unit."""
    for prefix in ("", "k", "M", "G"):
        if number < 1000:
            return f"{number:.0f} {prefix}" if number >= 10 or not prefix else f"{number:.1f} {prefix}"
        number /= 1000
    return f"{number:.1f} T"


def tell_problems(problems: Iterable[Problem], quiet: bool, verbose: bool) -> None:
    """Problems on standard error: one line each, many of one code as one line; notes only when asked for."""
    if quiet:
        return
    groups: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        if verbose or problem.severity is not Severity.NOTE:
            groups.setdefault((problem.source, problem.code), []).append(problem)
    paint = style(sys.stderr)
    for (source, code), group in groups.items():
        shown = group if verbose or len(group) <= _GROUPED else group[:1]
        for problem in shown:
            place = f" packet {problem.packet}" if problem.packet is not None else ""
            text = problem.text.splitlines()[0] if problem.text and not verbose else problem.text
            line = f"{safe(source or 'tracer')}:{place} {safe(text, 4000 if verbose else 300)}"
            say(f"{paint.severity(problem.severity)}: {line} [{safe(code)}]")
        if len(shown) < len(group):
            say(f"  … and {len(group) - len(shown)} more like it [{safe(code)}]; -v lists them")
