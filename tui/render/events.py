"""Messages inside an exchange: WebSocket, server-sent events, gRPC, with direction and time."""

from __future__ import annotations

from typing import NamedTuple

from tracer.http.body import decode
from tracer.http.content_events import grpc_status
from tracer.http.grpc import GrpcMessage, read_messages
from tracer.http.sse import read_events
from tracer.model.http import Event, Exchange, text
from tracer.views.safe import safe

from . import protobuf
from .body import body_lines, hex_dump
from .content import LIMIT, Content
from .sheet import Sheet, Target
from .words import duration, size

_MOST = 5000
_TRAILERS = 0x80
"""flag of the message of gRPC-Web that ends a call"""
_LINES = 40
"""lines of one message"""


class Streams(NamedTuple):
    """Events of an exchange, by whatever it carries."""

    events: tuple[Event, ...] = ()
    outcome: str = ""


def streams(exchange: Exchange, request: Content, response: Content) -> Streams:
    """Those the source tells; else those that the bodies hold."""
    if exchange.events:
        return Streams(exchange.events)
    answer = exchange.response
    kind = (answer.get("content-type") or "").lower() if answer else ""
    if kind.startswith("text/event-stream"):
        data = [f"event: {e.event}\nid: {e.id}\n{e.data}" for e in read_events(response.data or b"", _MOST)]
        return Streams(tuple(_event("sse", False, d.encode(), len(d)) for d in data))
    if kind.startswith("application/grpc") and answer is not None:
        both = [(True, exchange.request, request.data), (False, answer, response.data)]
        found = [
            _event("grpc", client, *_opened(m, half.get("grpc-encoding") if half else None))
            for client, half, body in both
            for m in read_messages(body or b"", _MOST)
        ]
        status = grpc_status(exchange, found)
        return Streams(tuple(found), f"{status.name} ({status.code}) {status.message}" if status else "no status")
    return Streams()


def _opened(message: GrpcMessage, coding: str | None) -> tuple[bytes, int, int]:
    """Content, length and flags of a gRPC message, decompressed where that is possible."""
    if message.compressed and coding:
        decoded = decode(message.data, (coding.strip().lower(),), LIMIT)
        if decoded.complete:
            return decoded.data, message.size, message.flags & ~1
    return message.data, message.size, message.flags


def _event(kind: str, client: bool, data: bytes, length: int, code: int | None = None) -> Event:
    return Event(kind=kind, client=client, data=data, size=length, code=code)


def sheet(found: Streams, begin_ns: int | None) -> Sheet:
    """Each message with direction, time and content."""
    out = Sheet()
    if not found.events and not found.outcome:
        out.add(("no WebSocket messages, server-sent events or gRPC messages in this exchange", "note"))
        return out
    out.add((f"{len(found.events)} messages", "title"), (f"  {safe(found.outcome, 300)}", "warn"))
    for n, event in enumerate(found.events[:_MOST], 1):
        arrow, style = ("▲ client", "send") if event.client else ("▼ server", "receive")
        since = duration(event.time_ns - begin_ns) if event.time_ns is not None and begin_ns is not None else "-"
        code = f" code {event.code}" if event.code is not None and event.kind == "close" else ""
        packed = ""
        if event.kind == "grpc":
            packed = " trailers" if (event.code or 0) & _TRAILERS else " compressed" if (event.code or 0) & 1 else ""
        out.add(
            (f"{n:>5} ", "faint"), (arrow, style), (f"  {safe(event.kind, 20)}{code}{packed}", "strong"),
            (f"  {size(event.size)}  {since}", "faint"), (f"  packet {event.packet}" if event.packet else "", "faint"),
            anchor=f"message {n}", target=Target("packet", str(event.packet)) if event.packet else None,
        )  # fmt: skip
        _content(out, event)
    return out


def _content(out: Sheet, event: Event) -> None:
    inner = Sheet()
    if event.kind == "grpc" and (event.code or 0) & _TRAILERS:
        inner.block("\n".join(safe(line) for line in text(event.data).splitlines()))
    elif event.kind == "grpc" and not (event.code or 0) & 1:
        fields = protobuf.read(event.data)
        if fields is None:
            inner.block("\n".join(hex_dump(event.data[:1024])))
        else:
            protobuf.draw(inner, fields)
    elif event.kind == "sse":
        inner.block("\n".join(safe(line) for line in text(event.data).split("\n")))
    elif event.data:
        inner.extend(body_lines(event.data, "text/plain" if event.kind in ("text", "close") else ""))
    for line in inner.lines[:_LINES]:
        out.add("        ", line.text, hang=10)
    if len(inner) > _LINES:
        out.add((f"        … {len(inner) - _LINES} more lines", "note"))
