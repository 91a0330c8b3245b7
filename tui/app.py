"""The application: composes, binds keys, holds the trace. Widgets draw, workers read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane

from tracer.store.listing import rows
from tracer.views.safe import safe
from tui.gather import gather
from tui.rows import Rows
from tui.screens.help import HelpScreen
from tui.widgets.panes import ChainPane, Pane, RequestPane, ResponsePane, Selection, TlsPane, VerdictPane
from tui.widgets.timeline import Timeline

TABS: tuple[tuple[str, type[Pane]], ...] = (
    ("Verdict", VerdictPane),
    ("Request", RequestPane),
    ("Response", ResponsePane),
    ("TLS", TlsPane),
    ("Chain", ChainPane),
)


class TracerApp(App[None]):
    """A trace to look around in. `trace` is raw, `shown` is what may be seen of it."""

    CSS_PATH = "app.tcss"
    TITLE = "tracer"
    BINDINGS: ClassVar = [
        Binding("slash", "filter", "filter"),
        Binding("d", "denials", "denials only"),
        *(Binding(str(n), f"tab({n})", show=False) for n in range(1, len(TABS) + 1)),
        Binding("z", "zoom", "zoom"),
        Binding("y", "copy_curl", "copy curl"),
        Binding("s", "copy_steps", "copy steps"),
        Binding("question_mark", "help", "help"),
        Binding("escape", "back", show=False),
        Binding("q", "quit", "quit"),
    ]

    def __init__(self, trace: Any, shown: Any, clean: Callable[[str], str], title: str) -> None:
        super().__init__()
        self.trace = trace
        self.shown = shown
        self.clean = clean
        self.sub_title = title
        self.selection: Selection | None = None
        self.expression = ""
        self.only_denials = False

    def compose(self) -> ComposeResult:
        yield Static(id="summary")
        yield Timeline(self.clean, id="timeline")
        yield Input(placeholder="~c 403 & ~d example.org   (enter applies, escape leaves)", id="filter")
        yield Static(id="complaint")
        with Vertical(id="details"), TabbedContent(id="tabs"):
            for n, (title, pane) in enumerate(TABS, 1):
                with TabPane(f"{n} {title}", id=f"tab{n}"):
                    yield pane()
        yield Footer()

    def on_mount(self) -> None:
        self.query_one(Timeline).focus()
        self._list()

    # -- the listing

    def _list(self) -> None:
        """Draw the rows that the filter lets through, the first denial selected."""
        numbers = self._matching()
        if isinstance(numbers, str):
            complaint = self.query_one("#complaint", Static)
            complaint.update(Text(numbers))
            complaint.add_class("open")
            return
        self.query_one("#complaint").remove_class("open")
        listing = Rows(self.trace, only=numbers)
        timeline = self.query_one(Timeline)
        keep = self.selection.id if self.selection else None
        timeline.show(listing, keep=keep)
        if keep is None and (first := listing.next_denial(-1, 1)) is not None:
            timeline.cursor = first
        self._summarise(listing)

    def _matching(self) -> frozenset[str] | str | None:
        """Ids that match, None for all, or what is wrong with the filter."""
        expression = self.expression
        if self.only_denials:
            expression = f"~denied & ({expression})" if expression else "~denied"
        if not expression:
            return None
        from tracer.filter import FilterError, parse
        from tracer.filter.subject import Subject

        try:
            wanted = parse(expression)
        except FilterError as error:
            return str(error.pointed())
        trace, marks = self.trace, self.trace.marks()
        return frozenset(
            row.id
            for row in rows(trace, wanted.where)
            if (exchange := trace.exchange(row.id)) is not None
            and wanted.matches(
                Subject(exchange, trace.content, trace.verdict_on, lambda i: marks.get(i, ("", "")), row.denied)
            )
        )

    def _summarise(self, listing: Rows) -> None:
        text = Text(safe(self.sub_title), style="bold")
        text.append(f"   {_counted(listing.exchanges, 'exchange')}")
        denials, problems = self.trace.count("verdict"), self.trace.count("problem")
        text.append(f"   {_counted(denials, 'denial')}", style="bold red" if denials else "green")
        if problems:
            text.append(f"   {_counted(problems, 'problem')}", style="yellow")
        if self.expression or self.only_denials:
            text.append(f"   filter: {safe(self.expression or '~denied')}", style="italic")
        self.query_one("#summary", Static).update(text)

    # -- the selection

    def on_timeline_selected(self, message: Timeline.Selected) -> None:
        self._gather(message.row.id)

    @work(thread=True, exclusive=True, group="gather")
    def _gather(self, exchange: str) -> None:
        selection = gather(self.shown, exchange)
        if selection is not None:
            self.call_from_thread(self._show, selection)

    def _show(self, selection: Selection) -> None:
        row = self.query_one(Timeline).row
        if row is None or row.id != selection.id:
            return  # the cursor has moved on while this was read
        self.selection = selection
        for pane in self.query(Pane):
            pane.selection = selection

    def on_timeline_opened(self) -> None:
        self.query_one(TabbedContent).query_one(f"#tab{self._tab()} Pane", Pane).focus()

    def _tab(self) -> int:
        return int((self.query_one(TabbedContent).active or "tab1").removeprefix("tab"))

    # -- acts

    def action_tab(self, number: int) -> None:
        self.query_one(TabbedContent).active = f"tab{number}"

    def action_filter(self) -> None:
        field = self.query_one("#filter", Input)
        field.add_class("open")
        field.focus()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        self.expression = event.value.strip()
        self._list()
        if not self.query_one("#complaint").has_class("open"):
            await self.action_back()

    def action_denials(self) -> None:
        self.only_denials = not self.only_denials
        self._list()

    def action_zoom(self) -> None:
        self.screen.toggle_class("maximized")

    async def action_back(self) -> None:
        """Out of the filter or the details, to the timeline."""
        self.query_one("#filter").remove_class("open")
        self.query_one("#complaint").remove_class("open")
        self.screen.remove_class("maximized")
        self.query_one(Timeline).focus()

    def action_help(self) -> None:
        self.push_screen(HelpScreen())

    def action_copy_curl(self) -> None:
        from tracer.formats.curl_export import command
        from tracer.formats.writing import Options

        exchange = self.selection.exchange if self.selection else None
        if self.selection is None or exchange is None or exchange.request is None:
            self.notify("no request to copy")
            return
        self.copy_to_clipboard(command(self.shown, exchange, self.selection.handshake, Options()))
        self.notify("copied as a curl command; secrets are left out")

    def action_copy_steps(self) -> None:
        verdict = self.selection.verdict if self.selection else None
        if verdict is None or not verdict.next_steps:
            self.notify("no next steps here")
            return
        self.copy_to_clipboard("\n".join(f"{n}. {step}" for n, step in enumerate(verdict.next_steps, 1)))
        self.notify("next steps copied")


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}" + "s" * (n != 1)
