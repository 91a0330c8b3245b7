"""The lines above the timeline: what is open and how far it is read, exchanges over time, names of the columns."""

from __future__ import annotations

import numpy as np
from rich.text import Text
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.order import Order
from tui.render.entry import Columns, ruler

from .lines import paint
from .timeline import Timeline

FEW = 12
"""exchanges from which on their times are worth two lines"""
_LEVELS = " ▁▂▃▄▅▆▇█"


class Bar(Widget):
    """Lines of styled text, cut to the width."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.lines: list[Text] = []

    def say(self, *lines: Text) -> None:
        if [line.markup for line in lines] != [line.markup for line in self.lines]:
            self.lines = list(lines)
            self.refresh()

    def render_line(self, y: int) -> Strip:
        if y >= len(self.lines):
            return Strip.blank(self.size.width, self.rich_style)
        return paint(self.lines[y], self.app.console, self.rich_style, self.size.width)


class Overview(Bar):
    """How many exchanges began when, denials below; a click goes there."""

    class Picked(Message):
        """A moment was clicked."""

        def __init__(self, time_ns: int) -> None:
            super().__init__()
            self.time_ns = time_ns

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._span = (0, 1)

    def draw(self, order: Order) -> None:
        width = self.size.width
        if len(order) < FEW or width < 10 or not self.display:
            self.say()
            return
        begin, end = int(order.times.min()), int(order.times.max())
        self._span = begin, end
        at = ((order.times - begin) * (width - 1) // max(1, end - begin)).clip(0, width - 1)
        counts = np.bincount(at, minlength=width)
        denied = np.bincount(at[order.denied], minlength=width)
        level = np.ceil(counts * 8 / max(1, int(counts.max()))).astype(int)
        upper = Text("".join(_LEVELS[n] for n in level), style="receive")
        lower = Text("".join("✖" if n else "·" for n in denied), style="faint")
        for column in np.flatnonzero(denied).tolist():
            lower.stylize("denied", column, column + 1)
        self.say(upper, lower)

    def on_click(self, event: events.Click) -> None:
        begin, end = self._span
        self.post_message(self.Picked(begin + (end - begin) * event.x // max(1, self.size.width - 1)))


class Ruler(Bar):
    """The names of the timeline's columns and the times of its axis; a click on a name sorts."""

    class Sorted(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._columns: Columns | None = None

    def draw(self, timeline: Timeline, sort: str, descending: bool) -> None:
        self._columns = timeline.columns
        self.say(ruler(timeline.columns, timeline.axis, sort, descending, timeline.signs))

    def on_click(self, event: events.Click) -> None:
        columns = self._columns or Columns.of(self.size.width, 0)
        place = 16 + columns.lanes + columns.place
        sizes = place + columns.said + columns.size
        edges = ((4, "time"), (8, "status"), (16, "method"), (place, "host"), (place + columns.said, "time"),
                 (sizes, "size"), (sizes + columns.took, "duration"))  # fmt: skip
        self.post_message(self.Sorted(next((key for edge, key in edges if event.x < edge), "time")))
