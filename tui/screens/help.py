"""Every key and every command, and how to find the culprit in three of them."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tui.commands import COMMANDS, MOVES, MOVING, key_names
from tui.render.sheet import Sheet
from tui.widgets.page import Page

_KEYS = 18
"""columns"""
SECTIONS = ("To the answer", MOVING, "Looking", "Choosing", "Taking away", "Else")


_TOLD = frozenset(("Details",))
"""commands without keys of their own that stand among the moves"""


def sheet(app: object) -> Sheet:
    out = Sheet()
    out.add(
        "A line is an exchange: ", ("✖", "denied"), " was denied, ", ("↳", "denied"), " is its copy at a deeper hop,"
    )
    out.add(("●", "mark"), " is marked, ", ("✎", "mark"), " has a note, ", ("!", "mark"), " was read only in part.")
    out.add("Its bar: ", ("┄ connect", "connect"), "  ", ("┅ TLS", "tls"), "  ", ("▸ send", "send"), "  ",
            ("─ wait", "wait"), "  ", ("━ receive", "receive"))  # fmt: skip
    for section in SECTIONS:
        out.title(section)
        if section == MOVING:
            for keys, words in MOVES:
                out.add((f"  {keys:<{_KEYS}}", "name"), words, hang=_KEYS + 2)
        for command in COMMANDS:
            if command.section == section and command.when(app) and (command.keys or command.name not in _TOLD):
                words = f"{command.name}: {command.help}" if command.help else command.name
                out.add((f"  {key_names(command) or 'ctrl+p':<{_KEYS}}", "name"), words, hang=_KEYS + 2)
    return out


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar = [Binding("escape,q,question_mark", "dismiss", "close")]

    def compose(self) -> ComposeResult:
        yield Page(id="help")

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.border_title = "tracer"
        page.border_subtitle = "escape closes"
        page.show(sheet(self.app))
        page.focus()
