"""A recorded request sent again: what would go where, then the run, line by line, until it is done or stopped."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tracer.views.safe import safe
from tracer.views.style import Style

from .session import Session

REPLAY, BISECT = "replay", "bisect"
_STYLE = Style(colour=True)


class CannotSendError(Exception):
    """Why it is not sent; the message is for a person."""


class Plan(NamedTuple):
    """A request that is ready to be sent, or to be searched for what is forbidden in it."""

    how: str
    exchange: Any
    """as recorded; None for a handshake that was refused"""
    ask: Any
    subject: Any
    """of a search; None for `replay`"""
    command: str
    """that does the same in a shell"""
    what: str
    """`GET https://shop.test/x`"""
    where: str
    """`to 10.0.0.1:443, HTTP/2`"""
    credentials: tuple[str, ...]
    """names of what identifies the caller"""
    unsafe: str
    """the method, when it may change something; else empty"""


def plan(session: Session, name: str, how: str) -> Plan:
    """What would be sent for this exchange or handshake. Raises CannotSendError."""
    from tracer.replay.asked import CannotAskError, ask_handshake, ask_of
    from tracer.replay.credentials import SAFE_METHODS, credentials, redaction_marks
    from tracer.replay.subject import NotDeniedError, subject_of
    from tracer.views.replay import named

    trace = session.trace
    exchange = trace.exchange(name)
    handshake = None if exchange is not None else trace.handshake(name)
    if exchange is None and handshake is None:
        raise CannotSendError("there is no request here")
    try:
        ask = ask_of(trace, exchange) if exchange is not None else ask_handshake(handshake)  # type: ignore[arg-type]
        subject = subject_of(trace, name, exchange, ask) if how == BISECT else None
    except (CannotAskError, NotDeniedError) as why:
        raise CannotSendError(str(why)) from None
    except ValueError as why:  # a trace of somebody else's may hold what no request can
        raise CannotSendError(f"it cannot be sent again: {why}") from None
    if marks := redaction_marks(ask):
        raise CannotSendError(f"the source was redacted: {', '.join(dict.fromkeys(marks))} is not what was sent")
    method = ask.method.decode("latin-1")
    peer = ask.place.proxy or ask.place.address or ask.place.name
    return Plan(
        how=how,
        exchange=exchange,
        ask=ask,
        subject=subject,
        command=shlex.join(["tracer", how, *session.sources, name]),
        what=f"{method} {ask.place.origin}{_target(session, ask)}",
        where=f"to {peer}{' (a proxy)' if ask.place.proxy else ''}, {ask.version}",
        credentials=tuple(dict.fromkeys(named(c) for c in credentials(ask, _redactor(session)))),
        unsafe="" if ask.method in SAFE_METHODS else method,
    )


def _target(session: Session, ask: Any) -> str:
    target = ask.target.decode("utf-8", "replace")
    return session.clean(target)


def _redactor(session: Session) -> Any:
    from tracer.redact import Redactor

    return session.shown.redactor if session.redacts else Redactor()


def run(session: Session, asked: Plan, width: int, told: Callable[[str], None], stop: threading.Event) -> Iterator[str]:
    """The lines of the outcome; `told` gets a line for each request that a search sends."""
    return (_bisect if asked.how == BISECT else _replay)(session, asked, width, told, stop)


def _replay(
    session: Session, asked: Plan, width: int, _told: Callable[[str], None], _stop: threading.Event
) -> Iterator[str]:
    from tracer.redact import Redacted
    from tracer.replay.again import prepare, send_again
    from tracer.replay.door import Sender
    from tracer.views.replay import replay_lines

    redactor = _redactor(session)
    prepared = prepare(asked.ask, [], asked.ask.place, False, False, redactor)
    again = send_again(session.trace, asked.exchange, prepared, Sender())
    shown: Any = Redacted(again.trace, redactor) if session.redacts else again.trace
    yield from replay_lines(asked.exchange, again, shown, redactor if session.redacts else None, _STYLE, width)


def _bisect(
    session: Session, asked: Plan, width: int, told: Callable[[str], None], stop: threading.Event
) -> Iterator[str]:
    from tracer.replay.door import Sender
    from tracer.replay.hunt import Hunt, Limits
    from tracer.replay.subject import search_of
    from tracer.views.bisect import bisect_lines, experiment_line

    def sent(number: int, experiment: Any, seen: Any) -> None:
        told(experiment_line(number, experiment, seen, _STYLE))
        pause(0)

    def pause(seconds: float) -> None:
        if stop.wait(seconds):
            raise KeyboardInterrupt  # as Ctrl+C does to the command: what was found until then is told

    redactor = _redactor(session)
    hunt = Hunt(asked.ask, Sender(), Limits(), sent, pause)
    finding = hunt.run(search_of(asked.subject, session.trace, asked.exchange, redactor))
    yield from bisect_lines(asked.subject, finding, redactor if session.redacts else None, _STYLE, width)


def words(asked: Plan) -> Iterator[tuple[str, str]]:
    """(text, style) of the lines that are shown before anything is sent."""
    yield safe(asked.what, 400), "strong"
    yield safe(asked.where, 200), ""
    names = safe(", ".join(asked.credentials), 400)
    yield (
        (f"with what was recorded to identify the caller: {names}" if names else "nothing in it identifies a caller"),
        "",
    )
    if asked.how == BISECT:
        yield (
            "up to 40 requests, parts of it replaced, one every 0.25 s; it stops at the first sign of rate limiting",
            "",
        )
    if asked.unsafe:
        often = "each that gets through is done" if asked.how == BISECT else "when it gets through it is done again"
        yield f"! {safe(asked.unsafe, 40)} may change something there: {often}", "warn"
