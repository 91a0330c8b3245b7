"""Lines with a cursor, of which only the visible ones are drawn: what a timeline and a page have in common."""

from __future__ import annotations

from typing import ClassVar

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Moved in like a pager: arrows, j and k, screens, both ends."""

    BINDINGS: ClassVar = [
        Binding("down,j", "move(1)", show=False),
        Binding("up,k", "move(-1)", show=False),
        Binding("pagedown,ctrl+d,space", "page(1)", show=False),
        Binding("pageup,ctrl+u", "page(-1)", show=False),
        Binding("home,g", "to(0)", show=False),
        Binding("end,G", "to(-1)", show=False),
    ]

    @property
    def count(self) -> int:
        """Lines there are."""
        raise NotImplementedError

    @property
    def at(self) -> int:
        """The line under the cursor."""
        raise NotImplementedError

    def go(self, at: int) -> None:
        """The cursor to this line, or the nearest there is."""
        raise NotImplementedError

    def action_move(self, by: int) -> None:
        self.go(self.at + by)

    def action_page(self, by: int) -> None:
        self.go(self.at + by * self.screenful)

    def action_to(self, at: int) -> None:
        self.go(at if at >= 0 else self.count - 1)

    @property
    def screenful(self) -> int:
        """Lines by which a page is turned: two stay in view."""
        return max(1, self.size.height - 2)


def paint(text: Text, console: Console, base: Style, width: int) -> Strip:
    """The text on the widget's own background, cut or filled to the width."""
    ground = base + console.get_style(text.style) if text.style else base  # rich leaves it out where there are no spans
    segments = [Segment(s.text, ground + s.style if s.style else ground) for s in text.render(console)]
    return Strip(segments).adjust_cell_length(width, base)


def under(strip: Strip, cursor: Style) -> Strip:
    """The strip with the cursor on it: its background gives way, its colours stay."""
    return Strip([Segment(s.text, (s.style or Style()) + cursor, s.control) for s in strip], strip.cell_length)
