"""Every act as a table: what it is called, what it does, its keys, when it can be done.

Bindings, footer, help page and command palette are all made from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, NamedTuple

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider

from .widgets.strips import Choice, fitting, key

When = Callable[[Any], bool]


def _always(_app: Any) -> bool:
    return True


def _replays(_app: Any) -> bool:
    return find_spec("tracer.replay") is not None


class Command(NamedTuple):
    name: str
    help: str
    action: str
    """of the application, as Textual writes it"""
    keys: str = ""
    section: str = ""
    footer: str = ""
    """its word in the footer"""
    when: When = _always


ANSWER, MOVING, LOOKING, CHOOSING, TAKING, ELSE = (
    "To the answer", "Moving", "Looking", "Choosing", "Taking away", "Else",
)  # fmt: skip

COMMANDS: tuple[Command, ...] = (
    Command("Next denial", "the next exchange that was denied", "denial(1)", "n", ANSWER, "next denial"),
    Command("Previous denial", "the one before", "denial(-1)", "N", ANSWER),
    Command("Denials only", "show denials alone, and back to all", "denials", "d", ANSWER, "denials"),
    Command("Stories", "group by verdict, host, client, connection, status, chain", "groups", "b", ANSWER, "group"),
    Command("Filter", "show what matches an expression: ~c 403 & ~d shop", "filter", "slash", CHOOSING, "filter"),
    Command("Find text", "show exchanges with a text in URL, headers or bodies", "find", "f,ctrl+f", CHOOSING, "find"),
    Command("Sort", "by time, status, duration, size, host, method in turn", "sort", "o", CHOOSING, "sort"),
    Command("Reverse the order", "", "reverse", "O", CHOOSING),
    Command(
        "Window starts here", "hide what began before this exchange", "window('begin')", "left_square_bracket", CHOOSING
    ),
    Command(
        "Window ends here", "hide what began after this exchange", "window('end')", "right_square_bracket", CHOOSING
    ),
    Command("Zoom in", "to half the time around this exchange", "window('in')", "plus", CHOOSING),
    Command("Zoom out", "to twice the time around it", "window('out')", "minus", CHOOSING),
    Command("Show everything", "drop filter, group, denials only and time window", "everything", "0", CHOOSING),
    Command("Details", "the verdict or message of this exchange, to read in", "details", "", LOOKING, "details"),
    Command("Next pane", "", "pane(1)", "right,l", LOOKING, "pane"),
    Command("Previous pane", "", "pane(-1)", "left,h", LOOKING),
    Command("Zoom details", "over the whole screen, and back", "zoom", "z", LOOKING, "zoom"),
    Command("Body as it is", "instead of pretty, and back", "raw", "r", LOOKING, "raw body"),
    Command("Compare with this", "makes this the other side of Compare", "compare", "c", LOOKING, "compare"),
    Command("Time axis", "of the lines on the screen, or of everything", "axis", "w", LOOKING),
    Command("Follow", "stay with the newest exchange", "follow", "F", LOOKING, "follow"),
    Command("Mark", "mark this exchange, or take the mark away", "mark", "m", TAKING, "mark"),
    Command("Note", "write a note on this exchange", "note", "M", TAKING),
    Command("Export", "what is marked, shown, or all, in any format", "export", "x", TAKING, "export"),
    Command("Copy as curl", "secrets left out", "copy('curl')", "y", TAKING, "curl"),
    Command("Copy URL", "", "copy('url')", "Y", TAKING),
    Command("Copy next steps", "of this verdict", "copy('steps')", "s", TAKING, "copy steps"),
    Command("Copy this page", "everything the pane says, as text", "copy('page')", "", TAKING),
    Command(
        "Browser report",
        "everything as one HTML page, opened where there is a browser",
        "report",
        "R",
        TAKING,
        "report",
    ),
    Command("Save trace", "all of it, with marks and notes, as a trace file", "save", "ctrl+s", TAKING),
    Command(
        "Replay", "send this request again and compare; asks first", "replay('replay')", "p", TAKING, "replay", _replays
    ),
    Command(
        "Bisect",
        "find what in it is forbidden or missing; asks first",
        "replay('bisect')",
        "B",
        TAKING,
        "bisect",
        _replays,
    ),
    Command("Theme", "dark, light, high contrast, no colour in turn", "theme", "T", ELSE, "theme"),
    Command("Tour", "a short walk over a real case", "tour", "", ELSE),
    Command("Help", "this page", "help", "question_mark", ELSE, "help"),
    Command("Quit", "", "quit", "q", ELSE, "quit"),
)

CHOOSING_ONE = (
    "denial(1)", "denials", "groups", "filter", "export", "find", "replay('replay')", "replay('bisect')",
    "copy('curl')", "mark", "sort", "compare", "report", "zoom", "follow", "theme",
)  # fmt: skip
"""what the footer offers in the timeline"""
READING = (
    "pane(1)", "zoom", "denial(1)", "copy('steps')", "copy('curl')", "raw", "replay('replay')", "replay('bisect')",
    "compare", "export", "mark", "theme",
)  # fmt: skip
"""what it offers in a pane"""
LIST_KEYS = (("details", "↵", "open"),)
"""(action, key, word) of a key that the timeline has by itself"""
PANE_KEYS = (("focused.follow", "↵", "go there"), ("focused.link(1)", "tab", "next link"), ("back", "esc", "back"))
"""those of panes"""
MOVES = (
    ("↑ ↓  k j", "one line; in the details too"),
    ("PgUp PgDn  ^u ^d", "one screen"),
    ("g G  Home End", "first, last"),
    ("Enter", "Details: into the verdict; there: follow what a line leads to"),
    ("Tab Shift+Tab", "next, previous line that leads somewhere"),
    ("1 … 8", "verdict, request, response, messages, TLS, chain, packets, compare"),
    ("Escape", "back: from where evidence led, then to the timeline"),
    ("ctrl+p", "every command by name"),
)


TYPING = frozenset(("filter", "find"))
"""open a line to type in: their keys go before others, so that what is typed behind them ends in that line"""


def bindings() -> Iterator[Binding]:
    """The keys of all commands, and the digits of the panes."""
    for command in COMMANDS:
        if command.keys:
            yield Binding(command.keys, command.action, command.name, show=False, priority=command.action in TYPING)
    for number in range(1, 9):
        yield Binding(str(number), f"tab({number})", show=False)
    yield Binding("escape", "back", show=False)


class Palette(Provider):
    """The table in Textual's command palette."""

    async def discover(self) -> Hits:
        for command in self._possible():
            yield DiscoveryHit(command.name, self._act(command), help=_help(command))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._possible():
            score = matcher.match(f"{command.name} {command.help}")
            if score:
                yield Hit(score, matcher.highlight(command.name), self._act(command), help=_help(command))

    def _possible(self) -> Iterator[Command]:
        return (c for c in COMMANDS if c.when(self.app))

    def _act(self, command: Command) -> Callable[[], Any]:
        async def act() -> None:
            await self.app.run_action(command.action)

        return act


def footer(app: Any, reading: bool, width: int) -> list[Choice]:
    """Keys and what they do, in the timeline or, when one is `reading`, in a pane: those that matter most first."""
    known = {command.action: command for command in COMMANDS if command.when(app)}

    def told(actions: tuple[str, ...]) -> list[Choice]:
        found = [known[action] for action in actions if action in known]
        return [key(c.action, key_names(c).split("  ")[0], c.footer) for c in found]

    own = [key(*choice) for choice in (PANE_KEYS if reading else LIST_KEYS)]
    offered = [*own, *told(READING if reading else CHOOSING_ONE)]
    return fitting(offered, told(("help", "quit")), width, 2)


def _help(command: Command) -> str:
    return f"{command.help}  ({key_names(command)})" if command.keys else command.help


def key_names(command: Command) -> str:
    """`n`, `/`, `ctrl+f`, as they are typed."""
    names = {"slash": "/", "question_mark": "?", "left_square_bracket": "[", "right_square_bracket": "]",
             "plus": "+", "minus": "-", "left": "←", "right": "→"}  # fmt: skip
    return "  ".join(names.get(key, key) for key in command.keys.split(","))
