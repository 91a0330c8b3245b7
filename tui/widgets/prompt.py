"""The line to type a filter or a text in, with what may come next and what is wrong, while it is typed."""

from __future__ import annotations

import re

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input

from tracer.filter import FilterError, parse
from tracer.filter.terms import TERMS, Argument
from tracer.views.safe import safe

from .bars import Bar

_LEAD = 10
"""columns before the line that is typed"""
_TERM = re.compile(r"~([a-z]*)$")
_ARGUMENT = {Argument.NUMBER: " 403", Argument.REGEX: " …", Argument.BYTES: " …", Argument.NONE: ""}


class _Terms(Suggester):
    """Completes `~den` to `~denied`."""

    async def get_suggestion(self, value: str) -> str | None:
        found = _TERM.search(value)
        if not found or not found[1]:
            return None
        term = next((t for t in sorted(TERMS) if t.startswith(found[1]) and t != found[1]), None)
        return value + term[len(found[1]) :] if term else None


class Prompt(Vertical):
    """Asks for a filter (`/`) or a text to find (`f`)."""

    class Applied(Message):
        def __init__(self, expression: str, needle: str) -> None:
            super().__init__()
            self.expression, self.needle = expression, needle

    class Left(Message):
        """The user leaves without applying."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.finds = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Bar(id="lead")
            yield Input(suggester=_Terms(use_cache=False), id="typed")
        yield Bar(id="hint")

    def ask(self, finds: bool, expression: str) -> None:
        """Open, with the expression that is in force."""
        self.finds = finds
        self.query_one("#lead", Bar).say(Text(" find ›" if finds else " filter ›", style="key"))
        field = self.query_one(Input)
        field.placeholder = "text in URL, headers or bodies" if finds else "~c 403 & ~d example.org"
        field.value = "" if finds else expression
        self.add_class("open")
        self.screen.set_focus(field)  # at once: what was typed meanwhile goes here, not to the keys' commands
        self._hint(field.value)

    def close(self) -> None:
        self.remove_class("open")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._hint(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        value = event.value.strip()
        if self.finds:
            self.post_message(self.Applied(finding(value) if value else "", value))
        elif not value or self._wrong(value) is None:
            self.post_message(self.Applied(value, ""))

    def _wrong(self, value: str) -> FilterError | None:
        try:
            parse(value)
        except FilterError as error:
            return error
        return None

    def _hint(self, value: str) -> None:
        bar = self.query_one("#hint", Bar)
        if self.finds:
            bar.say(Text("enter shows the exchanges that hold it, an empty text all", style="faint"))
            return
        found = _TERM.search(value)
        if found:
            bar.say(_terms(found[1]))
        elif value and (error := self._wrong(value)) is not None:
            room = max(0, min(error.column - 1, self.size.width - 30))
            bar.say(Text.assemble(" " * (room + _LEAD), ("▲ ", "warn"), (safe(error.text, 200), "warn")))
        else:
            bar.say(Text("✓ enter applies; ~ lists the terms; ! & | ( ) combine; escape leaves", style="faint"))


def _terms(begun: str) -> Text:
    """`~c 403 status code   ~cause … cause in the verdict`"""
    text = Text()
    for name in sorted(t for t in TERMS if t.startswith(begun)):
        text.append(f"~{name}{_ARGUMENT[TERMS[name].argument]} ", style="name")
        text.append(f"{TERMS[name].help}   ", style="faint")
    return text if text else Text(f"▲ there is no term ~{safe(begun, 40)}", style="warn")


def finding(words: str) -> str:
    """The filter that finds a text anywhere in an exchange."""
    escaped = re.escape(words).replace("\\ ", " ")
    quoted = '"' + escaped.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"~u {quoted} | ~h {quoted} | ~b {quoted}"
