"""What a body is made of where it is a row of messages: server-sent events, gRPC messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tracer.model.http import Event, Exchange

from .body import decode
from .grpc import GrpcMessage, GrpcStatus, read_messages, read_status, web_trailers
from .sse import read_events

MOST = 1000
KEPT = 4096
"""bytes kept of one"""
UNPACKED = 1 << 16
"""bytes that one is unpacked to"""


def has_events(exchange: Exchange) -> bool:
    """Its type says that a body of it is a row of messages."""
    return _is_stream(exchange) or is_grpc(exchange)


def is_grpc(exchange: Exchange) -> bool:
    """gRPC, or gRPC-Web in binary."""
    kinds = [(m.get("content-type") or "").lower() for m in (exchange.request, exchange.response) if m]
    return any(k.startswith("application/grpc") and not k.startswith("application/grpc-web-text") for k in kinds)


def content_events(exchange: Exchange, asked: bytes, answered: bytes) -> tuple[Event, ...]:
    """The messages of both bodies, content codings removed, at most `MOST`. Code of a gRPC message: its flags,
    of which one says that it came compressed."""
    found: Iterator[Event] = iter(())
    if is_grpc(exchange):
        found = (
            _event(m, client, message.get("grpc-encoding") if message else None)
            for client, body, message in ((True, asked, exchange.request), (False, answered, exchange.response))
            for m in read_messages(body, MOST)
        )
    elif _is_stream(exchange):
        told = (e.data.encode() for e in read_events(answered, MOST))
        found = (Event(kind="sse", client=False, data=data[:KEPT], size=len(data)) for data in told)
    return tuple(found)[:MOST]


def _event(message: GrpcMessage, client: bool, coding: str | None) -> Event:
    """With its compression removed; as sent where that cannot be, or it holds more than is looked at."""
    data, size = message.data, message.size
    if message.compressed and message.complete and coding:
        found = decode(data, (coding.strip().lower(),), UNPACKED)
        if found.complete:
            data, size = found.data, len(found.data)
    return Event(kind="grpc", client=client, data=data[:KEPT], size=size, code=message.flags)


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
