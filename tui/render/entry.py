"""One exchange as one line: signs, status, method, where, how long, and its bar on the time axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from rich.text import Text

from tracer.views.safe import safe
from tui.rows import Entry

from .words import duration, layer_style, size, status_style

WATERFALL = 24
"""least width in columns that a waterfall is worth"""
SAID = 24
"""columns for who said it"""
BARS = {"connect": "┄", "tls": "┅", "send": "▸", "wait": "─", "receive": "━"}
ASCII_TARGET = 300
"""characters of a target that are looked at"""


class Axis(NamedTuple):
    begin_ns: int
    end_ns: int

    def column(self, ns: int, width: int) -> int:
        """0 to width - 1."""
        span = max(1, self.end_ns - self.begin_ns)
        return min(width - 1, max(0, (ns - self.begin_ns) * (width - 1) // span))


class Columns(NamedTuple):
    """Widths of the columns; 0 where there is no room for one."""

    width: int
    lanes: int
    place: int
    said: int
    size: int
    took: int
    bar: int

    @classmethod
    def of(cls, width: int, sources: int) -> Columns:
        """Columns for a line of this width; the path gives way last."""
        lanes = 2 * min(sources, 6) if sources > 1 and width >= 70 else 0
        took = 9
        volume = 9 if width >= 110 else 0
        said = SAID if width >= 140 else 0
        left = width - 2 - 2 - 4 - 8 - lanes - said - took - volume
        bar = 0
        if width >= 100:
            bar = max(WATERFALL, min(left // 2, left - 36))
        return cls(width, lanes, max(10, left - bar), said, volume, took, bar)


@dataclass
class Signs:
    """What is known of lines beside their rows."""

    clean: Callable[[str], str]
    """takes secrets out of a target"""
    marks: dict[str, tuple[str, str]] = field(default_factory=dict)
    deeper: dict[str, str] = field(default_factory=dict)
    """exchange at a deeper hop -> the one that its client saw"""
    lanes: tuple[str, ...] = ()
    """sources, when there are several"""


def named(sources: Sequence[str]) -> list[str]:
    """Short names of sources: their last part, with the folder before it where that alone is not clear."""
    last = [source.rpartition("/")[2] for source in sources]
    return [
        name if last.count(name) == 1 else "/".join(source.split("/")[-2:])
        for name, source in zip(last, sources, strict=True)
    ]


def draw(entry: Entry, columns: Columns, axis: Axis, signs: Signs) -> Text:
    """`✖ ● 403 GET     shop.example/admin   12 ms ──━━`"""
    row = entry.row
    text = Text(no_wrap=True)
    deeper = row.id in signs.deeper
    text.append("✖ " if row.denied and not deeper else "↳ " if deeper else "  ", style="denied")
    mark, note = signs.marks.get(row.id, ("", ""))
    text.append(("● " if mark else "✎ " if note else "! " if entry.problems else "  "), style="mark")
    text.append(f"{row.status if row.status is not None else '---'} ", style=status_style(row.status))
    text.append(f"{safe(row.method or '?')[:7]:<7} ", style="strong")
    if columns.lanes:
        for number, lane in enumerate(signs.lanes[:6]):
            here = lane == entry.source
            text.append(f"{chr(65 + number)} " if here else "· ", style="strong" if here else "faint")
    text.append_text(_place(entry, columns.place, signs.clean))
    if columns.said:
        text.append_text(_said(entry, columns.said, deeper))
    if columns.size:
        text.append(f"{size(row.size) if row.size else '-':>8} ", style="faint")
    text.append(f"{duration(row.duration_ns):>8} ", style="faint")
    if columns.bar:
        text.append_text(bar(entry, axis, columns.bar))
    return text


def _place(entry: Entry, width: int, clean: Callable[[str], str]) -> Text:
    """Host and target; a long target loses its middle rather than its end."""
    row = entry.row
    host, target = safe(row.host or ""), safe(clean((row.target or "")[:ASCII_TARGET]))
    if "://" in target[:12] or (host and target.startswith(host)):  # as forward proxies get it, and CONNECT
        host = ""
    note = f" ⇄{entry.events}" if entry.events else ""
    where = Text(host, style="name")
    where.append(target if target.startswith("/") or not host else f" {target}")
    room = max(4, width - len(note) - 1)
    if where.cell_len > room:
        keep = room // 2
        head, tail = where[:keep], where[len(where) - (room - keep - 1) :]
        where = Text.assemble(head, ("…", "faint"), tail)
    where.truncate(room, overflow="ellipsis", pad=True)
    where.append(note + " ", style="word")
    return where


def _said(entry: Entry, width: int, deeper: bool) -> Text:
    """`haproxy (gateway)`; nothing on the copy of a denial."""
    if entry.judged is None or deeper:
        return Text(" " * width)
    product, layer = entry.judged
    text = Text(safe(product or str(layer), 40), style=layer_style(layer))
    if product:
        text.append(f" {layer}", style="faint")
    text.truncate(width - 2, overflow="ellipsis", pad=True)
    return text.append("  ")


def bar(entry: Entry, axis: Axis, width: int) -> Text:
    """This exchange on the time axis: connecting, TLS, sending, waiting, receiving, each with its own stroke."""
    row, cells = entry.row, [(" ", "")] * width
    if row.start_ns is None:
        return Text(" " * width)
    for name, begin, end in entry.phases:
        for column in range(axis.column(begin, width), axis.column(end, width) + 1):
            cells[column] = (BARS[name], "denied" if row.denied and name == "receive" else name)
    if not entry.phases:
        cells[axis.column(row.start_ns, width)] = ("╵" if not row.denied else "✖", "denied" if row.denied else "wait")
    elif row.denied:
        cells[axis.column(row.end_ns or row.start_ns, width)] = ("✖", "denied")
    runs = groupby(cells, key=itemgetter(1))  # a span a stroke, not a span a column
    return Text.assemble(*(("".join(sign for sign, _ in run), style) for style, run in runs))


def ruler(columns: Columns, axis: Axis, sort: str, descending: bool, signs: Signs) -> Text:
    """The names of the columns, the one that sorts with an arrow, and the times of the axis."""
    arrow = "▾" if descending else "▴"

    def name(word: str, key: str, width: int, right: bool = False) -> str:
        shown = (f"{arrow}{word}" if right else f"{word}{arrow}") if sort == key else word
        return f"{shown:>{width - 1}} " if right else f"{shown:<{width}}"

    text = Text(no_wrap=True, style="faint")
    text.append("    " + name("st", "status", 4) + name("method", "method", 8))
    if columns.lanes:
        text.append("".join(f"{chr(65 + n)} " for n in range(len(signs.lanes[:6]))))
    text.append(name("host and path", "host", columns.place))
    if columns.said:
        text.append(f"{'said by':<{columns.said}}")
    if columns.size:
        text.append(name("size", "size", columns.size, True))
    text.append(name("took", "duration", columns.took, True))
    if columns.bar:
        text.append_text(_scale(axis, columns.bar))
    return text


def _scale(axis: Axis, width: int) -> Text:
    """`0            120 ms            240 ms`"""
    span = axis.end_ns - axis.begin_ns
    if span <= 0:
        return Text(" " * width)
    middle, end = duration(span // 2), duration(span)
    line = list("├" + "·" * (width - 2) + "┤")
    for at, word in ((1, "0"), (width // 2 - len(middle) // 2, middle), (width - 1 - len(end), end)):
        line[at : at + len(word)] = word
    return Text("".join(line[:width]), style="faint")
