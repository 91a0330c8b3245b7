"""Conversations: the trace counted by verdict, host, client, connection, status or chain; one of them is chosen."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen
from textual.worker import get_current_worker

from tracer.views.safe import safe
from tracer.views.words import plural
from tui.groups import KINDS, Group, group
from tui.render.sheet import Sheet, Target
from tui.session import Session
from tui.stories import Stories
from tui.view import Scope
from tui.widgets.page import Page


class GroupsScreen(ModalScreen[Scope | None]):
    BINDINGS: ClassVar = [
        Binding("escape,q,b", "dismiss", "leave"),
        Binding("left,h,shift+tab", "kind(-1)", priority=True),
        Binding("right,l,tab", "kind(1)", priority=True),
    ]

    def __init__(self, session: Session, stories: Stories, kind: str = KINDS[0]) -> None:
        super().__init__()
        self._trace, self._stories, self.kind = session.trace, stories, kind
        self._prose = session.prose
        self._groups: list[Group] = []

    def compose(self) -> ComposeResult:
        yield Page(id="groups")

    def on_mount(self) -> None:
        self.query_one(Page).focus()
        self._count()

    def action_kind(self, step: int) -> None:
        self.kind = KINDS[(KINDS.index(self.kind) + step) % len(KINDS)]
        self._groups = []
        self._draw(False)
        self._count()

    @work(thread=True, exclusive=True, group="groups", exit_on_error=False)
    def _count(self) -> None:
        worker = get_current_worker()
        kind = self.kind
        try:
            for groups in group(self._trace, kind, self._stories):
                if worker.is_cancelled or kind != self.kind:
                    return
                self.app.call_from_thread(self._counted, kind, groups, False)
        except sqlite3.Error:
            return
        self.app.call_from_thread(self._counted, kind, self._groups, True)

    def _counted(self, kind: str, groups: list[Group], done: bool) -> None:
        if kind == self.kind and self.is_mounted:
            self._groups = groups
            self._draw(done)

    def _draw(self, done: bool) -> None:
        page = self.query_one(Page)
        denied = sum(g.denied for g in self._groups)
        nouns = {"verdict": "story", "chain": "chain"}
        noun = nouns.get(self.kind, self.kind)
        many = "stories" if noun == "story" else f"{noun}es" if noun == "status" else f"{noun}s"
        count = len(self._groups)
        sheet = Sheet()
        if self.kind == "verdict":
            words = f"{denied:,} denial{'s' * (denied != 1)}, {count} {noun if count == 1 else many}"
        else:
            words = f"{count:,} {noun if count == 1 else many}, {denied:,} denial{'s' * (denied != 1)}"
        sheet.add((words, "title"), ("" if done else "  counting…", "note"))
        sheet.add("")
        most = max((g.total for g in self._groups), default=1)
        for number, one in enumerate(self._groups):
            bar = "━" * max(1, round(one.total * 12 / most))
            sheet.add(
                (f"{one.total:>9,} " if self.kind != "verdict" else "", "strong"),
                (f"{one.denied:>8,}✖ " if one.denied else " " * 10, "denied"),
                (f"{bar:<13}", "receive"), safe(self._prose(one.title), 400),
                target=Target("act", str(number)), hang=33 if self.kind != "verdict" else 23,
            )  # fmt: skip
        if not self._groups and done:
            sheet.add(("nothing to group", "note"))
        page.border_title = "  ".join(f"‹{k}›" if k == self.kind else k for k in KINDS)
        page.border_subtitle = f"← → kind   enter shows {plural(1, noun)[2:]}   escape leaves"
        page.show(sheet, keep=True)
        if page.cursor < 2 and self._groups:
            page.cursor = 2

    def on_page_followed(self, message: Page.Followed) -> None:
        message.stop()
        chosen = self._groups[int(message.target.value)]
        title = self._prose(chosen.title)
        self.dismiss(Scope(f"{self.kind} {title}" if self.kind != "verdict" else title, chosen.scope.where))
