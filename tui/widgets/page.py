"""A sheet of lines to read: only what is visible is drawn; the line under the cursor can lead somewhere."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from tui.render.sheet import Sheet, Target

from .lines import Lines, paint, under

LEAST = 10
"""columns that lines are wrapped to at least"""
MARGIN = 3
"""columns of a page that are no text: a blank on either side, and the scrollbar"""


class Page(Lines):
    """Reads like a pager: arrows or j and k move, Enter follows what a line leads to."""

    BINDINGS: ClassVar = [
        Binding("tab,J", "link(1)", show=False),
        Binding("shift+tab,K", "link(-1)", show=False),
        Binding("enter", "follow", show=False),
    ]

    class Followed(Message):
        """The user follows what a line leads to."""

        def __init__(self, target: Target) -> None:
            super().__init__()
            self.target = target

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.sheet = Sheet()
        self.needle = ""
        """searched text that is to be shown where it stands"""
        self.cursor = 0
        """a line of the sheet"""
        self._width = 0
        self._rows: list[tuple[int, Text]] = []
        """(line of the sheet, one row of it as wrapped)"""
        self._first: list[int] = []
        """first row of each line"""

    def show(self, sheet: Sheet, keep: bool = False) -> None:
        """Another sheet, from its beginning unless the place is to be kept."""
        self.sheet = sheet
        if not keep:
            self.cursor = 0
        self.cursor = min(self.cursor, max(0, len(sheet) - 1))
        self._wrap()
        if not keep:
            self.scroll_to(0, 0, animate=False)
        self.refresh()

    def jump(self, place: str | int) -> bool:
        """Go to a line, or to the place that evidence names; False when it is not here."""
        at = place if isinstance(place, int) else self.sheet.find(place)
        if at is None:
            return False
        self.go(at, top=True)
        return True

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._width:
            self._wrap()

    def _wrap(self) -> None:
        width = self._width = max(LEAST, self.scrollable_content_region.width)
        self._rows, self._first = [], []
        for number, line in enumerate(self.sheet):
            self._first.append(len(self._rows))
            plain = line.text.plain
            if len(plain) <= width and (plain.isascii() or line.text.cell_len <= width):
                self._rows.append((number, line.text))
            else:
                self._rows += [(number, row) for row in wrapped(line.text, width, line.hang)]
        self.virtual_size = Size(0, len(self._rows))
        self.refresh()

    # -- acts

    @property
    def count(self) -> int:
        return len(self.sheet)

    @property
    def at(self) -> int:
        return self.cursor

    def action_page(self, by: int) -> None:
        row = self._first[self.cursor] if self._first else 0
        row = max(0, min(row + by * self.screenful, len(self._rows) - 1))
        if self._rows:
            self.go(self._rows[row][0])

    def action_link(self, step: int) -> None:
        """The next line that leads somewhere."""
        found = [n for n, line in enumerate(self.sheet) if line.target]
        after = [n for n in found if (n > self.cursor if step > 0 else n < self.cursor)]
        if after:
            self.go(after[0] if step > 0 else after[-1])
        elif found:
            self.go(found[0] if step > 0 else found[-1])

    def action_follow(self) -> None:
        if self.cursor < len(self.sheet) and (target := self.sheet.lines[self.cursor].target):
            self.post_message(self.Followed(target))

    def go(self, at: int, top: bool = False) -> None:
        self.cursor = max(0, min(at, len(self.sheet) - 1))
        if not self._first:
            return
        row = self._first[self.cursor]
        if top:
            self.scroll_to(0, max(0, row - 2), animate=False)
        else:
            self.scroll_to_region(Region(0, row, 1, 1), animate=False, force=True)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        row = event.y + self.scroll_offset.y
        if 0 <= row < len(self._rows):
            self.go(self._rows[row][0])
            self.action_follow()

    # -- drawing

    def render_line(self, y: int) -> Strip:
        at, width = y + self.scroll_offset.y, self.scrollable_content_region.width
        if width != self._width and width >= LEAST and not y:
            self.call_later(self._wrap)  # a scrollbar came or went, or the page was not laid out yet
        base = self.rich_style
        if at >= len(self._rows):
            return Strip.blank(width, base)
        number, text = self._rows[at]
        if self.needle:
            text = text.copy()
            text.highlight_words([self.needle], "found", case_sensitive=False)
        strip = paint(text, self.app.console, base, width)
        if number == self.cursor and self.has_focus:
            return under(
                strip, self.app.console.get_style("cursor" if self.sheet.lines[number].target else "cursor.away")
            )
        return strip


def wrapped(text: Text, width: int, hang: int) -> list[Text]:
    """Rows of at most `width` columns, broken at blanks where there are some, continuations indented."""
    plain, hang = text.plain, min(hang, width // 2)
    ascii_only = plain.isascii()
    starts, at, room = [0], 0, width
    while (cut := _cut(plain, at, room, ascii_only)) < len(plain):
        starts.append(cut)
        at, room = cut, width - hang
    rows = list(text.divide(starts[1:]))
    pad = " " * hang
    return [rows[0], *(Text.assemble(pad, row) if hang else row for row in rows[1:])]


def _cut(plain: str, at: int, room: int, ascii_only: bool) -> int:
    """Where the next row begins."""
    end = at + room
    if not ascii_only:
        end = at
        columns = 0
        while end < len(plain) and (columns := columns + cell_len(plain[end])) <= room:
            end += 1
        end = max(end, at + 1)
    if end >= len(plain):
        return len(plain)
    blank = plain.rfind(" ", at + room // 2, end + 1)
    return blank + 1 if blank > 0 else end
