"""What is under the cursor, drawn by workers in the panes; and the ways that lead from one place to another."""

from __future__ import annotations

import asyncio
import os
import sqlite3

from rich.text import Text
from textual import work
from textual.geometry import Size
from textual.worker import Worker, WorkerState, get_current_worker

from tracer.views.safe import safe

from .frame import Frame
from .gather import Selection, select
from .places import RESPONSE, VERDICT, place
from .render.sheet import Sheet, Target
from .view import View
from .widgets.page import MARGIN, Page
from .widgets.panes import Asked, Pane
from .widgets.strips import Choice
from .widgets.timeline import Timeline

_STEPS = 20
"""places remembered to go back to"""
SETTLE = 0.04
"""seconds the cursor must rest before the panes read what is under it"""


def absent(where: str) -> str:
    """What to say where a place is not in its pane: often its absence is the evidence."""
    half, found, name = where.partition(" header ")
    return f"there is no {name} in this {half}" if found else "that place is not in this exchange"


class Details(Frame):
    """Selection and panes."""

    _resting: asyncio.TimerHandle | None = None
    """the look that is due where the cursor rests"""

    # -- the selection

    def on_timeline_selected(self, message: Timeline.Selected) -> None:
        if message.row.id:
            if self._resting is not None:
                self._resting.cancel()
            # the loop's own: Textual skips the tick of a timer that begins late, and this one has no other
            self._resting = asyncio.get_running_loop().call_later(SETTLE, self._settled, message.row.id)

    def _settled(self, exchange: str) -> None:
        """Read what is under the cursor, once it rests."""
        if not self.is_running:
            return
        row = self.timeline.row
        if row is not None and row.id == exchange and (self.selection is None or self.selection.id != exchange):
            self._gather(exchange)

    @work(thread=True, exclusive=True, group="gather", exit_on_error=False)
    def _gather(self, exchange: str) -> None:
        try:
            selection = select(self.session, exchange)
        except sqlite3.Error as error:
            self.call_from_thread(self.say, f"the trace cannot be read: {error}", True)
            return
        if selection is not None and not get_current_worker().is_cancelled:
            self.call_from_thread(self._selected, selection)

    def _selected(self, selection: Selection) -> None:
        row = self.timeline.row
        if row is not None and row.id == selection.id:  # else the cursor has moved on while this was read
            self.selection = selection
            self.draw_tabs()
            self.redraw()

    def _show_nothing(self) -> None:
        sheet = Sheet()
        if self.view.everything:
            waits = self.session.busy or bool(self.session.hints)
            sheet.add(("no HTTP exchange here", "strong"), " so far" if waits else "")
            for hint in self.session.hints:
                for line in hint.splitlines():
                    sheet.add(safe(line, 600), hang=4)
            for problem in self.session.shown.problems():
                sheet.add((f"{problem.severity}: ", "warn"), safe(problem.text.split("\n")[0], 600), hang=4)
        else:
            sheet.add(("nothing matches", "strong"), "   0 shows everything again")
        self.selection = None
        for pane in (self.side, *self.panes):
            pane.show(sheet)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """What a worker could not do is said, not passed over."""
        if event.state is WorkerState.ERROR:
            error = type(event.worker.error).__name__
            self.say(f"{event.worker.name.strip('_') or 'reading'} did not work here: {error}", True)

    # -- the panes

    def redraw(self) -> None:
        """Draw the panes that are visible, of the selected exchange, in a worker."""
        self._draw(self.active())
        if self.beside:
            self._draw(self.side)

    def active(self) -> Pane:
        """The pane of the chosen tab."""
        return self.panes[self.tab - 1]

    def reading(self) -> Pane:
        """The pane to read in: the one that has the focus, else the verdict where it stands beside the others."""
        if isinstance(self.focused, Pane):
            return self.focused
        judged = self.selection is not None and self.selection.verdict is not None
        return self.side if self.beside and judged else self.active()

    def show_pane(self, number: int) -> None:
        """Put this pane in the place of the one that is shown."""
        if number != self.tab:
            self.active().display = False
            self.tab = number
            pane = self.active()
            pane.display = True
            if not pane.is_attached:
                self.right.mount(pane)
            self.draw_tabs()
        self.call_after_refresh(self.redraw)

    def draw_tabs(self) -> None:
        """The names of the panes above them, those that are shown set off; at the right whose panes they are."""
        here, between = self.selection, 1 if self.size.width < 90 else 3
        choices: list[Choice] = []
        for n, pane in enumerate(self.panes, 1):
            shown = n == self.tab or (self.beside and n == VERDICT)
            name = ((str(n), "chosen" if shown else "name"), (f" {pane.title}", "chosen" if shown else ""))
            choices.append(Choice(f"tab({n})", name))
        if self.beside:  # the others stand above the right half
            gap = max(0, self.right.region.x - choices[0].width - between)
            choices[0] = choices[0]._replace(words=(*choices[0].words, (" " * gap, "")))
        self.tabs.offer(choices, between, Text(safe(here.id, 30), "faint") if here else None)

    def show_usual(self) -> None:
        """The pane that the user chose, else the one that says most: not where some evidence led."""
        self._trail.clear()
        usual = RESPONSE if self.beside else VERDICT
        self.show_pane(usual if self.chosen is None or (self.beside and self.chosen == VERDICT) else self.chosen)

    def _draw(self, pane: Pane) -> None:
        if self.selection is None:
            return
        size = pane.scrollable_content_region.size
        if not size.width:  # not laid out yet
            size = Size(self.right.size.width - MARGIN, self.right.size.height)
        self._prepare(pane, self.selection, size.width, size.height)

    @work(thread=True, exit_on_error=False)
    def _prepare(self, pane: Pane, selection: Selection, width: int, height: int) -> None:
        def go_on(*_: object) -> bool:
            return self.selection is selection and self.is_running

        asked = Asked(self.session, selection, width or 80, height or 20, self.raw, self.other, go_on)
        try:
            sheet = pane.prepare(asked)
        except sqlite3.Error as error:
            sheet = Sheet()
            sheet.add((f"the trace cannot be read: {error}", "warn"))
        if self.selection is selection:
            self.call_from_thread(self._prepared, pane, selection, sheet)

    def _prepared(self, pane: Pane, selection: Selection, sheet: Sheet) -> None:
        if self.selection is not selection:
            return
        pane.needle = self.needle
        pane.show(sheet, keep=pane.about == selection.id)
        pane.about = selection.id
        if self._jump is not None and self._jump[0] in (None, selection.id) and self._jump[1] is pane:
            where = self._jump[2]
            if not pane.jump(where):
                self.say(absent(str(where)))
            self._jump = None

    def on_page_followed(self, message: Page.Followed) -> None:
        """Go where a line leads."""
        target = message.target
        if target.kind == "copy":
            self.copy_to_clipboard(target.value)
            self.say(f"copied: {target.value}")
        elif target.kind == "exchange":
            self.go(target.value)
        elif target.kind == "packet":
            self.dissect(int(target.value))
        elif target.kind == "place":
            self.jump(target)
        elif target.kind == "capture":
            self.name_capture(target.value)
        elif target.kind == "action":
            self.call_later(self.run_action, target.value)

    def go(self, exchange: str) -> None:
        """The cursor to this exchange, if need be out of the filter."""
        number = self.session.number(exchange)
        at = self.rows.order.position(number) if number is not None else None
        self._moved = True
        if at is not None:
            self.timeline.cursor = at
        elif number is not None:
            self._wanted = exchange
            self.show_view(View(sort=self.view.sort, descending=self.view.descending))
        else:
            self.say("that exchange is not in this trace")

    def jump(self, target: Target) -> None:
        """To the place that evidence quotes: the exchange, its pane, the line."""
        found = place(target.value)
        if found is None:
            self.say(f"it stands in {target.value}")
            return
        tab, anchor = found
        here = self.selection
        if here is not None:
            page = self.reading()
            self._trail = [*self._trail[-_STEPS:], (here.id, page, page.cursor)]
        names = (here.id, here.handshake.id if here.handshake else "") if here else ()
        elsewhere = target.exchange is not None and target.exchange not in names
        if elsewhere and target.exchange and self.session.number(target.exchange):
            self._jump = target.exchange, self.panes[tab - 1], anchor
            self.go(target.exchange)
        else:
            self._jump = None, self.panes[tab - 1], anchor
        self.show_pane(tab)
        self.call_after_refresh(self.active().focus)

    def retrace(self) -> bool:
        """Back to where a piece of evidence was followed; False when none was."""
        if not self._trail or not isinstance(self.focused, Pane):
            return False
        exchange, pane, line = self._trail.pop()
        if pane is not self.side:
            self.show_pane(self.panes.index(pane) + 1)
        if self.selection is None or self.selection.id != exchange:
            self._jump = exchange, pane, line
            self.go(exchange)
        self.call_after_refresh(pane.focus)
        return True

    def dissect(self, packet: int) -> None:
        """tshark's full dissection of one packet."""
        from .screens.dissection import DissectionScreen

        selection = self.selection
        source = None
        if selection is not None:
            value = selection.raw or selection.handshake
            source = next((s for s in self.session.trace.sources() if value and s.name == value.source), None)
        path = source and (self.session.captures.get(source.name) or source.path)
        if path:
            self.push_screen(DissectionScreen(path, packet, self.session.redacts))
        elif source is not None and source.kind in ("pcap", "pcapng"):
            self.name_capture(source.name)
        else:
            self.say("the capture of this packet is not at hand")

    def name_capture(self, source: str) -> None:
        """Ask where the packets of a source are."""
        from .screens.ask import AskScreen

        def named(path: str | None) -> None:
            if not path:
                return
            path = os.path.abspath(os.path.expanduser(path.strip()))
            if os.path.isfile(path):
                self.session.captures[source] = path
                self.redraw()
            else:
                self.say("there is no such file", True)

        hint = "the trace does not keep packets; enter reads them from this file, escape leaves"
        self.push_screen(AskScreen("The capture that it was read from", self.session.guess(source), hint), named)
