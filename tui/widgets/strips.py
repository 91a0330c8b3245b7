"""Two lines to choose from, with the mouse too: the panes there are, and the keys that do something here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.text import Text
from textual import events

from .bars import Bar


class Choice(NamedTuple):
    action: str
    """of the application; empty: only told"""
    words: tuple[tuple[str, str], ...]
    """(text, style)"""

    @property
    def width(self) -> int:
        return sum(len(text) for text, _ in self.words)


class Choices(Bar):
    """Choices in a row, those that have room; a click does one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._places: list[tuple[int, int, str]] = []

    def offer(self, choices: Iterable[Choice], between: int, tail: Text | None = None) -> None:
        """Draw them with so many blanks between; `tail` at the right where there is room."""
        line, self._places = Text(" "), []
        for choice in choices:
            begin = line.cell_len
            for text, style in choice.words:
                line.append(text, style=style)
            self._places.append((begin, line.cell_len, choice.action))
            line.append(" " * between)
        line.rstrip()
        room = self.size.width - line.cell_len - 1
        if tail is not None and tail.cell_len + 3 <= room:
            line.append(" " * (room - tail.cell_len))
            line.append_text(tail)
        self.say(line)

    async def on_click(self, event: events.Click) -> None:
        for begin, end, action in self._places:
            if begin <= event.x < end and action:
                await self.app.run_action(action)
                return


def key(action: str, name: str, word: str) -> Choice:
    """`n next denial`"""
    return Choice(action, ((name, "key"), (f" {word}", "")))


def fitting(choices: Sequence[Choice], last: Sequence[Choice], width: int, between: int) -> list[Choice]:
    """As many of the first as there is room for before the last, which are always there."""
    room = width - 1 - sum(choice.width + between for choice in last)
    taken: list[Choice] = []
    for choice in choices:
        room -= choice.width + between
        if room < 0:
            break
        taken.append(choice)
    return [*taken, *last]
