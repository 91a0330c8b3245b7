"""Everything the panes show of one exchange, read from the trace in one go (by a worker)."""

from __future__ import annotations

from typing import Any

from tracer.http.body import decode
from tracer.model.http import Exchange, Message
from tui.widgets.panes import Selection

BODY = 1 << 20
"""bytes of a decoded body that are shown at most"""


def gather(trace: Any, exchange_id: str) -> Selection | None:
    """The selection for this exchange or handshake; None when the trace does not hold it."""
    exchange: Exchange | None = trace.exchange(exchange_id)
    verdict = next((v for v in trace.verdicts() if exchange_id in (v.exchange, *v.seen_at)), None)
    if exchange is None:
        handshake = trace.handshake(exchange_id)
        if handshake is None:
            return None
        connection = trace.connection(handshake.connection) if handshake.connection else None
        return Selection(id=exchange_id, verdict=verdict, handshake=handshake, connection=connection)
    chain = [trace.exchange(e) for e in verdict.chain] if verdict else []
    return Selection(
        id=exchange_id,
        exchange=exchange,
        verdict=verdict,
        handshake=trace.handshake(exchange.tls) if exchange.tls else None,
        connection=trace.connection(exchange.connection) if exchange.connection else None,
        request_body=_body(trace, exchange, exchange.request),
        response_body=_body(trace, exchange, exchange.response),
        chain=tuple(e for e in chain if e is not None),
    )


def _body(trace: Any, exchange: Exchange, message: Message | None) -> tuple[bytes | None, str | None]:
    """Decoded bytes, and what is missing of them."""
    if message is None or not message.body.size:
        return b"", None
    raw = trace.content(exchange.source, message.body)
    if not raw:
        return None, None
    decoded = decode(raw, message.body.codings, BODY)
    note = decoded.problem or (None if message.body.complete else "part of it was not captured")
    return decoded.data, note
