"""The application: composes, binds keys, holds the session. Widgets draw, workers read, handlers here decide."""

from __future__ import annotations

import sqlite3
import time
from typing import Any, ClassVar

from rich.text import Text
from textual import events, work
from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.filter import NoColor
from textual.widgets import Footer, TabbedContent, TabPane
from textual.worker import get_current_worker

from tracer.views.safe import safe
from tracer.views.words import plural

from . import settings
from .acts import Acts
from .commands import Palette, bindings
from .gather import Selection, select
from .order import Order, grow, load
from .places import VERDICT, place
from .render.sheet import Sheet, Target
from .rows import Rows
from .session import Session
from .stories import Stories
from .themes import LOOKS
from .tour import LESSONS
from .view import View
from .widgets.bars import FEW, Bar, Overview, Ruler
from .widgets.page import Page, wrapped
from .widgets.panes import PANES, Asked, Pane, VerdictPane
from .widgets.prompt import Prompt
from .widgets.timeline import Timeline

SETTLE = 0.04
"""seconds the cursor must rest before the panes read what is under it"""
TICK = 0.25
"""seconds between looks at a trace that grows"""
WIDE = 170
"""columns from which on the verdict stays beside the other panes"""
TALL = 38
"""rows from which on there is an overview of all exchanges over time"""


class TracerApp(Acts, App[None]):
    """A trace to look around in."""

    CSS_PATH = "app.tcss"
    TITLE = "tracer"
    COMMANDS: ClassVar = {Palette}
    BINDINGS: ClassVar = list(bindings())
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session, lesson: int | None = None, expression: str = "") -> None:
        super().__init__()
        self.lesson = lesson
        """of the tour; None: no tour"""
        self.session = session
        self.settings = settings.load()
        self.view = View(expression, sort=self.settings["sort"], descending=self.settings["descending"])
        self.rows = Rows(session.trace)
        self.stories = Stories(deeper=session.deeper)
        self.selection: Selection | None = None
        self.needle = ""
        self.raw = False
        self.other: str | None = None
        self._wanted: str | None = None
        """exchange to select as soon as it is listed"""
        self._jump: tuple[str | None, str] | None = None
        """(exchange, None for whichever is selected; anchor) to go to as soon as the pane is drawn"""
        self._moved = False
        """the user chose a line; until then the first denial is chosen"""
        self._ended = False
        """the trace was looked at after the reading ended"""

        # held here, since queries look at the screen in front, which may be another
        self.summary, self.overview, self.ruler = Bar(id="summary"), Overview(id="overview"), Ruler(id="ruler")
        self.timeline = Timeline(self.rows, session.clean, id="timeline")
        self.timeline.fit = self.settings["fit"]
        self.timeline.signs.deeper = session.deeper
        self.prompt, self.lessons = Prompt(id="prompt"), Bar(id="lesson")
        self.side, self.panes = VerdictPane(id="side"), [pane(id=f"pane{n}") for n, pane in enumerate(PANES, 1)]
        self.tabs = TabbedContent(id="tabs")

    def compose(self) -> ComposeResult:
        yield from (self.summary, self.overview, self.ruler, self.timeline, self.prompt)
        with Horizontal(id="details"):
            yield self.side
            with Vertical(id="right"), self.tabs:
                for n, pane in enumerate(self.panes, 1):
                    with TabPane(f"{n} {pane.title}", id=f"tab{n}"):
                        yield pane
        yield self.lessons
        yield Footer()

    def on_mount(self) -> None:
        for look in LOOKS.values():
            self.register_theme(look.theme)
        self.look(self.settings["theme"])
        self.timeline.focus()
        self.session.start()
        self._remember_marks()
        self.reload()
        self._tell_stories()
        self.set_interval(TICK, self._tick)

    def on_unmount(self) -> None:
        self.session.stop()

    def look(self, name: str) -> None:
        """Take on a theme."""
        look = LOOKS[name]
        self.settings["theme"] = name
        self.theme = look.theme.name
        if len(self.console._theme_stack._entries) > 1:
            self.console.pop_theme()
        self.console.push_theme(look.styles)
        self._filters = [f for f in self._filters if not isinstance(f, NoColor)]
        if not look.colour:
            self._filters.append(NoColor())
        self.timeline.forget()
        self.refresh(layout=True)

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
        self._overview(order)
        self._summarise()
        if not len(order) and order.complete:
            self._show_nothing()

    def _overview(self, order: Order) -> None:
        self.overview.set_class(len(order) >= FEW, "many")
        self.overview.draw(order)

    def _tick(self) -> None:
        """Look whether the trace has grown."""
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
        self.timeline.forget()
        if self.selection is not None and self.selection.verdict is None:
            self._gather(self.selection.id)

    def _summarise(self) -> None:
        text = Text(" ")
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

    # -- the selection

    def on_timeline_selected(self, message: Timeline.Selected) -> None:
        if message.row.id:
            self._pending = message.row.id
            self.set_timer(SETTLE, lambda: self._settled(message.row.id))

    def _settled(self, exchange: str) -> None:
        """Read what is under the cursor, once it rests."""
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
            self.redraw()

    def _show_nothing(self) -> None:
        sheet = Sheet()
        if self.view.everything:
            sheet.add(("no HTTP exchange here", "strong"), " so far" if self.session.busy else "")
            for problem in self.session.trace.problems():
                sheet.add((f"{problem.severity}: ", "warn"), safe(problem.text.split("\n")[0], 600), hang=4)
        else:
            sheet.add(("nothing matches", "strong"), "   0 shows everything again")
        self.selection = None
        for pane in (self.side, *self.panes):
            pane.show(sheet)

    # -- the panes

    def redraw(self) -> None:
        """Draw the panes that are visible, of the selected exchange, in a worker."""
        self._draw(self.active())
        if self.side.display:
            self._draw(self.side)

    def active(self) -> Pane:
        """The pane of the chosen tab."""
        return self.panes[self.tab() - 1]

    def tab(self) -> int:
        return int((self.tabs.active or "tab1").removeprefix("tab"))

    def _draw(self, pane: Pane) -> None:
        if self.selection is None:
            return
        size = pane.size if pane.size.width else self.tabs.size
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
        if self._jump is not None and pane is self.active() and self._jump[0] in (None, selection.id):
            if not pane.jump(self._jump[1]):
                self.say("that place is not in this exchange")
            self._jump = None

    def on_tabbed_content_tab_activated(self) -> None:
        self.redraw()

    def on_page_followed(self, message: Page.Followed) -> None:
        """Go where a line leads."""
        target = message.target
        if target.kind == "copy":
            self.copy_to_clipboard(target.value)
            self.say("copied")
        elif target.kind == "exchange":
            self.go(target.value)
        elif target.kind == "packet":
            self.dissect(int(target.value))
        elif target.kind == "place":
            self.jump(target)

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
        names = (here.id, here.handshake.id if here.handshake else "") if here else ()
        elsewhere = target.exchange is not None and target.exchange not in names
        if elsewhere and target.exchange and self.session.number(target.exchange):
            self._jump = target.exchange, anchor
            self.go(target.exchange)
        else:
            self._jump = None, anchor
        if self.tab() == tab:
            self.redraw()
        else:
            self.tabs.active = f"tab{tab}"
        self.call_after_refresh(self.active().focus)

    def show_view(self, view: View) -> None:
        """Another filter, group, window or sorting."""
        self.view = view
        self.reload()

    def on_resize(self, event: events.Resize) -> None:
        wide = event.size.width >= WIDE and event.size.height >= 30
        base = self.screen_stack[0]
        base.set_class(wide, "wide")
        base.set_class(event.size.height >= TALL, "tall")
        base.set_class(event.size.height < 20, "low")
        if wide and self.tab() == VERDICT:
            self.tabs.active = "tab2"
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        self._overview(self.rows.order)
        self._summarise()
        self.redraw()

    def say(self, words: str, bad: bool = False) -> None:
        """A notice that goes by itself; never markup."""
        self.notify(safe(words, 400), severity="warning" if bad else "information", timeout=3, markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        from .commands import COMMANDS

        command = next((c for c in COMMANDS if c.action == action), None)
        return command is None or command.when(self)

    def get_system_commands(self, screen: Any) -> Any:  # noqa: ARG002
        """None beside those of the table."""
        return iter(())


def plural_of(count: int) -> str:
    return plural(count, "exchange") if count < 1000 else f"{count:,} exchanges"
