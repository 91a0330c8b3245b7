"""Lines of text with places in them: what panes show, what evidence jumps to, what Enter follows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rich.text import Text

LONGEST = 100_000
"""lines of one sheet; the rest is counted"""


class Target(NamedTuple):
    """Where a line leads."""

    kind: str
    """`copy` (value: the text), `place` (value: what evidence calls it), `exchange`, `packet`, `capture` (value:
    the source); `action`: of the
    application; `act`: of the screen that shows the line"""
    value: str
    exchange: str | None = None


class Line(NamedTuple):
    text: Text
    anchor: str = ""
    """what evidence calls this place: `response header via`, `packet 41`"""
    target: Target | None = None
    hang: int = 0
    """columns by which its continuations are indented"""


class Sheet:
    """Lines, one after the other."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.left_out = 0

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def __len__(self) -> int:
        return len(self.lines)

    def add(
        self,
        *parts: str | tuple[str, str] | Text,
        anchor: str = "",
        target: Target | None = None,
        hang: int = 0,
    ) -> None:
        """A line of parts; a pair is (text, style). Text from the wire was made safe by the caller."""
        if len(self.lines) >= LONGEST:
            self.left_out += 1
            return
        self.lines.append(Line(Text.assemble(*parts), anchor, target, hang))

    def title(self, words: str, note: str = "", anchor: str = "") -> None:
        """A heading, with a blank line before unless it is the first."""
        if self.lines:
            self.add("")
        self.add((words, "title"), (f"  {note}" if note else "", "faint"), anchor=anchor)

    def block(self, text: str, style: str = "", indent: str = "") -> None:
        """Text of several lines in one style."""
        for line in text.split("\n"):
            self.add((indent + line, style), hang=len(indent))

    def extend(self, other: Sheet) -> None:
        self.lines += other.lines[: max(0, LONGEST - len(self.lines))]

    def find(self, anchor: str) -> int | None:
        """The line of this place; else the first whose place begins so."""
        exact = next((n for n, line in enumerate(self.lines) if line.anchor == anchor), None)
        if exact is not None or not anchor:
            return exact
        return next((n for n, line in enumerate(self.lines) if line.anchor.startswith(anchor + " ")), None)

    @property
    def plain(self) -> str:
        """Everything as plain text."""
        return "\n".join(line.text.plain for line in self.lines)
