"""What the panes show of one exchange, read from the trace by a worker; each piece only when its pane is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracer.model.connection import Connection
from tracer.model.http import Exchange, text
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .session import Session

if TYPE_CHECKING:
    from .render.chain import Chain
    from .render.compare import Side
    from .render.content import Content

AROUND = 400
"""exchanges before, and after, that are looked through for what led here and for a good answer"""
MINUTES_NS = 120 * 10**9
DAY_NS = 86_400 * 10**9
LONGEST = 24
"""steps of a chain"""


@dataclass(frozen=True, slots=True)
class Selection:
    """The exchange, or refused handshake, under the cursor."""

    id: str
    exchange: Exchange | None = None
    """as it may be seen; None for a handshake that was refused before any request"""
    raw: Exchange | None = field(default=None, repr=False)
    """as captured: nothing of it may be shown but what `render.jwt` lets through"""
    verdict: Verdict | None = None
    handshake: Handshake | None = None
    connection: Connection | None = None


def select(session: Session, exchange_id: str) -> Selection | None:
    """The selection for this exchange or handshake; None when the trace does not hold it."""
    trace = session.trace
    raw = trace.exchange(exchange_id)
    verdict = session.verdict(exchange_id)
    if raw is None:
        handshake = trace.handshake(exchange_id)
        if handshake is None:
            return None
        connection = trace.connection(handshake.connection) if handshake.connection else None
        return Selection(exchange_id, verdict=verdict, handshake=handshake, connection=connection)
    return Selection(
        exchange_id,
        exchange=session.shown.exchange(exchange_id),
        raw=raw,
        verdict=verdict,
        handshake=trace.handshake(raw.tls) if raw.tls else None,
        connection=trace.connection(raw.connection) if raw.connection else None,
    )


def contents(session: Session, exchange: Exchange) -> tuple[Content, Content]:
    """Request and response body, decoded, as they may be seen."""
    from .render.content import content

    shown = session.shown
    return content(shown, exchange, exchange.request), content(shown, exchange, exchange.response)


def handshakes_behind(session: Session, selection: Selection) -> list[Handshake]:
    """The handshakes of the hops behind, as far as the trace shows the same exchange there."""
    names = selection.verdict.seen_at if selection.verdict else ()
    deeper = [session.trace.exchange(name) for name in names if name != selection.id]
    found = [session.trace.handshake(e.tls) for e in deeper if e is not None and e.tls]
    here = selection.handshake.id if selection.handshake else ""
    return [h for h in found if h is not None and h.id != here]


def chain(session: Session, selection: Selection) -> Chain:
    """What led here, this one, and what followed it, as it may be seen."""
    from tracer.correlate.exchanges import Exchanges
    from tracer.correlate.links import Links  # brings the whole correlator, which nobody needs for the first look

    from .render.chain import Chain
    from .render.content import content

    here, verdict = selection.raw, selection.verdict
    if here is None:
        return Chain()
    near = _around(session, here, MINUTES_NS)
    links = Links(Exchanges(near), lambda e: text(content(session.trace, e, e.response).data or b""))
    before, how = links.chain(here)
    steps, found = [*(e.id for e in before), here.id], list(how)
    if verdict is not None and verdict.exchange == here.id and verdict.chain:
        steps, found = list(verdict.chain), list(verdict.links)
    for candidate in near:
        led, how = links.chain(candidate)
        if led and led[-1].id == steps[-1] and candidate.id not in steps and len(steps) < LONGEST:
            steps.append(candidate.id)
            found.append(how[-1])
    shown = [session.shown.exchange(name) for name in steps]
    return Chain(tuple(e for e in shown if e is not None), tuple(found))


def advertised_by(session: Session, exchange: Exchange) -> str | None:
    """The exchange that told the client of HTTP/3 at this server, as far as it is near; None for other protocols."""
    if exchange.protocol != "HTTP/3":
        return None
    from tracer.http.alternative import advertiser

    return advertiser(exchange, _around(session, exchange, DAY_NS))


def partner(session: Session, selection: Selection, chosen: str | None) -> tuple[Side, Side | None] | None:
    """Both sides of a comparison: this exchange and the chosen one, else the nearest good answer of its host."""
    here = selection.exchange
    if here is None:
        return None
    other = chosen if chosen and chosen != here.id else _good(session, here)
    found = session.shown.exchange(other) if other else None
    return _side(session, here), _side(session, found) if found is not None else None


def _side(session: Session, exchange: Exchange) -> Side:
    from .render.compare import Side

    handshake = session.trace.handshake(exchange.tls) if exchange.tls else None
    return Side(exchange, handshake, *contents(session, exchange))


def _good(session: Session, here: Exchange) -> str | None:
    """A good answer near it: of the same host; better at the same hop, of the same path, to the same method."""
    request = here.request
    if request is None:
        return None
    rows = session.trace.select("SELECT host, time_ns FROM exchange WHERE id = ?", (here.id,))
    if not rows:
        return None
    host, time_ns = rows[0]
    path = request.target.partition("?")[0]
    best: tuple[tuple[int, ...], str] | None = None
    for sign, order in (("<=", "DESC"), (">=", "")):
        near = session.trace.select(
            f"SELECT id, method, target, time_ns, server FROM (SELECT * FROM exchange WHERE time_ns {sign} ?"
            f" ORDER BY time_ns {order} LIMIT 5000) WHERE host IS ? AND status < 400 AND status >= 200 AND id <> ?",
            (time_ns, host, here.id),
        )
        for name, method, target, at, server in near:
            rank = (
                -int(server == here.server),  # at the same hop
                -int((target or "").partition("?")[0] == path),
                -int(method == request.method),
                abs(at - time_ns),
            )
            if best is None or rank < best[0]:
                best = rank, name
    return best[1] if best else None


def _around(session: Session, here: Exchange, within_ns: int) -> list[Exchange]:
    """Exchanges near in time, in time order."""
    at = here.timing.start_ns if here.timing.start_ns is not None else here.timing.response_start_ns
    if at is None:
        return [here]
    trace = session.trace
    before = trace.select(
        "SELECT n FROM exchange WHERE time_ns <= ? AND time_ns >= ? ORDER BY time_ns DESC, n DESC LIMIT ?",
        (at, at - within_ns, AROUND),
    )
    after = trace.select(
        "SELECT n FROM exchange WHERE time_ns > ? AND time_ns <= ? ORDER BY time_ns, n LIMIT ?",
        (at, at + within_ns, AROUND),
    )
    found = (trace.value("exchange", n) for (n,) in (*reversed(before), *after))
    return [e for e in found if e is not None]
