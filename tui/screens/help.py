"""Every key, and how to find the culprit in three of them."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = (
    ("To the answer", (("n / N", "next / previous denial"), ("1", "verdict: who said it, why, what next"))),
    ("Moving", (("j k ↑ ↓", "one exchange"), ("g G", "first, last"), ("ctrl+d ctrl+u", "half a screen"))),
    (
        "Looking",
        (
            ("1 … 5", "verdict, request, response, TLS, chain"),
            ("enter", "into the details; escape comes back"),
            ("z", "details over the whole screen, and back"),
        ),
    ),
    (
        "Choosing",
        (
            ("/", "filter, in mitmproxy's language: ~c 403, ~d host, ~u path, ~m POST, ~h header, ! & | ( )"),
            ("d", "denials only, and back to all"),
        ),
    ),
    ("Taking away", (("y", "copy as a curl command (secrets left out)"), ("s", "copy the next steps"))),
    ("Else", (("ctrl+p", "every command by name"), ("?", "this page"), ("q", "quit"))),
)


class HelpScreen(ModalScreen[None]):
    BINDINGS: ClassVar = [Binding("escape,q,question_mark", "dismiss", "close")]

    def compose(self) -> ComposeResult:
        text = Text("An exchange is a line. ✖ marks a denial: press n, then read the verdict.\n")
        for title, keys in KEYS:
            text.append(f"\n{title}\n", style="bold underline")
            for key, what in keys:
                text.append(f"  {key:<14}", style="bold cyan")
                text.append(f"{what}\n")
        with VerticalScroll():
            yield Static(text)
