"""Replay and bisect: what would be sent is shown first, then what comes of it, as it comes."""

from __future__ import annotations

import threading
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tracer.views.safe import safe
from tui.render.sheet import Sheet, Target
from tui.render.shell import painted
from tui.sending import REPLAY, CannotSendError, Plan, plan, run, words
from tui.session import Session
from tui.widgets.page import Page


class SendingScreen(ModalScreen[None]):
    """Nothing is sent before the user says so here."""

    BINDINGS: ClassVar = [
        Binding("escape,q", "leave", "stop, or leave"),
        Binding("s", "send(False)", "send"),
        Binding("S", "send(True)", "send what may change something"),
        Binding("c", "copy", "copy the command"),
    ]

    def __init__(self, session: Session, exchange: str, how: str) -> None:
        super().__init__()
        self._session, self._exchange, self._how = session, exchange, how
        self._plan: Plan | None = None
        self._stop = threading.Event()
        self._sheet = Sheet()
        self.state = "reading"
        """`reading`, `asking`, `running`, `stopping`, `done`"""

    def compose(self) -> ComposeResult:
        yield Page(id="sending")

    def on_mount(self) -> None:
        page = self.query_one(Page)
        page.border_title = "Send it again" if self._how == REPLAY else "Find out what in it decides"
        page.focus()
        self._add(Text("what was recorded is read…", style="note"))
        self._prepare()

    def on_unmount(self) -> None:
        self._stop.set()

    # -- in workers

    @work(thread=True, exit_on_error=False)
    def _prepare(self) -> None:
        try:
            found = plan(self._session, self._exchange, self._how)
        except CannotSendError as why:
            self.app.call_from_thread(self._refused, str(why))
        else:
            self.app.call_from_thread(self._ask, found)

    @work(thread=True, exit_on_error=False)
    def _run(self, asked: Plan, width: int) -> None:
        def told(line: str) -> None:
            self.app.call_from_thread(self._add, painted(line))

        try:
            lines = [painted(line) for line in run(self._session, asked, width, told, self._stop)]
        except Exception as error:  # a fault of ours must not look as if nothing had been sent
            lines = [Text(f"it ended early: {type(error).__name__}: {safe(str(error), 400)}", style="warn")]
        self.app.call_from_thread(self._done, lines)

    # -- what is shown

    def _refused(self, why: str) -> None:
        self.state = "done"
        self._sheet = Sheet()
        self._add(Text(safe(why, 600), style="warn"))
        self._note("escape leaves")

    def _ask(self, found: Plan) -> None:
        self._plan, self.state, self._sheet = found, "asking", Sheet()
        for text, style in words(found):
            self._sheet.add((text, style), hang=2)
        self._sheet.add("")
        key = "S" if found.unsafe else "s"
        self._sheet.add((f" {key}  ", "key"), "send it", target=Target("act", key), hang=4)
        self._sheet.add((" c  ", "key"), "copy the command: ", (safe(found.command, 400), "name"),
                        target=Target("act", "c"), hang=4)  # fmt: skip
        self._show(first=True)
        self._note(f"{key} sends   c copies   escape leaves")

    def _add(self, line: Text) -> None:
        if self.is_mounted:
            self._sheet.add(line, hang=2)
            self._show()

    def _done(self, lines: list[Text]) -> None:
        self.state = "done"
        if not self.is_mounted:
            return
        self._sheet.add("")
        first = len(self._sheet)
        for line in lines:
            self._sheet.add(line, hang=2)
        self._show()
        self.query_one(Page).go(first, top=True)
        self._note("c copies the command   escape leaves")

    def _show(self, first: bool = False) -> None:
        page = self.query_one(Page)
        page.show(self._sheet, keep=True)
        page.go(0 if first else len(self._sheet) - 1)

    def _note(self, words: str) -> None:
        if self.is_mounted:
            self.query_one(Page).border_subtitle = words

    # -- acts

    def on_page_followed(self, message: Page.Followed) -> None:
        message.stop()
        if message.target.value == "c":
            self.action_copy()
        else:
            self.action_send(message.target.value == "S")

    def action_send(self, unsafe: bool) -> None:
        if self.state != "asking" or self._plan is None or unsafe != bool(self._plan.unsafe):
            return
        self.state = "running"
        self._sheet = Sheet()
        for text, style in list(words(self._plan))[:2]:
            self._sheet.add((text, style), hang=2)
        self._add(Text("sent…", style="note") if self._how == REPLAY else Text())
        self._note("escape stops")
        self._run(self._plan, max(40, self.query_one(Page).size.width - 2))

    def action_copy(self) -> None:
        if self._plan is not None:
            self.app.copy_to_clipboard(self._plan.command)
            self.notify("the command is copied", timeout=3, markup=False)

    def action_leave(self) -> None:
        """Stop what runs; a second time, or when nothing does, leave."""
        if self.state == "running" and self._how != REPLAY:
            self.state = "stopping"
            self._stop.set()
            self._note("stopping after this request; escape leaves")
        else:
            self.dismiss()
