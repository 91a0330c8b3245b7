"""The timeline: one exchange a line, as a waterfall, drawn only where it is visible."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import ClassVar

from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from tracer.store.listing import Row
from tui.order import Order
from tui.render.entry import Axis, Columns, Signs, draw
from tui.rows import Rows

from .lines import Lines, paint, under

_COPIES = 64
"""copies of a denial at deeper hops that are passed over to the next one"""


class Timeline(Lines):
    """Exchanges in their order; the cursor's one is the selected one."""

    BINDINGS: ClassVar = [Binding("enter", "open", show=False)]

    cursor: reactive[int] = reactive(0, init=False)

    class Selected(Message):
        """The cursor is on another exchange."""

        def __init__(self, row: Row) -> None:
            super().__init__()
            self.row = row

    class Opened(Message):
        """The user wants the details of the exchange under the cursor."""

    class Drawn(Message):
        """The time axis or the columns changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Timeline.Drawn)

    def __init__(self, rows: Rows, clean: Callable[[str], str] = str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows = rows
        self.signs = Signs(clean)
        self.fit = True
        """the axis is that of the lines on the screen, else that of all lines"""
        self.tail = False
        """stay with the newest line"""
        self._axis = Axis(0, 1)
        self._last: Row | None = None

    # -- what is shown

    def show(self, order: Order, keep: int | None = None, at: int | None = None) -> None:
        """Another order; the cursor goes to position `at`, or stays on row number `keep` when it is still there."""
        self.rows.show(order)
        self.forget()
        self.virtual_size = Size(0, len(order))
        self.styles.max_height = max(4, len(order))
        if at is None:
            at = order.position(keep) if keep is not None else None
        if self.tail:
            at = len(order) - 1
        at = max(0, min(self.cursor if at is None else at, len(order) - 1))
        if at == self.cursor:
            self._told()
        self.cursor = at
        self.refresh()

    def forget(self) -> None:
        """Draw every line anew."""
        self._line.cache_clear()
        self._fit()
        self.refresh()

    @property
    def row(self) -> Row | None:
        """The row under the cursor."""
        return self.rows.entry(self.cursor).row if 0 <= self.cursor < len(self.rows) else None

    @property
    def number(self) -> int | None:
        """Number in the store of the row under the cursor."""
        return int(self.rows.order.numbers[self.cursor]) if 0 <= self.cursor < len(self.rows) else None

    @property
    def axis(self) -> Axis:
        return self._axis

    @property
    def columns(self) -> Columns:
        return Columns.of(self.scrollable_content_region.width, len(self.signs.lanes))

    # -- acts

    @property
    def count(self) -> int:
        return len(self.rows)

    @property
    def at(self) -> int:
        return self.cursor

    def go(self, at: int) -> None:
        self.cursor = max(0, min(at, len(self.rows) - 1))

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def denial(self, step: int) -> bool:
        """Go to the next or previous denial; False when there is none."""
        at = self.cursor
        for _ in range(_COPIES):
            found = self.rows.order.next_denial(at, step)
            if found is None:
                return False
            at = found
            if self.rows.entry(at).row.id not in self.signs.deeper:
                break
        self.go(at)
        return True

    def watch_cursor(self, after: int) -> None:
        self.scroll_to_region(Region(0, after, 1, 1), animate=False, force=True)
        self.refresh()
        self._told()

    def _told(self) -> None:
        if (row := self.row) is not None:
            self.post_message(self.Selected(row))

    def on_click(self, event: events.Click) -> None:
        at = event.y + self.scroll_offset.y
        if 0 <= at < len(self.rows):
            again = at == self.cursor
            self.cursor = at
            if again:
                self.action_open()

    def on_resize(self) -> None:
        self.virtual_size = Size(0, len(self.rows))
        self.forget()

    def watch_scroll_y(self, before: float, after: float) -> None:
        super().watch_scroll_y(before, after)
        if round(before) != round(after):
            self._fit()

    # -- drawing

    def _fit(self) -> None:
        """The time axis: of the lines that are visible, or of all."""
        order = self.rows.order
        if not len(order):
            return
        if self.fit:
            top = self.scroll_offset.y
            visible = range(min(top, len(order) - 1), min(top + max(1, self.size.height), len(order)))
            spans = [self.rows.entry(at) for at in visible]
            begins = [e.phases[0][1] if e.phases else e.row.start_ns for e in spans]
            ends = [e.row.end_ns or e.row.start_ns for e in spans]
            known = [t for t in begins + ends if t is not None]
            axis = Axis(min(known), max(known)) if known else Axis(0, 1)
        else:
            axis = Axis(int(order.times.min()), int(order.times.max()))
        if axis != self._axis:
            self._axis = axis
            self._line.cache_clear()
            self.refresh()
        self.post_message(self.Drawn())

    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if at >= len(self.rows):
            return Strip.blank(width, self.rich_style)
        strip = self._line(at, width)
        if at == self.cursor:
            return under(strip, self.app.console.get_style("cursor" if self.has_focus else "cursor.away"))
        return strip

    @lru_cache(maxsize=512)  # noqa: B019  # cleared when anything it draws changes; lives as long as the app
    def _line(self, at: int, width: int) -> Strip:
        text = draw(self.rows.entry(at), self.columns, self._axis, self.signs)
        return paint(text, self.app.console, self.rich_style, width)
