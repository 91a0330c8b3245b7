"""The acts of the command table, as the application does them."""

from __future__ import annotations

from dataclasses import replace

from . import settings
from .details import Details
from .places import VERDICT
from .screens.ask import AskScreen, ChooseScreen
from .themes import LOOKS, ORDER
from .view import SORTS, Scope, View
from .widgets.bars import Overview, Ruler
from .widgets.panes import PANES, Pane
from .widgets.prompt import Prompt


class Acts(Details):
    """Every act of the table."""

    # -- to the answer

    def action_denial(self, step: int) -> None:
        self._moved = True
        self.show_usual()
        if not self.timeline.denial(step):
            self.say("no denial here")

    def action_denials(self) -> None:
        self._moved = False
        self.show_view(replace(self.view, denials=not self.view.denials))

    def action_groups(self) -> None:
        from .screens.groups import GroupsScreen

        def chosen(scope: Scope | None) -> None:
            if scope is not None:
                self._moved = False
                self.show_view(replace(self.view, scope=scope))

        self.push_screen(GroupsScreen(self.session, self.stories), chosen)

    # -- choosing

    async def action_filter(self) -> None:
        await self._prompted()
        self.prompt.ask(False, self.view.expression)

    async def action_find(self) -> None:
        await self._prompted()
        self.prompt.ask(True, "")

    async def _prompted(self) -> None:
        if not self.prompt.is_attached:
            await self.mount(self.prompt, before=self.tabs)

    def on_prompt_applied(self, message: Prompt.Applied) -> None:
        self.prompt.close()
        self.timeline.focus()
        self.needle = message.needle
        self._moved = False
        self.show_view(replace(self.view, expression=message.expression))
        self.redraw()

    def action_sort(self) -> None:
        names = tuple(SORTS)
        self._sort(names[(names.index(self.view.sort) + 1) % len(names)], self.view.descending)

    def action_reverse(self) -> None:
        self._sort(self.view.sort, not self.view.descending)

    def on_ruler_sorted(self, message: Ruler.Sorted) -> None:
        again = message.key == self.view.sort
        self._sort(message.key, not self.view.descending if again else message.key in ("duration", "size"))

    def _sort(self, key: str, descending: bool) -> None:
        self._moved = True
        self.settings.update(sort=key, descending=descending)
        self.show_view(replace(self.view, sort=key, descending=descending))
        self.say(f"sorted by {key}{', the last first' if descending else ''}")

    def action_window(self, how: str) -> None:
        """Narrow or widen the time that is shown, around the exchange under the cursor."""
        row, order = self.timeline.row, self.rows.order
        if row is None or row.start_ns is None or not len(order):
            return
        begin, end = self.view.window or (int(order.times.min()), int(order.times.max()))
        here, half = row.start_ns, max(1, (end - begin) // 4)
        window = {
            "begin": (here, max(end, here)),
            "end": (min(begin, here), here),
            "in": (here - half, here + half),
            "out": (begin - 2 * half, end + 2 * half),
        }[how]
        self._moved = True
        self.show_view(replace(self.view, window=window))

    def action_everything(self) -> None:
        self.needle = ""
        self.show_view(View(sort=self.view.sort, descending=self.view.descending))

    # -- looking

    def on_timeline_opened(self) -> None:
        self.action_details()

    def action_details(self) -> None:
        self.reading().focus()

    def action_tab(self, number: int) -> None:
        self._trail.clear()
        if number == VERDICT and self.beside:
            self.side.focus()
            return
        self.chosen = number
        self.show_pane(number)
        if isinstance(self.focused, Pane):
            self.call_after_refresh(lambda: self.active().focus())

    def action_pane(self, step: int) -> None:
        here = VERDICT if self.focused is self.side else self.tab
        self.action_tab((here - 1 + step) % len(PANES) + 1)

    def action_zoom(self) -> None:
        if self.screen.toggle_class("maximized").has_class("maximized"):
            self.reading().focus()

    async def action_back(self) -> None:
        """Out of the prompt, back from where evidence led, out of the zoom or the details to the timeline."""
        if self.prompt.has_class("open"):
            self.prompt.close()
        elif self.retrace():
            return
        self.screen.remove_class("maximized")
        self.timeline.focus()

    def action_raw(self) -> None:
        self.raw = not self.raw
        self.redraw()
        self.say("bodies as they are" if self.raw else "bodies decoded and indented")

    def action_compare(self) -> None:
        if self.selection is not None and self.selection.exchange is not None:
            self.other = None if self.other == self.selection.id else self.selection.id
            self.say(
                f"{self.other} is the other side of Compare now (8)" if self.other else "Compare looks for a good one"
            )
            self.redraw()

    def action_axis(self) -> None:
        timeline = self.timeline
        timeline.fit = not timeline.fit
        self.settings["fit"] = timeline.fit
        timeline.forget()
        self.say("the time axis is that of the lines on the screen" if timeline.fit else "the time axis is that of all")

    def action_follow(self) -> None:
        timeline = self.timeline
        timeline.tail = not timeline.tail
        if timeline.tail:
            self._moved = True
            timeline.action_to(-1)

    def on_overview_picked(self, message: Overview.Picked) -> None:
        order = self.rows.order
        if len(order):
            self._moved = True
            self.timeline.cursor = int(abs(order.times - message.time_ns).argmin())

    # -- marks

    def action_mark(self) -> None:
        row = self.timeline.row
        if row is None or not row.id:
            return
        mark, note = self.timeline.signs.marks.get(row.id, ("", ""))
        self._keep(row.id, "" if mark else "●", note)

    def action_note(self) -> None:
        row = self.timeline.row
        if row is None or not row.id:
            return
        mark, note = self.timeline.signs.marks.get(row.id, ("", ""))

        def noted(words: str | None) -> None:
            if words is not None:
                self._keep(row.id, mark, words.strip())

        self.push_screen(AskScreen("Note", note, "enter keeps it, an empty one takes it away, escape leaves"), noted)

    def _keep(self, exchange: str, mark: str, note: str) -> None:
        complaint = self.session.mark(exchange, mark, note)
        if complaint:
            self.say(complaint, True)
        else:
            marks = self.timeline.signs.marks
            marks.pop(exchange, None)
            if mark or note:
                marks[exchange] = (mark, note)
            self.timeline.forget()

    def _remember_marks(self) -> None:
        self.timeline.signs.marks = self.session.trace.marks()
        self.timeline.signs.lanes = tuple(s.name for s in self.session.trace.sources())

    # -- taking away

    def action_copy(self, what: str) -> None:
        words, told = self._copied(what)
        if words is None:
            self.say(told)
        else:
            self.copy_to_clipboard(words)
            self.say(told)

    def _copied(self, what: str) -> tuple[str | None, str]:
        """What to copy (None: nothing), and what to say."""
        selection = self.selection
        exchange = selection.exchange if selection else None
        if what == "page":
            return self.reading().sheet.plain, "the page is copied"
        if what == "steps":
            verdict = selection.verdict if selection else None
            if verdict is None or not verdict.next_steps:
                return None, "no next steps here"
            return "\n".join(f"{n}. {s}" for n, s in enumerate(verdict.next_steps, 1)), "next steps copied"
        if selection is None or exchange is None or exchange.request is None:
            return None, "no request to copy"
        if what == "url":
            return exchange.request.url, "URL copied"
        from tracer.formats.curl_export import command
        from tracer.formats.writing import Options

        words = command(self.session.shown, exchange, selection.handshake, Options())
        words = words[words.startswith("#") and words.find("\n") + 1 :]  # the comment is for files
        return words, "copied as a curl command" + ("; secrets are left out" if self.session.redacts else "")

    def action_replay(self, how: str) -> None:
        """Send the request again, or search it, once the user has seen what goes where and said so."""
        if self.selection is None:
            self.say("no request to send again")
            return
        from .screens.sending import SendingScreen

        self.push_screen(SendingScreen(self.session, self.selection.id, how))

    def action_export(self) -> None:
        from .export import ask

        ask(self)

    def action_report(self) -> None:
        from .export import report

        report(self)

    def action_save(self) -> None:
        from .export import save

        save(self)

    # -- else

    def action_theme(self) -> None:
        name = self.settings["theme"] = ORDER[(ORDER.index(self.looks) + 1) % len(ORDER)]
        self.look(name)
        self.redraw()
        self.say(f"theme: {LOOKS[name].title}")

    def action_tour(self) -> None:
        self.lesson = 0
        self.teach()

    def action_help(self) -> None:
        from .screens.help import HelpScreen

        self.push_screen(HelpScreen())

    async def action_quit(self) -> None:
        """Leave; marks that no file holds are offered to be saved first."""
        from .export import save

        settings.save(self.settings)
        if not self.session.unsaved:
            self.exit()
            return

        def chosen(what: str | None) -> None:
            if what == "quit":
                self.exit()
            elif what == "save":
                save(self, quits=True)

        choices = [("save", "s", "save everything as a trace file, then quit"), ("quit", "q", "quit without them")]
        self.push_screen(ChooseScreen("Marks and notes are not saved yet", choices), chosen)
