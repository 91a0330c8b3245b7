"""A guided tour: each lesson says one thing, and is over when it was done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from .places import PACKETS, VERDICT
from .widgets.panes import Pane


class Lesson(NamedTuple):
    words: str
    done: Callable[[Any], bool]


LESSONS = (
    Lesson(
        "Each line above is an exchange; ✖ marks a denial, ↳ the same one seen a hop deeper. The verdict below answers"
        " who said 403: HAProxy did, Varnish only passed it on. Press Enter to go into the verdict.",
        lambda app: isinstance(app.focused, Pane),
    ),
    Lesson(
        "Nothing here asks for trust: every piece of evidence leads to what it quotes. Press Tab until a line under"
        " Evidence is lit, then Enter.",
        lambda app: app.tab != VERDICT,
    ),
    Lesson(
        "That is the place it quotes. 1 to 8 choose the pane: press 7 for the packets of this connection.",
        lambda app: app.tab == PACKETS,
    ),
    Lesson(
        "Escape goes back to the list. Now press / and type  ~c 403 & ~d example  then Enter: mitmproxy's filter"
        " language, with ~layer, ~cause and ~product besides.",
        lambda app: bool(app.view.expression),
    ),
    Lesson("0 shows everything again. Press it.", lambda app: app.view.everything),
    Lesson(
        "b groups thousands of denials into a few stories. Press b, look, and leave with Escape.",
        lambda app: type(app.screen).__name__ == "GroupsScreen",
    ),
    Lesson(
        "That was all: n goes to the next denial, x exports, y copies as curl, ? lists the rest, q leaves.",
        lambda app: type(app.screen).__name__ == "HelpScreen",
    ),
)
