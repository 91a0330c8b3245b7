"""What some fields of a response mean, in a line each: the gRPC status, other places that the host is served at."""

from __future__ import annotations

from tracer.http.alternative import read_alternatives
from tracer.http.content_events import content_events, grpc_status
from tracer.model.http import Exchange, Response
from tracer.views.safe import safe

from .jwt import duration_of
from .sheet import Sheet

SECOND_NS = 10**9


def meanings(exchange: Exchange, body: bytes) -> Sheet:
    """The lines; none where there is nothing to explain. `body`: of the response, decoded."""
    out = Sheet()
    if exchange.response is not None:
        _grpc(out, exchange, body)
        _alternatives(out, exchange.response)
    return out


def _grpc(out: Sheet, exchange: Exchange, body: bytes) -> None:
    """The outcome of a call: HTTP says 200 to most of those that failed."""
    status = grpc_status(exchange, content_events(exchange, b"", body))
    if status is not None:
        out.add(
            ("gRPC  ", "faint"), (f"{safe(status.name, 60)} ({status.code})", "ok" if not status.code else "denied"),
            f"  {safe(status.message, 600)}" if status.message else "", hang=6,
        )  # fmt: skip


def _alternatives(out: Sheet, response: Response) -> None:
    """RFC 7838: a client may ask there next time, which is how a hop drops out of the path or comes into it."""
    value = response.get("alt-svc")
    if value is None:
        return
    if value.strip().lower() == "clear":
        out.add(("Alt-Svc  ", "faint"), "what was advertised before holds no more", hang=9)
    for other in read_alternatives(value):
        where = f"{safe(other.host, 200)}:{other.port}" if other.host else f"port {other.port} of this host"
        out.add(
            ("Alt-Svc  ", "faint"), f"the next request may go to {where} by ", (safe(other.protocol, 20), "name"),
            (f", for {duration_of(other.max_age * SECOND_NS)}", "faint"), hang=9,
        )  # fmt: skip
