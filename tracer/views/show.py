"""One exchange in full, as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tracer.formats.json_values import events_in
from tracer.formats.writing import decoded, iso
from tracer.http.alternative import advertiser
from tracer.http.content_events import grpc_status
from tracer.model.connection import Connection
from tracer.model.http import Event, Exchange, Message, Request, Response, text
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .safe import safe, safe_block
from .style import Style
from .tls import handshake_lines
from .words import duration, size, wrap

_BODY_LIMIT = 4 << 20
_VALUE = 2000


def show(
    trace: Any,
    exchange: Exchange | None,
    handshake: Handshake | None,
    verdict: Verdict | None,
    style: Style,
    width: int,
    limit: int,
    trusted: bytes | None = None,
) -> Iterator[str]:
    """Verdict, request, response, timing, connection, TLS, chain, packets, problems: what there is of each."""
    if verdict is not None:
        from .explain import story

        yield from story([verdict], style, width, full=True, proof=True)
        yield ""
    if exchange is not None:
        yield from _exchange(trace, exchange, style, width, limit)
    name = exchange.connection if exchange else handshake.connection if handshake else None
    connection = trace.connection(name) if name else None
    if connection is not None:
        yield from _connection(connection, style, width)
    tls = handshake or (trace.handshake(exchange.tls) if exchange and exchange.tls else None)
    if tls is not None:
        yield from handshake_lines(tls, style, width, trusted)
    if exchange is not None and verdict is not None and len(verdict.chain) > 1:
        yield from _chain(trace, verdict, style, width)
    problems = exchange.problems if exchange else handshake.problems if handshake else ()
    if problems:
        yield heading("Problems", style)
        for p in problems:
            yield from wrap(f"{p.severity.value}: {safe(p.text)} [{safe(p.code)}]", width, "    ", "  ")


def heading(words: str, style: Style) -> str:
    """The title of a section."""
    return style.bold(words)


def _exchange(trace: Any, e: Exchange, style: Style, width: int, limit: int) -> Iterator[str]:
    ends = f"{safe(e.client or '?')} {style.sign('arrow')} {safe(e.server or '?')}"
    stream = f", stream {e.stream}" if e.stream is not None else ""
    yield heading(f"Exchange {safe(e.id, 40)}", style) + f"  {ends}  {safe(e.protocol)}{stream}"
    if e.request is not None:
        yield from _message(trace, e, e.request, style, limit)
    else:
        yield style.dim("  (the request was not captured)")
    for interim in e.interim:
        yield from _message(trace, e, interim, style, 0)
    if e.response is not None:
        yield from _message(trace, e, e.response, style, limit)
    else:
        yield style.dim("  (no answer was captured)")
    if e.aborted:
        yield from wrap(f"Ended early: {safe(e.aborted)}", width)
    if e.comment:
        yield from wrap(f"Source says: {safe(e.comment, 400)}", width)
    events = e.events or events_in(trace, e, _BODY_LIMIT)
    status = grpc_status(e, events)
    if status is not None:
        words = f"gRPC status {status.code} {status.name}{': ' if status.message else ''}{safe(status.message, 400)}"
        yield from wrap(words, width)
    told_by = advertiser(e, trace.exchanges()) if e.protocol == "HTTP/3" else None
    if told_by is not None:
        yield f"{safe(told_by, 40)} had advertised HTTP/3 for this host (Alt-Svc)"
    yield from _events(events, style, width)
    yield from _timing(e, style)
    if e.packets:
        yield heading("Packets", style) + "  " + ", ".join(map(str, e.packets))
    for name, value in e.extra.items():
        yield style.dim(f"  {safe(name, 60)}: {safe(value, 200)}")


def _message(trace: Any, e: Exchange, m: Message, style: Style, limit: int) -> Iterator[str]:
    sign = style.sign("out" if isinstance(m, Request) else "in")
    if isinstance(m, Request):
        start = style.bold(f"{safe(m.method, 40)} {safe(m.target, _VALUE)}") + f" {safe(m.version)}"
    else:
        assert isinstance(m, Response)
        start = f"{safe(m.version)} " + style.status(m.status, f"{m.status} {safe(m.reason, 100)}".rstrip())
    yield ""
    yield f"{sign} {start}" + (style.dim(f"  packet {m.packet}") if e.packets and m.packet else "")
    for name, value in (*m.headers, *m.trailers):
        yield f"  {style.dim(safe(text(name), 100) + ':')} {safe(text(value), _VALUE)}"
    yield from _body(trace, e, m, style, limit)


def _body(trace: Any, e: Exchange, m: Message, style: Style, limit: int) -> Iterator[str]:
    body = m.body
    if not body.size and not body.data:
        return
    yield ""
    data = decoded(trace, e, body, _BODY_LIMIT)
    if data is None:
        why = "but it was not kept or does not decode" if body.complete else body.lost or "only in part"
        yield style.dim(f"  (a body of {size(body.size)} was captured, {why})")
        return
    if not limit:
        yield style.dim(f"  (a body of {size(len(data))})")
        return
    try:
        words = data[: limit * 4].decode("utf-8", "strict" if len(data) <= limit * 4 else "ignore")
    except UnicodeDecodeError:
        words = ""
    if not words or "\0" in words[:512]:
        yield style.dim(f"  ({size(len(data))} of binary: {data[:32].hex(' ')}{' …' if len(data) > 32 else ''})")
        return
    for line in safe_block(words[:limit]).split("\n"):
        yield f"  {line[:_VALUE]}"
    if len(words) > limit:
        yield style.dim(f"  … {size(len(data))} in all; --body N shows more")


def _events(events: tuple[Event, ...], style: Style, width: int) -> Iterator[str]:
    if not events:
        return
    yield heading(f"Events ({len(events)})", style)
    for event in events[:20]:
        sign = style.sign("out" if event.client else "in")
        words = safe(event.data[:400].decode("utf-8", "replace"), max(width - 24, 20))
        if event.kind == "grpc":
            words = "compressed" if (event.code or 0) & 1 else "trailers" if (event.code or 0) & 0x80 else ""
        elif event.kind == "close" and event.code is not None:
            words = f"{event.code} {words}".rstrip()
        yield f"  {sign} {event.kind:<6} {size(event.size):>8}  {words}".rstrip()
    if len(events) > 20:
        yield style.dim(f"  … {len(events) - 20} more")


def _timing(e: Exchange, style: Style) -> Iterator[str]:
    t = e.timing
    if t.start_ns is None and t.response_start_ns is None:
        return
    yield ""
    yield heading("Timing", style) + f"  {iso(t.start_ns if t.start_ns is not None else t.response_start_ns, 6)}"
    points = (("sending", t.start_ns, t.request_end_ns), ("waiting", t.request_end_ns, t.response_start_ns),
              ("receiving", t.response_start_ns, t.end_ns))  # fmt: skip
    known = [(name, b - a) for name, a, b in points if a is not None and b is not None]
    total = max(sum(max(d, 0) for _, d in known), 1)
    for name, took in known:
        bar = style.sign("bar") * max(0, round(30 * max(took, 0) / total))
        yield f"  {name:<10}{duration(took):>9}  {style.dim(bar)}"


def _connection(c: Connection, style: Style, width: int) -> Iterator[str]:
    yield ""
    path = f"{safe(c.client)} {style.sign('arrow')} {safe(c.server)}"
    yield heading(f"Connection {safe(c.id, 40)}", style) + f"  {path}  {safe(c.transport)}"
    facts = (
        [f"{c.packets} packets", f"{size(c.client_bytes)} sent, {size(c.server_bytes)} received"] if c.packets else []
    )
    if c.rtt_ns is not None:
        facts.append(f"round trip {duration(c.rtt_ns)}")
    if c.lost:
        facts.append(f"{size(c.lost)} not captured")
    if c.joined_late:
        facts.append("joined late")
    if c.closed:
        facts.append(f"closed by {safe(c.closed)}")
    if facts:
        yield from wrap(", ".join(facts), width, "  ")


def _chain(trace: Any, v: Verdict, style: Style, width: int) -> Iterator[str]:
    yield ""
    yield heading("Chain", style)
    for name in v.chain:
        step = trace.exchange(name)
        if step is None:
            continue
        status = step.response.status if step.response else None
        words = f"{step.request.method} {step.request.url}" if step.request else "(request not captured)"
        yield f"  {safe(name, 20):<8} {style.status(status):>3}  {safe(words, max(width - 18, 30))}"
        for link in (k for k in v.links if k.first == name):
            told = [*(f"lost {x}" for x in link.lost), *(f"gained {x}" for x in link.gained), *link.notes]
            yield from wrap(f"{link.kind}{': ' if told else ''}{safe('; '.join(told))}", width, "    ", "  ")
