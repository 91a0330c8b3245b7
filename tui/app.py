"""The application: composes, binds keys, holds the session. Widgets draw, workers read, handlers here decide."""

from __future__ import annotations

import gc
import sqlite3
import time
from typing import Any, ClassVar

from rich.text import Text
from textual import events, work
from textual.worker import get_current_worker

from tracer.views.safe import safe
from tracer.views.words import plural

from .acts import Acts
from .commands import COMMANDS as TABLE
from .commands import TYPING, Palette, bindings, footer
from .order import Order, grow, load
from .render.entry import named
from .themes import LOOKS
from .tour import LESSONS
from .view import View
from .widgets.bars import FEW
from .widgets.page import wrapped
from .widgets.panes import Pane
from .widgets.strips import key

TICK = 0.25
"""seconds between looks at a trace that grows"""
WIDE = 170
"""columns from which on the verdict stays beside the other panes"""
TALL = 38
"""rows from which on there is an overview of all exchanges over time"""


class TracerApp(Acts):
    """A trace to look around in."""

    CSS_PATH = "app.tcss"
    TITLE = "tracer"
    COMMANDS: ClassVar = {Palette}
    BINDINGS: ClassVar = list(bindings())

    def on_mount(self) -> None:
        for look in LOOKS.values():
            self.register_theme(look.theme)
        self.look("plain" if self.no_color else self.settings["theme"])  # NO_COLOR in the environment
        self.timeline.focus()
        self.session.start()
        self._remember_marks()
        self.reload()
        self.set_interval(TICK, self._tick)

    def on_unmount(self) -> None:
        self.session.stop()

    def teach(self) -> None:
        """The lesson of the tour that is next."""
        while self.lesson is not None and self.lesson < len(LESSONS) and LESSONS[self.lesson].done(self):
            self.lesson += 1
        on = self.lesson is not None and self.lesson < len(LESSONS)
        self.screen_stack[0].set_class(on, "touring")
        if on and self.lesson is not None:
            words = Text.assemble((f"{self.lesson + 1}/{len(LESSONS)} ", "mark"), LESSONS[self.lesson].words)
            self.lessons.say(*wrapped(words, max(20, self.size.width - 6), 4))

    # -- the listing

    def reload(self) -> None:
        """List anew what the view wants."""
        self._load(self.view)

    @work(thread=True, exclusive=True, group="list", exit_on_error=False)
    def _load(self, view: View) -> None:
        worker, told = get_current_worker(), 0.0
        try:
            for order in load(self.session.trace, view, lambda: not worker.is_cancelled):
                if worker.is_cancelled:
                    return
                if order.complete or time.monotonic() - told > TICK:  # a million come in many pieces
                    self.call_from_thread(self._listed, view, order)
                    told = time.monotonic()
        except sqlite3.Error as error:
            self.call_from_thread(self.say, f"the trace cannot be read: {error}", True)

    @work(thread=True, exclusive=True, group="list", exit_on_error=False)
    def _grow(self, view: View, order: Order) -> None:
        try:
            for grown in grow(self.session.trace, view, order):
                if get_current_worker().is_cancelled:
                    return
                self.call_from_thread(self._listed, view, Order.done(grown))
        except sqlite3.Error as error:
            self.call_from_thread(self.say, f"the trace cannot be read: {error}", True)

    def _listed(self, view: View, order: Order) -> None:
        """Draw an order; the cursor stays on its exchange, or goes to the first denial."""
        if view is not self.view:
            return
        timeline = self.timeline
        at = None
        if self._wanted is not None:
            number = self.session.number(self._wanted)
            at = order.position(number) if number is not None else None
            if at is not None or order.complete:
                self._wanted = None
        elif not self._moved and (first := order.next_denial(-1, 1)) is not None:
            at = first
        timeline.show(order, keep=timeline.number if self._moved else None, at=at)
        if not self._begun:
            self._begun = True
            self.call_after_refresh(self._begin)
        self._overview(order)
        self._summarise()
        if not len(order) and order.complete:
            self._show_nothing()

    def _begin(self) -> None:
        """What can wait until there was something to see."""
        gc.freeze()  # what is there now stays: nobody need look at it again
        gc.enable()
        self._tell_stories()

    def _overview(self, order: Order) -> None:
        self.overview.set_class(len(order) >= FEW, "many")
        self.overview.draw(order)

    def _tick(self) -> None:
        """Look whether the trace has grown."""
        if not self.screen_stack:
            return  # going down
        session = self.session
        ended = not session.busy and not self._ended
        if (session.changed() or ended) and self.rows.order.complete and not self._listing():
            self._ended = not session.busy
            if self.rows.stale:
                self.rows.stale = False
                self.reload()
            else:
                self._grow(self.view, self.rows.order)
            self._tell_stories()
            if ended:
                self._remember_marks()
        self.teach()
        if self.rows.problem:
            self.say(self.rows.problem, True)
            self.rows.problem = None
        self._summarise()
        if session.reading is not None and not session.busy and not session.reading.read:
            self.exit()  # nothing could be read: the command says why

    def _listing(self) -> bool:
        return any(w.group == "list" and not w.is_finished for w in self.workers)

    @work(thread=True, exclusive=True, group="stories", exit_on_error=False)
    def _tell_stories(self) -> None:
        if self.stories.grow(self.session.trace):
            self.call_from_thread(self._told)

    def _told(self) -> None:
        self.rows.clear()  # who said it stands in them
        self.timeline.forget()
        if self.selection is not None and self.selection.verdict is None:
            self._gather(self.selection.id)

    def _summarise(self) -> None:
        text = Text(" ")
        lanes = self.timeline.signs.lanes
        room = max(12, self.size.width // 3 // max(1, len(lanes)))
        if len(lanes) > 1:  # what the letters of the lanes stand for
            names = zip("ABCDEF", named(lanes), strict=False)
            text.append("  ".join(f"{lane} {safe(name, room)}" for lane, name in names), style="title")
        else:
            text.append(safe(self.session.title, 60), style="title")
        order, session = self.rows.order, self.session
        shown = len(order)
        text.append(f"   {shown:,} of {order.looked:,}" if not self.view.everything else f"   {plural_of(shown)}")
        denials = self.stories.denials
        if denials:
            text.append(f"   ✖ {denials:,} denial{'s' * (denials != 1)}", style="denied")
            stories = len(self.stories.stories)
            if stories < denials:
                text.append(f", {stories} stor{'y' if stories == 1 else 'ies'}", style="denied")
        elif self._ended and not self.rows.order.denied.any():
            text.append("   no denials", style="ok")
        if not order.complete:
            text.append("   listing…", style="note")
        text.append_text(self._progress())
        if self.view.words:
            text.append("   ⌕ ", style="mark")
            text.append(safe(self.view.words, 200), style="mark")
        if self.timeline.tail:
            text.append("   ⇣ following", style="ok")
        if not session.redacts:
            text.append("   SECRETS SHOWN", style="warn")
        self.summary.say(text)
        self.ruler.draw(self.timeline, self.view.sort, self.view.descending)

    def _progress(self) -> Text:
        """`   reading 41 %`, `   judging…`"""
        session = self.session
        if session.fault:
            return Text(f"   a fault of our own: {safe(session.fault, 200)}", style="warn")
        if not session.busy:
            return Text()
        told = session.progress
        if told is None:
            return Text("   reading…", style="note")
        if told.total and told.bytes < told.total:
            full = told.bytes * 10 // told.total
            return Text(f"   reading {'▰' * full}{'▱' * (10 - full)} {told.bytes * 100 // told.total} %", style="note")
        return Text("   judging…" if told.total else f"   reading, {told.packets:,} packets", style="note")

    def on_timeline_drawn(self) -> None:
        self.ruler.draw(self.timeline, self.view.sort, self.view.descending)

    def on_resize(self, event: events.Resize) -> None:
        if not self.screen_stack:
            return
        wide = event.size.width >= WIDE and event.size.height >= 30
        base = self.screen_stack[0]
        base.set_class(wide, "wide")
        base.set_class(event.size.height >= TALL, "tall")
        base.set_class(event.size.height < 20, "low")
        if wide != self.beside:
            self.beside = wide
            self.show_usual()
        self.call_after_refresh(self._resized)

    def on_descendant_focus(self) -> None:
        self._draw_keys()

    def _draw_keys(self) -> None:
        """What the keys do where the focus is."""
        if self.prompt.has_class("open"):
            self.footer.offer([key("", "↵", "apply"), key("", "→", "complete"), key("back", "esc", "leave")], 2)
        else:
            self.footer.offer(footer(self, isinstance(self.focused, Pane), self.size.width), 2)

    def _resized(self) -> None:
        self.draw_tabs()
        self._draw_keys()
        self._overview(self.rows.order)
        self._summarise()
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """An act of the table can be done when the table says so; no key opens a line while one is typed."""
        if action in TYPING and (self.prompt.has_class("open") or len(self.screen_stack) > 1):
            return False
        commands = [c for c in TABLE if c.action.partition("(")[0] == action]
        return not commands or any(c.when(self) for c in commands)

    def get_system_commands(self, screen: Any) -> Any:  # noqa: ARG002
        """None beside those of the table."""
        return iter(())


def plural_of(count: int) -> str:
    return plural(count, "exchange") if count < 1000 else f"{count:,} exchanges"
