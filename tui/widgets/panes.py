"""The panes below the timeline: each shows one side of the selected exchange."""

from __future__ import annotations

from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.reactive import reactive
from textual.widgets import Static

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict
from tui.render import exchange as exchange_text
from tui.render import tls as tls_text
from tui.render import verdict as verdict_text


@dataclass(frozen=True, slots=True)
class Selection:
    """Everything the panes show of one exchange; gathered once, in a worker."""

    id: str
    exchange: Exchange | None = None
    """None for a handshake that was refused before any request"""
    verdict: Verdict | None = None
    handshake: Handshake | None = None
    connection: Connection | None = None
    request_body: tuple[bytes | None, str | None] = (None, None)
    """decoded bytes and a note, as `tracer.http.body` gives them"""
    response_body: tuple[bytes | None, str | None] = (None, None)
    chain: tuple[Exchange, ...] = ()


class Pane(VerticalScroll):
    """A scrolling text that follows the selection."""

    selection: reactive[Selection | None] = reactive(None)

    def compose(self) -> ComposeResult:
        yield Static(Text("select an exchange above", style="dim"))

    def on_mount(self) -> None:
        self.watch_selection(self.selection)

    def watch_selection(self, selection: Selection | None) -> None:
        if selection is not None and self.is_mounted:
            self.query_one(Static).update(self.draw(selection))
            self.scroll_home(animate=False)

    def draw(self, selection: Selection) -> RenderableType:
        raise NotImplementedError


def _section(title: str, body: Text) -> Text:
    return Text.assemble((f"\n{title}\n", "bold underline"), body)


class VerdictPane(Pane):
    """Who said it, on what evidence, what to do next."""

    def draw(self, selection: Selection) -> RenderableType:
        verdict = selection.verdict
        if verdict is None:
            text = Text("not a denial", style="dim italic")
            text.append("   n goes to the next one", style="dim")
            if selection.exchange is None:
                return text
            return Group(text, _section("Exchange", exchange_text.summary(selection.exchange)))
        parts = [verdict_text.headline(verdict), _section("Path", verdict_text.path(verdict))]
        if verdict.next_steps:
            parts.append(_section("Next steps", verdict_text.next_steps(verdict)))
        if verdict.evidence:
            lines = Text("\n").join(verdict_text.evidence_line(item) for item in verdict.evidence)
            parts.append(_section("Evidence", lines))
        if verdict.alternatives:
            parts.append(_section("Also possible", verdict_text.alternatives(verdict)))
        return Group(*parts)


class RequestPane(Pane):
    """The request, with its body."""

    def draw(self, selection: Selection) -> RenderableType:
        request = selection.exchange.request if selection.exchange else None
        if request is None:
            return Text("the request was not captured", style="dim italic")
        body = exchange_text.body(request, *selection.request_body)
        return Group(exchange_text.request_head(request), Text(), body)


class ResponsePane(Pane):
    """The response, with its body."""

    def draw(self, selection: Selection) -> RenderableType:
        exchange = selection.exchange
        response = exchange.response if exchange else None
        if exchange is None or response is None:
            return Text("no response was captured", style="dim italic")
        interim = [exchange_text.response_head(r) for r in exchange.interim]
        body = exchange_text.body(response, *selection.response_body)
        return Group(*interim, exchange_text.response_head(response), Text(), body)


class TlsPane(Pane):
    """The handshake that protects the exchange, or that was refused."""

    def draw(self, selection: Selection) -> RenderableType:
        handshake = selection.handshake
        if handshake is None:
            return Text("no TLS: this went in the clear, or the source does not tell", style="dim italic")
        return Group(
            tls_text.facts(handshake),
            tls_text.client_authentication(handshake),
            Text(),
            tls_text.ladder(handshake),
            tls_text.certificates("Server certificates", handshake.server_certs),
            tls_text.certificates("Client certificates", handshake.client_certs),
        )


class ChainPane(Pane):
    """What led here: redirects, log-ins, retries."""

    def draw(self, selection: Selection) -> RenderableType:
        if len(selection.chain) < 2:
            nothing = Text("nothing led here: no redirect, log-in or retry\n", style="dim italic")
            return Group(nothing, exchange_text.summary(selection.exchange)) if selection.exchange else nothing
        return Group(*(exchange_text.step(n, e) for n, e in enumerate(selection.chain)))
