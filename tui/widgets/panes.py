"""The panes below the timeline: each shows one side of the selected exchange.

`prepare` runs in a worker and gives the sheet; the pane only shows it. What draws is imported by whoever is looked at:
the first screen needs little of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from tracer.views.safe import safe
from tui.gather import Selection
from tui.render.sheet import Sheet, Target
from tui.session import Session

from .page import Page


@dataclass(frozen=True, slots=True)
class Asked:
    """What a pane is to draw, and how."""

    session: Session
    selection: Selection
    width: int
    height: int
    raw: bool = False
    """bodies as they are"""
    other: str | None = None
    """the exchange to compare with"""
    go_on: Callable[[int, int | None], bool] = lambda *_: True


def _said(words: str) -> Sheet:
    out = Sheet()
    out.add((words, "note"))
    return out


class Pane(Page):
    """A page about the selected exchange."""

    title: ClassVar[str] = ""
    about: str = ""
    """exchange that is shown"""

    def prepare(self, asked: Asked) -> Sheet:
        raise NotImplementedError


class VerdictPane(Pane):
    """Who said it, on what evidence, what to do next."""

    title = "Verdict"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.render import verdict

        selection = asked.selection
        if selection.verdict is not None:
            return verdict.sheet(selection.verdict, asked.width, asked.height)
        busy = asked.session.busy
        none = not busy and not asked.session.trace.select("SELECT 1 FROM verdict LIMIT 1")
        words = (
            "not judged yet" if busy else "nothing here was denied" if none else "not a denial: n goes to the next one"
        )
        out = _said(words)
        if selection.exchange is not None:
            from tui.render import message

            out.title("Exchange")
            out.extend(message.summary(selection.exchange))
        return out


class RequestPane(Pane):
    """The request, with its tokens, cookies and body."""

    title = "Request"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.gather import contents
        from tui.render import jwt, message

        shown, raw = asked.selection.exchange, asked.selection.raw
        if shown is None or raw is None:
            return _said("there was no request: the handshake was refused")
        tokens = jwt.tokens(raw.request, raw.timing.start_ns, not asked.session.redacts) if raw.request else Sheet()
        return message.request(shown, contents(asked.session, shown)[0], tokens, asked.raw)


class ResponsePane(Pane):
    """The response, with its cookies and body."""

    title = "Response"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.gather import advertised_by, contents
        from tui.render import message

        shown = asked.selection.exchange
        if shown is None:
            return _said("there was no response: the handshake was refused")
        out = message.response(shown, contents(asked.session, shown)[1], asked.raw)
        if (told_by := advertised_by(asked.session, shown)) is not None:
            out.add((f"{'HTTP/3':>12}  ", "faint"), "was advertised by ", (safe(told_by, 40), "link"),
                    target=Target("exchange", told_by))  # fmt: skip
        return out


class MessagesPane(Pane):
    """WebSocket messages, server-sent events, gRPC messages."""

    title = "Messages"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.gather import contents
        from tui.render import events

        shown = asked.selection.exchange
        if shown is None:
            return _said("there were no messages: the handshake was refused")
        found = events.streams(shown, *contents(asked.session, shown))
        return events.sheet(found, shown.timing.start_ns)


class TlsPane(Pane):
    """The handshake that protects the exchange, or that was refused."""

    title = "TLS"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.gather import handshakes_behind
        from tui.render import tls

        handshake = asked.selection.handshake
        if handshake is None:
            return _said("no TLS: this went in the clear, or the source does not tell")
        out = tls.sheet(handshake, asked.selection.connection, asked.width)
        for deeper in handshakes_behind(asked.session, asked.selection):
            out.title(f"A hop deeper, to {safe(deeper.server, 80)}")
            out.extend(tls.sheet(deeper, None, asked.width))
        return out


class ChainPane(Pane):
    """What led here and what followed: redirects and log-ins."""

    title = "Chain"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.gather import chain
        from tui.render import chain as tree

        return tree.sheet(chain(asked.session, asked.selection), asked.selection.id)


class PacketsPane(Pane):
    """The packets of the connection."""

    title = "Packets"

    def prepare(self, asked: Asked) -> Sheet:
        from tracer.views.packets import CaptureMissingError, NoPacketsError, ladder
        from tui.render import packets

        exchange = asked.selection.exchange
        if exchange is None:
            return _said("the packets of a refused handshake stand in its TLS ladder: 5")
        source = exchange.source
        try:
            lines = ladder(asked.session.trace, exchange, asked.go_on, asked.session.captures.get(source))
        except CaptureMissingError as why:
            out = _said(f"{why}")
            out.add("")
            out.add(("▸ ", "mark"), ("name the capture to read them from", "link"), f"  {safe(source, 300)}",
                    target=Target("capture", source), hang=2)  # fmt: skip
            return out
        except (NoPacketsError, OSError, ValueError) as why:
            return _said(str(why))
        return packets.sheet(lines, exchange, asked.width)


class ComparePane(Pane):
    """This exchange beside a good one."""

    title = "Compare"

    def prepare(self, asked: Asked) -> Sheet:
        from tui.gather import partner
        from tui.render import compare

        sides = partner(asked.session, asked.selection, asked.other)
        if sides is None:
            return _said("a refused handshake has nothing to compare")
        return compare.sheet(*sides, asked.width)


PANES: tuple[type[Pane], ...] = (
    VerdictPane, RequestPane, ResponsePane, MessagesPane, TlsPane, ChainPane, PacketsPane, ComparePane,
)  # fmt: skip
