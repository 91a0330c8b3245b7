"""Rows of a listing as text: aligned for people, tab-separated for programs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .safe import safe
from .style import Style
from .words import duration, size

TSV = ("id", "client", "server", "method", "host", "url", "status", "start", "duration_ms", "size", "denied")
Clean = Callable[[str], str]
_FORMULA = re.compile(r"\t[=+@-]")
"""a cell that a spreadsheet would compute; it gets an apostrophe before it"""


def head() -> str:
    """The names of the columns."""
    return "\t".join(TSV)


def line(row: Any, clean: Clean) -> str:
    """A row; missing values are empty, times are seconds since the epoch."""
    start = f"{row.start_ns // 10**9}.{row.start_ns % 10**9:09d}" if row.start_ns is not None else ""
    took = f"{row.duration_ns / 1e6:.3f}" if row.duration_ns is not None else ""
    url = row.url
    values = (row.id, row.client, row.server, row.method, row.host, clean(url) if url else None, row.status,
              start, took, row.size, int(row.denied))  # fmt: skip
    texts = ["" if v is None else str(v) for v in values]
    plain = "\t".join(texts)
    if _FORMULA.search("\t" + plain):
        texts = [f"'{t}" if t[:1] and t[:1] in "=+@-" else t for t in texts]
        plain = "\t".join(texts)
    if plain.isascii() and plain.replace("\t", "").isprintable() and plain.count("\t") == len(TSV) - 1:
        return plain  # nearly always: one look instead of eleven
    return "\t".join(map(safe, texts))


def tsv(rows: Iterable[Any], clean: Clean) -> Iterator[str]:
    """A head line, then a line for each row."""
    yield head()
    for row in rows:
        yield line(row, clean)


def table(rows: Iterable[Any], clean: Clean, style: Style, width: int) -> Iterator[str]:
    """Id, status, method, time taken, size, URL; a denial is marked with `!`."""
    yield style.dim(f"{'id':<8} {'st':>4}  {'method':<7} {'took':>8} {'size':>8}  url")
    count = denied = 0
    for row in rows:
        count += 1
        denied += row.denied
        mark = "!" if row.denied else " "
        status = style.status(row.status, f"{row.status if row.status is not None else '-':>3}{mark}")
        head = f"{safe(row.id, 16):<8} "
        rest = f"  {safe(row.method or '-', 12):<7} {duration(row.duration_ns):>8} {size(row.size):>8}  "
        room = max(width - len(head) - 4 - len(rest), 20)
        yield head + status + rest + safe(clean(row.url) if row.url else "-", room)
    yield style.dim(f"{count} exchange{'s' * (count != 1)}, {denied} denied")
