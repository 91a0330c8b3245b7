"""What a body is made of where it is a row of messages: server-sent events, gRPC messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.model.http import Event, Exchange

from .grpc import GrpcMessage, GrpcStatus, read_messages, read_status, web_trailers
from .sse import read_events

MOST = 1000
KEPT = 4096
"""bytes kept of one"""


def has_events(exchange: Exchange) -> bool:
    """Its type says that a body of it is a row of messages."""
    return _is_stream(exchange) or is_grpc(exchange)


def is_grpc(exchange: Exchange) -> bool:
    """gRPC, or gRPC-Web in binary."""
    kinds = [(m.get("content-type") or "").lower() for m in (exchange.request, exchange.response) if m]
    return any(k.startswith("application/grpc") and not k.startswith("application/grpc-web-text") for k in kinds)


def content_events(exchange: Exchange, asked: bytes, answered: bytes) -> tuple[Event, ...]:
    """The messages of both bodies, content codings removed, at most `MOST`. Code of a gRPC message: its flags."""
    found: Iterator[Event] = iter(())
    if is_grpc(exchange):
        found = (
            Event(kind="grpc", client=client, data=m.data[:KEPT], size=m.size, code=m.flags)
            for client, body in ((True, asked), (False, answered))
            for m in read_messages(body, MOST)
        )
    elif _is_stream(exchange):
        told = (e.data.encode() for e in read_events(answered, MOST))
        found = (Event(kind="sse", client=False, data=data[:KEPT], size=len(data)) for data in told)
    return tuple(found)[:MOST]


def grpc_status(exchange: Exchange, events: Sequence[Event] = ()) -> GrpcStatus | None:
    """How a gRPC call ended; gRPC-Web says it in the last of its messages."""
    if exchange.response is None or not is_grpc(exchange):
        return None
    told = read_status(exchange.response.headers, exchange.response.trailers)
    last = next((e for e in reversed(events) if e.kind == "grpc" and not e.client), None)
    if told is None and last is not None:
        told = read_status((), web_trailers(GrpcMessage(last.code or 0, last.data, last.size)))
    return told


def _is_stream(exchange: Exchange) -> bool:
    kind = (exchange.response.get("content-type") or "") if exchange.response else ""
    return kind.lower().startswith("text/event-stream")
