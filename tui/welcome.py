"""Without a source: what to do, the files here that can be opened, a tour."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import Binding

from tracer.views.safe import safe
from tracer.views.words import size

from . import settings
from .render.sheet import Sheet, Target
from .themes import LOOKS
from .widgets.page import Page
from .widgets.strips import Choices, key

TOUR = "tour"
_CASE = "two-hops-could-deny"
ENDINGS = (".pcap", ".pcapng", ".cap", ".har", ".trace", ".tracer", ".mitm", ".flow", ".flows", ".pcap.gz",
           ".pcapng.gz", ".pcap.zst", ".pcapng.zst", ".har.gz")  # fmt: skip
_LOOKED, _SHOWN = 5000, 30
WAYS = (
    ("a capture", "tracer open capture.pcapng --keylog keys.log"),
    ("captures of several hops", "tracer open client.pcapng gateway.pcapng"),
    ("browser's network panel", "save it as HAR: tracer open session.har"),
    ("a terminal", "curl -v https://… 2>&1 | tracer open -"),
    ("a running capture", "tcpdump -i eth0 -U -w - | tracer open -"),
)


def here(folder: str = ".") -> list[tuple[str, int]]:
    """Files in this folder whose names end like something that can be read, newest first: (name, bytes)."""
    found: list[tuple[float, str, int]] = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_LOOKED), entries, strict=False):
                if entry.name.lower().endswith(ENDINGS) and entry.is_file():
                    about = entry.stat()
                    found.append((-about.st_mtime, entry.name, about.st_size))
    except OSError:
        return []
    return [(name, length) for _, name, length in sorted(found)[:_SHOWN]]


def case() -> str | None:
    """The capture that the tour walks over: beside the package, or in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "case", package.parent / "pcaps" / _CASE):
        if (folder / "capture.pcapng").is_file():
            return str(folder / "capture.pcapng")
    return None


class WelcomeApp(App[str]):
    """Returns the file that was chosen, or TOUR; None when the user leaves."""

    CSS_PATH = "app.tcss"
    TITLE = "tracer"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = [
        Binding("t", "tour", "tour"),
        Binding("q,escape", "quit", "quit"),
    ]

    def compose(self) -> ComposeResult:
        yield Page(id="welcome")
        yield Choices(id="footer")

    def on_mount(self) -> None:
        look = LOOKS["plain" if self.no_color else settings.load()["theme"]]
        self.register_theme(look.theme)
        self.theme = look.theme.name
        self.console.push_theme(look.styles)
        page = self.query_one(Page)
        page.show(sheet())
        page.focus()
        page.action_link(1)
        keys = (("focused.follow", "↵", "open"), ("tour", "t", "tour"), ("quit", "q", "quit"))
        self.query_one(Choices).offer([key(*one) for one in keys if one[0] != "tour" or case()], 2)

    def on_page_followed(self, message: Page.Followed) -> None:
        self.exit(message.target.value)

    def action_tour(self) -> None:
        if case() is not None:
            self.exit(TOUR)


def sheet() -> Sheet:
    """What can be done from here; lines that lead somewhere begin with ▸."""
    out = Sheet()
    out.add(("tracer", "strong"), "   You got a 403. Which hop said it, and why?")
    files = here()
    out.title("In this folder", "" if files else "nothing that I know by its ending")
    for name, length in files:
        out.add(("▸ ", "mark"), (safe(name, 200), "link"), (f"  {size(length)}", "faint"), target=Target("act", name))
    if case() is not None:
        out.title("A first look")
        out.add(("▸ ", "mark"), ("t  a tour of two minutes over a real 403", "link"), target=Target("act", TOUR))
    out.title("Give it what you have")
    for have, words in WAYS:
        out.add((f"  {have:<27}", "faint"), (words, "name"), hang=29)
    out.add("")
    out.add(("  Secrets are redacted in what is shown; nothing is sent unasked.", "note"))
    return out
