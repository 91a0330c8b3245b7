"""Numbers as people read them."""

from __future__ import annotations

import re
import textwrap

_COMMAND = re.compile(r"`[^`]{1,2000}`")
_KEPT = "\N{NO-BREAK SPACE}"


def duration(ns: int | None) -> str:
    """`12 ms`, `1.24 s`, `350 µs`; `-` when unknown."""
    if ns is None:
        return "-"
    if abs(ns) < 1_000_000:
        return f"{ns / 1000:.0f} µs"
    if abs(ns) < 1_000_000_000:
        return f"{ns / 1e6:.0f} ms" if abs(ns) >= 10_000_000 else f"{ns / 1e6:.1f} ms"
    return f"{ns / 1e9:.2f} s"


def size(count: int | None) -> str:
    """`512 B`, `1.2 kB`, `3.4 MB`; `-` when unknown."""
    if count is None:
        return "-"
    number = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.0f} {unit}" if unit == "B" or number >= 100 else f"{number:.1f} {unit}"
        number /= 1000
    return f"{number:.1f} TB"


def plural(count: int, noun: str) -> str:
    """`1 packet`, `1,204 packets`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def wrap_commands(text: str, width: int, indent: str = "", first: str | None = None) -> list[str]:
    """The same, but what stands between backticks stays on one line, however long: it is there to be copied."""
    whole = _COMMAND.sub(lambda m: m[0].replace(" ", _KEPT), text.replace(_KEPT, " "))
    return [line.replace(_KEPT, " ") for line in wrap(whole, width, indent, first, break_words=False)]


def wrap(text: str, width: int, indent: str = "", first: str | None = None, *, break_words: bool = True) -> list[str]:
    """Lines of at most `width`; `first` begins the first one, `indent` the others."""
    begin = indent if first is None else first
    lines = textwrap.wrap(
        text,
        max(width, 30),
        initial_indent=begin,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=break_words,
    )
    return lines or [begin.rstrip()]
