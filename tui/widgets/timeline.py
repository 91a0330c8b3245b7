"""The timeline: one exchange a line, as a waterfall, drawn only where it is visible.

Rows are fetched from `Rows` by position, so a million of them cost what a screen of them costs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tracer.store.listing import Row
from tracer.views.safe import safe
from tui.render.words import duration, status_style
from tui.rows import Rows

WATERFALL = 24
"""least width in columns that a waterfall is worth"""


class Timeline(ScrollView, can_focus=True):
    """Exchanges in time order; the cursor's one is the selected one."""

    BINDINGS: ClassVar = [
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("home,g", "to(0)", "first", show=False),
        Binding("end,G", "to(-1)", "last", show=False),
        Binding("n", "denial(1)", "next denial"),
        Binding("N", "denial(-1)", "previous denial", show=False),
        Binding("enter", "open", "details", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Selected(Message):
        """The cursor is on another exchange."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Opened(Message):
        """The user wants the details of the exchange under the cursor."""

    def __init__(self, clean: Callable[[str], str] = str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._clean = clean
        """takes secrets out of a target"""
        self._listing: Rows | None = None

    def show(self, listing: Rows, *, keep: str | None = None) -> None:
        """Draw another listing (a filter changed, rows arrived); the cursor stays on exchange `keep` if it is there."""
        self._listing = listing
        self._line.cache_clear()
        self.virtual_size = Size(self.size.width, len(listing))
        at = listing.position(keep) if keep else None
        self.set_reactive(Timeline.cursor, -1)
        self.cursor = min(at or 0, max(0, len(listing) - 1))
        self.refresh()

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        listing = self._listing
        return listing.row(self.cursor) if listing and 0 <= self.cursor < len(listing) else None

    # -- acts

    def action_move(self, by: int) -> None:
        self._go(self.cursor + by)

    def action_page(self, by: int) -> None:
        self._go(self.cursor + by * max(1, self.size.height - 2))

    def action_to(self, at: int) -> None:
        self._go(at if at >= 0 else len(self._listing or ()) - 1)

    def action_denial(self, step: int) -> None:
        at = self._listing.next_denial(self.cursor, step) if self._listing else None
        if at is None:
            self.notify("no other denial here", timeout=2)
        else:
            self._go(at)

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def _go(self, at: int) -> None:
        self.cursor = max(0, min(at, len(self._listing or ()) - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        self.refresh_line(before - self.scroll_offset.y)
        self.refresh_line(after - self.scroll_offset.y)
        self.scroll_to_region(Region(0, after, 1, 1), animate=False, force=True)
        if (row := self.row) is not None:
            self.post_message(self.Selected(row))

    def on_click(self, event: object) -> None:
        y = getattr(event, "y", 0) + self.scroll_offset.y
        if 0 <= y < len(self._listing or ()):
            again = y == self.cursor
            self.cursor = y
            if again:
                self.action_open()

    def on_resize(self) -> None:
        self._line.cache_clear()
        self.virtual_size = Size(self.size.width, len(self._listing or ()))

    # -- drawing

    def refresh_line(self, y: int) -> None:
        self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.size.width
        if self._listing is None or at >= len(self._listing):
            return Strip.blank(width, self.rich_style)
        strip = self._line(at, width)
        if at == self.cursor:
            return strip.apply_style(Style(reverse=self.has_focus, bold=True))
        return strip

    @lru_cache(maxsize=512)  # noqa: B019  # cleared when the listing changes; the widget lives as long as the app
    def _line(self, at: int, width: int) -> Strip:
        assert self._listing is not None
        row = self._listing.row(at)
        text = _columns(row, self._clean(row.target or ""), width)
        rest = width - text.cell_len
        if rest >= WATERFALL:
            text.append_text(_bar(row, self._listing, rest))
        text.truncate(width, pad=True)
        return Strip(
            [
                Segment(s.text, self.rich_style + s.style if isinstance(s.style, Style) else self.rich_style)
                for s in text.render(self.app.console)
            ],
            width,
        )


def _columns(row: Row, target: str, width: int) -> Text:
    """Sign, status, method, host and path, duration: what fits, the path last to give way."""
    text = Text(no_wrap=True)
    text.append("✖ " if row.denied else "  ", style="bold red")
    text.append(f"{row.status if row.status is not None else '---'} ", style=status_style(row.status))
    text.append(f"{safe(row.method or '?')[:7]:<7} ", style="bold")
    fixed = 14 + 10
    place = max(20, min(70, width - fixed - (WATERFALL + 2 if width >= 100 else 0)))
    host, path = safe(row.host or ""), safe(target)
    where = Text(host, style="cyan")
    where.append(path if path.startswith("/") else f" {path}")
    where.truncate(place, overflow="ellipsis", pad=True)
    text.append_text(where)
    text.append(f" {duration(row.duration_ns):>9} ", style="dim")
    return text


def _bar(row: Row, listing: Rows, width: int) -> Text:
    """This exchange on the time axis of the whole listing: waiting light, receiving heavy."""
    begin, span = listing.begin_ns, max(1, listing.end_ns - listing.begin_ns)
    text = Text(style="dim")
    if row.start_ns is None:
        return text

    def column(ns: int) -> int:
        return min(width - 2, max(0, (ns - begin) * (width - 2) // span))

    start = column(row.start_ns)
    end = column(row.end_ns if row.end_ns is not None else row.start_ns)
    first = column(row.response_ns) if row.response_ns is not None else end
    text.append(" " * (start + 1))
    style = "red" if row.denied else "blue"
    text.append("─" * (first - start), style=style)
    text.append("━" * max(1, end - first + 1), style=style)
    return text
