"""Spans from exchanges, with the semantic conventions' names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tracer.model.http import Exchange, Message
from tracer.model.tls import Handshake
from tracer.model.verdict import Said, Verdict

from .message import port_of, target_of
from .writing import Options, Readable, chosen, iso, verdicts_of

INTERNAL, CLIENT = 1, 3
UNSET, ERROR = 0, 2
_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    time_ns: int
    attributes: dict[str, object]


@dataclass(frozen=True, slots=True)
class Span:
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: int
    start_ns: int
    end_ns: int
    attributes: dict[str, object]
    status: int = UNSET
    message: str = ""
    events: tuple[Event, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Root:
    trace_id: bytes
    parent_id: bytes


def spans_of(trace: Readable, options: Options) -> Iterator[Span]:
    """Every span, chain roots before what hangs under them."""
    verdicts = verdicts_of(trace)
    roots: dict[str, _Root] = {}
    for verdict in verdicts.values():
        if len(verdict.chain) > 1 and (options.only is None or verdict.exchange in options.only):
            yield from _chain(trace, verdict, roots)
    told: set[str] = set()
    for exchange in chosen(trace, options):
        root = roots.get(exchange.id) or _root(exchange)
        span = _exchange(exchange, root, verdicts.get(exchange.id))
        yield from _beneath(trace, exchange, root, span, told)
        yield span
        if judged := verdicts.get(exchange.id):
            yield from _hops(judged, span)


def _id(size: int, *parts: str) -> bytes:
    """Derived from names, so that equal traces give equal files."""
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "replace"), digest_size=size).digest()


def _carried(exchange: Exchange) -> _Root | None:
    """The trace that the request says it belongs to (W3C Trace Context)."""
    found = _PARENT.fullmatch((exchange.request.get("traceparent") or "").strip()) if exchange.request else None
    if not found or not int(found[1], 16) or not int(found[2], 16):
        return None
    return _Root(bytes.fromhex(found[1]), bytes.fromhex(found[2]))


def _root(exchange: Exchange) -> _Root:
    return _carried(exchange) or _Root(_id(16, exchange.source, exchange.id), b"")


def _times(exchange: Exchange) -> tuple[int, int]:
    t = exchange.timing
    known = [v for v in (t.start_ns, t.request_end_ns, t.response_start_ns, t.end_ns) if v is not None and v >= 0]
    return (min(known), max(known)) if known else (0, 0)


def _chain(trace: Readable, verdict: Verdict, roots: dict[str, _Root]) -> Iterator[Span]:
    steps = [e for e in (trace.exchange(i) for i in verdict.chain) if e is not None and e.id not in roots]
    if len(steps) < 2:
        return
    carried = next((c for e in steps if (c := _carried(e))), None)
    trace_id = carried.trace_id if carried else _id(16, verdict.source, *verdict.chain)
    span_id = _id(8, verdict.source, "chain", verdict.exchange)
    for step in steps:
        roots[step.id] = _Root(trace_id, span_id)
    times = [t for e in steps for t in _times(e)]
    handshakes = (trace.handshake(e.tls) for e in steps if e.tls)
    times += [h.start_ns for h in handshakes if h is not None and h.start_ns is not None]
    yield Span(
        trace_id,
        span_id,
        carried.parent_id if carried else b"",
        f"chain of {len(steps)} requests",
        INTERNAL,
        min(times),
        max(times),
        {"tracer.chain": list(verdict.chain), "tracer.source": verdict.source},
        ERROR,
        verdict.headline,
    )


def _exchange(exchange: Exchange, root: _Root, verdict: Verdict | None) -> Span:
    start, end = _times(exchange)
    failed = exchange.response is None or exchange.response.status >= 400
    name = _method(exchange)
    return Span(
        root.trace_id,
        _id(8, exchange.source, exchange.id),
        root.parent_id,
        "HTTP" if name == "_OTHER" else name,
        CLIENT,
        start,
        end,
        _attributes(exchange, verdict),
        ERROR if failed else UNSET,
        (verdict.headline if verdict else exchange.aborted or "") if failed else "",
        _told(verdict, start) if verdict else (),
    )


def _method(exchange: Exchange) -> str:
    method = exchange.request.method if exchange.request else ""
    return method if method in _METHODS else "_OTHER"


def _attributes(exchange: Exchange, verdict: Verdict | None) -> dict[str, object]:
    request, response = exchange.request, exchange.response
    made: dict[str, object] = {"http.request.method": _method(exchange)}
    if request:
        scheme, authority, _ = target_of(request.method, request.url)
        host = (authority or request.get("host") or "").rpartition("@")[2]
        made["http.request.method_original"] = request.method if request.method not in _METHODS else None
        made |= {"url.full": request.url, "url.scheme": scheme, "server.address": re.sub(r":\d+$", "", host) or None}
        made["server.port"] = port_of(request.url)
        made["user_agent.original"] = request.get("user-agent")
        made["http.request.body.size"] = _size(request)
    if response:
        made["http.response.status_code"] = response.status
        made["http.response.body.size"] = _size(response)
    failed = str(response.status) if response and response.status >= 400 else None if response else "no_response"
    made["error.type"] = failed
    made |= _network(exchange)
    made |= {"tracer.exchange": exchange.id, "tracer.source": exchange.source, "tracer.aborted": exchange.aborted}
    if verdict:
        made |= _verdict(verdict)
    return {k: v for k, v in made.items() if v is not None and v != ""}


def _size(message: Message) -> int | None:
    return message.body.size if message.body.complete else None


def _network(exchange: Exchange) -> dict[str, object]:
    made: dict[str, object] = {"network.protocol.name": "http"}
    made["network.protocol.version"] = exchange.protocol.removeprefix("HTTP/") or None
    made["network.transport"] = "udp" if exchange.protocol == "HTTP/3" else "tcp"
    for side, place in (("peer", exchange.server), ("local", exchange.client)):
        host, _, port = (place or "").rpartition(":")
        if host and port.isdigit():
            made |= {f"network.{side}.address": host.strip("[]"), f"network.{side}.port": int(port)}
    return made


def _verdict(verdict: Verdict) -> dict[str, object]:
    return {
        "tracer.layer": str(verdict.layer),
        "tracer.product": verdict.product,
        "tracer.cause": str(verdict.cause),
        "tracer.cause_detail": verdict.cause_detail,
        "tracer.confidence": float(verdict.confidence),
        "tracer.headline": verdict.headline,
    }


def _told(verdict: Verdict, start: int) -> tuple[Event, ...]:
    at = verdict.time_ns if verdict.time_ns is not None else start
    return tuple(
        Event(
            "tracer.evidence",
            at,
            {
                "tracer.evidence.says": e.says,
                "tracer.evidence.supports": e.supports,
                "tracer.evidence.weight": float(e.weight),
                "tracer.evidence.where": e.seen.where,
                "tracer.evidence.value": e.seen.value,
            },
        )
        for e in verdict.evidence[:64]
    )


def _beneath(trace: Readable, exchange: Exchange, root: _Root, span: Span, told: set[str]) -> Iterator[Span]:
    """The connection and the handshake under the first exchange that used them."""
    parent = root.parent_id or span.span_id
    if exchange.connection and exchange.connection not in told and (c := trace.connection(exchange.connection)):
        told.add(exchange.connection)
        transport = "udp" if c.transport == "quic" else c.transport
        facts: dict[str, object] = {"network.transport": transport, "tracer.connection": c.id}
        facts |= {k: v for k, v in _network(exchange).items() if k.startswith(("network.peer", "network.local"))}
        name = f"{c.transport} connection"
        ident = _id(8, exchange.source, c.id)
        yield Span(root.trace_id, ident, parent, name, INTERNAL, c.start_ns, max(c.end_ns, c.start_ns), facts)
    if exchange.tls and exchange.tls not in told and (h := trace.handshake(exchange.tls)):
        told.add(exchange.tls)
        yield _handshake(h, exchange, root, parent, span.start_ns)


def _handshake(h: Handshake, exchange: Exchange, root: _Root, parent: bytes, fallback: int) -> Span:
    start = h.start_ns if h.start_ns is not None else fallback
    fatal = next((a for a in h.alerts if a.level == 2), None)
    refused = fatal is not None and exchange.response is None  # OpenSSL ends many a used connection with an alert
    leaf = h.server_certs[0] if h.server_certs else None
    facts: dict[str, object] = {
        "tls.client.server_name": h.sni,
        "tls.protocol.name": "tls",
        "tls.protocol.version": (h.version or "").removeprefix("TLSv") or None,
        "tls.cipher": h.cipher,
        "tls.curve": h.group,
        "tls.next_protocol": h.alpn,
        "tls.resumed": h.resumed,
        "tls.established": h.complete,
        "tls.client.ja3": h.ja3,
        "tls.server.ja3s": h.ja3s,
        "tls.server.subject": leaf.subject if leaf else None,
        "tls.server.issuer": leaf.issuer if leaf else None,
        "tls.server.not_before": iso(leaf.not_before_ns, 0) if leaf else None,
        "tls.server.not_after": iso(leaf.not_after_ns, 0) if leaf else None,
        "tls.client.subject": h.client_certs[0].subject if h.client_certs else None,
        "tracer.tls.client_certificate_requested": h.client_cert_requested,
        "tracer.tls.client_certificate_sent": h.client_cert_sent,
        "tracer.tls.alert": fatal.name if fatal else None,
        "tracer.tls.ja4": h.ja4,
    }
    return Span(
        root.trace_id,
        _id(8, exchange.source, h.id),
        parent,
        "TLS handshake",
        CLIENT,
        start,
        h.end_ns if h.end_ns is not None else start,
        {k: v for k, v in facts.items() if v is not None and v != ""},
        ERROR if refused else UNSET,
        f"TLS alert {fatal.name}" if fatal and refused else "",
    )


def _hops(verdict: Verdict, span: Span) -> Iterator[Span]:
    """The hops, nearest first, each inside the one before; their own times are not known."""
    parent = span.span_id
    for index, hop in enumerate(verdict.path):
        ident = _id(8, verdict.source, verdict.exchange, "hop", str(index))
        facts: dict[str, object] = {"tracer.layer": str(hop.layer), "tracer.said": str(hop.said)}
        facts |= {"tracer.product": hop.product, "tracer.address": hop.address, "tracer.times": "of the exchange"}
        shown = {k: v for k, v in facts.items() if v is not None}
        said_no = hop.said is Said.GENERATED
        name = f"hop {hop.layer}"
        yield Span(
            span.trace_id, ident, parent, name, INTERNAL, span.start_ns, span.end_ns, shown, ERROR if said_no else UNSET
        )
        parent = ident
