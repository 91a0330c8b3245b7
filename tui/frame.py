"""The frame of the application: what it holds, what it is composed of, how it looks and speaks."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.filter import NoColor

from tracer.views.safe import safe

from . import settings
from .gather import Selection
from .places import VERDICT
from .rows import Rows
from .session import Session
from .stories import Stories
from .themes import LOOKS
from .view import View
from .widgets.bars import Bar, Overview, Ruler
from .widgets.panes import PANES, Pane, VerdictPane
from .widgets.prompt import Prompt
from .widgets.strips import Choices
from .widgets.timeline import Timeline


class Frame(App[None]):
    """Holds the session, the view and the widgets."""

    def __init__(self, session: Session, lesson: int | None = None, expression: str = "") -> None:
        super().__init__()
        self.lesson = lesson
        """of the tour; None: no tour"""
        self.session = session
        self.looks = ""
        """name of the theme that is on"""
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
        self._jump: tuple[str | None, Pane, str | int] | None = None
        """(exchange, None for whichever is selected; pane; anchor or line) to go to as soon as the pane is drawn"""
        self._moved = False
        """the user chose a line; until then the first denial is chosen"""
        self._begun = False
        """there was something to see"""
        self._ended = False
        """the trace was looked at after the reading ended"""
        self.beside = False
        """the verdict stands beside the other panes"""
        self.chosen: int | None = None
        """the pane that the user chose; None: the one that says most"""
        self.tab = VERDICT
        """the pane that is shown"""
        self._trail: list[tuple[str, Pane, int]] = []
        """(exchange, pane, line) from which evidence led elsewhere; Escape goes back"""

        # held here, since queries look at the screen in front, which may be another
        self.summary, self.overview, self.ruler = Bar(id="summary"), Overview(id="overview"), Ruler(id="ruler")
        self.timeline = Timeline(self.rows, session.clean, id="timeline")
        self.timeline.fit = self.settings["fit"]
        self.timeline.signs.deeper = session.deeper
        self.prompt, self.lessons = Prompt(id="prompt"), Bar(id="lesson")
        self.side = VerdictPane(id="side")
        self.panes: list[Pane] = [pane(id=f"pane{n}") for n, pane in enumerate(PANES, 1)]
        self.tabs, self.right, self.footer = Choices(id="tabs"), Vertical(id="right"), Choices(id="footer")

    def compose(self) -> ComposeResult:
        """The panes and the prompt are added when they are looked at first."""
        yield from (self.summary, self.overview, self.ruler, self.timeline, self.tabs)
        with Horizontal(id="details"):
            yield self.side
            with self.right:
                yield self.panes[VERDICT - 1]
        yield self.lessons
        yield self.footer

    def look(self, name: str) -> None:
        """Take on a theme."""
        look = LOOKS[name]
        self.looks = name
        self.theme = look.theme.name
        if len(self.console._theme_stack._entries) > 1:
            self.console.pop_theme()
        self.console.push_theme(look.styles)
        self._filters = [f for f in self._filters if not isinstance(f, NoColor)]
        if not look.colour:
            self._filters.append(NoColor())
        self.timeline.forget()
        self.refresh(layout=True)

    def reload(self) -> None:
        """List anew what the view wants."""
        raise NotImplementedError

    def teach(self) -> None:
        """Show the lesson of the tour that is next."""
        raise NotImplementedError

    def show_view(self, view: View) -> None:
        """Another filter, group, window or sorting."""
        self.view = view
        self.reload()

    def say(self, words: str, bad: bool = False) -> None:
        """A notice that goes by itself; never markup."""
        self.notify(safe(words, 400), severity="warning" if bad else "information", timeout=3, markup=False)
