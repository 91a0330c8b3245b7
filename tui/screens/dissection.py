"""tshark's full dissection of one packet, on demand, in a process of its own."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tracer.views.dissection import NoDissectionError, dissect
from tracer.views.safe import safe
from tui.render.sheet import Sheet
from tui.widgets.page import Page


class DissectionScreen(ModalScreen[None]):
    BINDINGS = [Binding("escape,q", "dismiss", "close")]  # noqa: RUF012

    def __init__(self, path: str, packet: int, redacts: bool) -> None:
        super().__init__()
        self._path, self._packet, self._redacts = path, packet, redacts

    def compose(self) -> ComposeResult:
        yield Page(id="dissection")

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.border_title = f"packet {self._packet}, as tshark reads it"
        page.border_subtitle = "escape closes"
        sheet = Sheet()
        sheet.add(("tshark reads up to this packet…", "note"))
        page.show(sheet)
        page.focus()
        self._read()

    @work(thread=True, exit_on_error=False)
    def _read(self) -> None:
        out = Sheet()
        try:
            layers = dissect(self._path, self._packet, whole=not self._redacts)
        except NoDissectionError as why:
            out.add((safe(str(why), 600), "warn"))
        else:
            for layer in layers:
                out.title(safe(layer.name.upper(), 40), anchor=layer.name)
                for depth, words in layer.fields:
                    out.add("  " * min(depth, 12), safe(words, 4000), hang=2 * min(depth, 12) + 2)
                if layer.hidden:
                    out.add(("  hidden, since it may hold secrets; --no-redact shows it", "note"))
        self.app.call_from_thread(self._show, out)

    def _show(self, sheet: Sheet) -> None:
        if self.is_mounted:
            self.query_one(Page).show(sheet)
