"""Small questions: a line of text, or a choice."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.render.sheet import Sheet, Target
from tui.widgets.bars import Bar
from tui.widgets.page import Page, wrapped

_WIDTH = 68
"""columns of a hint, in a terminal of eighty"""


class AskScreen(ModalScreen[str | None]):
    """A line of text; None when the user leaves."""

    BINDINGS: ClassVar = [Binding("escape", "dismiss", "leave")]

    def __init__(self, title: str, value: str = "", hint: str = "") -> None:
        super().__init__()
        self._title, self._value, self._hint = title, value, hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="box") as box:
            box.border_title = self._title
            yield Input(self._value)
            yield Bar(id="hint")

    def on_mount(self) -> None:
        lines = wrapped(Text(self._hint, style="faint"), _WIDTH, 0)
        bar = self.query_one(Bar)
        bar.styles.height = len(lines)
        bar.say(*lines)
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)


class ChooseScreen(ModalScreen[str | None]):
    """One of several; its value, None when the user leaves. `keys` choose at once."""

    BINDINGS: ClassVar = [Binding("escape,q", "dismiss", "leave")]

    def __init__(self, title: str, choices: list[tuple[str, str, str]]) -> None:
        """`choices`: (value, key, words)"""
        super().__init__()
        self._title, self._choices = title, choices

    def compose(self) -> ComposeResult:
        yield Page(id="choices")

    def on_mount(self) -> None:
        sheet = Sheet()
        for value, key, words in self._choices:
            sheet.add((f" {key:>2}  ", "name"), words, target=Target("act", value), hang=5)
        page = self.query_one(Page)
        page.border_title = self._title
        page.styles.height = min(len(sheet) + 2, 24)
        page.show(sheet)
        page.focus()

    def on_page_followed(self, message: Page.Followed) -> None:
        message.stop()
        self.dismiss(message.target.value)

    def on_key(self, event: object) -> None:
        character = getattr(event, "character", None)
        for value, key, _ in self._choices:
            if key and character == key:
                self.dismiss(value)
