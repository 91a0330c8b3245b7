"""Model values as the objects of our JSON: field names and meanings are a public contract; add, never change."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from tracer.http.content_events import content_events, grpc_status, has_events
from tracer.model.http import Body, Event, Exchange, Headers, Message, text
from tracer.model.problem import Problem, Severity
from tracer.model.proof import agrees, strongest_first
from tracer.model.source import Source
from tracer.model.tls import Alert, Certificate, Handshake
from tracer.model.verdict import Evidence, Link, Verdict

from .writing import Readable, decoded, has_bytes, iso

SCHEMA = 1
_LEVELS = {1: "warning", 2: "fatal"}
_EMPTY = hashlib.sha256(b"").hexdigest()


def source_value(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "kind": source.kind,
        "packets": source.packets,
        "bytes": source.bytes,
        "partial": source.partial,
    }


def problem_value(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "source": problem.source,
        "packet": problem.packet,
        "text": problem.text,
        "reference": problem.reference or None,
    }


def exchange_value(trace: Readable, exchange: Exchange, limit: int) -> dict[str, Any]:
    """One exchange; body length and hash are those of the decoded body."""
    problems = [problem_value(p) for p in exchange.problems]
    request, response = exchange.request, exchange.response
    value: dict[str, Any] = {
        "id": exchange.id,
        "source": exchange.source,
        "protocol": exchange.protocol,
        "client": exchange.client,
        "server": exchange.server,
        "connection": exchange.connection,
        "tls": exchange.tls,
        "stream": exchange.stream,
        "request": None,
        "response": None,
        "timing": {name: getattr(exchange.timing, name) for name in exchange.timing.__struct_fields__},
        "packets": list(exchange.packets),
    }
    if request is not None:
        value["request"] = {
            "method": request.method,
            "url": request.url,
            "target": request.target,
            **_message(trace, exchange, request, "request", limit, problems),
        }
    if response is not None:
        value["response"] = {
            "status": response.status,
            "reason": response.reason,
            **_message(trace, exchange, response, "response", limit, problems),
        }
    events = exchange.events or events_in(trace, exchange, limit)
    value |= {
        "interim": [{"status": r.status, "headers": headers_value(r.headers)} for r in exchange.interim],
        "tunnel": exchange.tunnel,
        "pushed": exchange.pushed,
        "aborted": exchange.aborted,
        "comment": exchange.comment,
        "extra": exchange.extra,
        "events": [
            {"kind": e.kind, "from": _side(e.client), "time_ns": e.time_ns, "packet": e.packet, "size": e.size}
            | ({"code": e.code} if e.code is not None else {})
            for e in events
        ],
        "problems": problems,
    }
    if (status := grpc_status(exchange, events)) is not None:
        value["grpc_status"] = {"code": status.code, "name": status.name, "message": status.message}
    return value


def events_in(trace: Readable, exchange: Exchange, limit: int) -> tuple[Event, ...]:
    """Server-sent events and gRPC messages in the bodies, as far as these can be read."""
    if not has_events(exchange):
        return ()
    asked, answered = (
        (decoded(trace, exchange, m.body, limit) or b"") if m else b"" for m in (exchange.request, exchange.response)
    )
    return content_events(exchange, asked, answered)


def headers_value(headers: Headers) -> list[list[str]]:
    """Fields as pairs of text."""
    return [[text(name), text(value)] for name, value in headers]


def _message(
    trace: Readable, exchange: Exchange, message: Message, half: str, limit: int, problems: list[dict[str, Any]]
) -> dict[str, Any]:
    length, digest, why = measure(trace, exchange.source, message.body, limit)
    if why:
        text_ = f"length and hash of the {half} body cannot be known: {why}"
        problem = Problem(code="body.unknown", severity=Severity.NOTE, text=text_, source=exchange.source)
        problems.append(problem_value(problem))
    value: dict[str, Any] = {"headers": headers_value(message.headers), "body_length": length, "body_sha256": digest}
    if message.trailers:
        value["trailers"] = headers_value(message.trailers)
    return value


def measure(trace: Readable, source: str, body: Body, limit: int) -> tuple[int | None, str | None, str]:
    """(length, SHA-256, "") of the decoded body; (None, None, why) when they cannot be known."""
    if not body.complete:
        return None, None, body.lost or "part of it is missing"
    if not body.size and not body.data:
        return 0, _EMPTY, ""
    if not has_bytes(body):
        return None, None, "it was not kept"
    raw = body.data if body.data is not None else trace.content(source, body)
    if len(raw) < body.size:
        return None, None, "its bytes are gone"
    if body.codings:
        from tracer.http.body import decode

        found = decode(raw, body.codings, limit)
        if not found.complete:
            return None, None, found.problem or "it does not decode"
        raw = found.data
    return len(raw), hashlib.sha256(raw).hexdigest(), ""


def handshake_value(h: Handshake) -> dict[str, Any]:
    return {
        "id": h.id,
        "source": h.source,
        "client": h.client,
        "server": h.server,
        "connection": h.connection,
        "carried_by": h.transport,
        "sni": h.sni,
        "version": h.version,
        "alpn": h.alpn,
        "alpn_offered": list(h.alpn_offered),
        "cipher": h.cipher,
        "group": h.group,
        "resumed": h.resumed,
        "server_certs": _certificates(h.server_certs),
        "client_certs": _certificates(h.client_certs),
        "client_cert_requested": h.client_cert_requested,
        "client_cert_sent": h.client_cert_sent,
        "acceptable_cas": list(h.acceptable_cas),
        "acceptable_signatures": list(h.acceptable_signatures),
        "acceptable_key_types": list(h.acceptable_key_types),
        "client_cert_acceptable": _acceptance(h),
        "alerts": [_alert(a) for a in h.alerts],
        "complete": h.complete,
        "decrypted": h.decrypted,
        "why_not": h.why_not,
        "ja3": h.ja3,
        "ja3s": h.ja3s,
        "ja4": h.ja4,
        "ech": h.ech,
        "ech_accepted": h.ech_accepted,
        "sni_inside": h.sni_inside,
        "early_data": h.early_data,
        "early_data_accepted": h.early_data_accepted,
        "ocsp_stapled": h.ocsp is not None,
        "scts": h.scts,
        "start_ns": h.start_ns,
        "end_ns": h.end_ns,
        "packets": list(h.packets),
        "problems": [problem_value(p) for p in h.problems],
    }


def _certificates(certificates: Iterable[Certificate] | None) -> list[dict[str, Any]] | None:
    if certificates is None:
        return None
    return [
        {
            "subject": c.subject,
            "issuer": c.issuer,
            "serial": c.serial,
            "sha256": c.sha256,
            "not_before": iso(c.not_before_ns, 0),
            "not_after": iso(c.not_after_ns, 0),
            "names": list(c.names),
            "key": c.key,
            "signature": c.signature,
            "key_usage": list(c.key_usage),
            "extended_key_usage": list(c.extended_key_usage),
            "is_ca": c.is_ca,
            "raw_key": c.raw_key,
        }
        for c in certificates
    ]


def _acceptance(h: Handshake) -> dict[str, Any] | None:
    """Would the client's certificate have been accepted, by what the server asked for; null when it asked for none."""
    from tracer.tls.client_auth import client_auth

    found = client_auth(h)
    if found is None:
        return None
    reasons = [{"code": r.code, "bearing": r.bearing.value, "text": r.text, "packet": r.packet} for r in found.reasons]
    return {"answer": found.verdict.value, "reasons": reasons}


def _alert(alert: Alert) -> dict[str, Any]:
    level = _LEVELS.get(alert.level, str(alert.level))
    return {
        "from": _side(alert.client),
        "level": level,
        "code": alert.code,
        "name": alert.name,
        "packet": alert.packet,
    }


def _side(client: bool) -> str:
    return "client" if client else "server"


def verdict_value(v: Verdict) -> dict[str, Any]:
    value: dict[str, Any] = {
        "source": v.source,
        "exchange": v.exchange,
        "method": v.method,
        "url": v.url,
        "status": v.status,
        "time": iso(v.time_ns, 9),
        "layer": v.layer.value,
        "product": v.product,
        "cause": v.cause.value,
        "cause_detail": v.cause_detail,
        "confidence": round(v.confidence, 4),
        "cause_confidence": round(v.cause_confidence, 4),
        "hop": {"name": v.hop.name, "address": v.hop.address},
        "alternatives": [
            {"layer": a.layer.value, "product": a.product, "cause": a.cause.value, "confidence": round(a.confidence, 4)}
            for a in v.alternatives
        ],
        "path": [
            {
                "layer": p.layer.value,
                "product": p.product,
                "address": p.address,
                "said": p.said.value,
                "evidence": list(p.evidence),
            }
            for p in v.path
        ],
        "evidence": [_evidence(e, v) for e in strongest_first(v)],
        "chain": list(v.chain),
        "links": [_link(k) for k in v.links],
        "seen_at": list(v.seen_at),
        "headline": v.headline,
        "next_steps": list(v.next_steps),
        "story": v.story,
    }
    if v.original_status is not None:
        value["original_status"] = v.original_status
    return value


def _link(link: Link) -> dict[str, Any]:
    return {
        "first": link.first,
        "then": link.then,
        "kind": link.kind,
        "lost": list(link.lost),
        "gained": list(link.gained),
        "notes": list(link.notes),
    }


def _evidence(e: Evidence, verdict: Verdict) -> dict[str, Any]:
    seen = {"exchange": e.seen.exchange, "where": e.seen.where, "value": e.seen.value, "packet": e.seen.packet}
    return {
        "id": e.id,
        "says": e.says,
        "supports": e.supports,
        "weight": round(e.weight, 3),
        "seen": seen,
        "reference": e.reference or None,
        "product": e.product,
        "agrees": agrees(e, verdict),
    }


def stories_value(verdicts: Iterable[Verdict]) -> list[dict[str, Any]]:
    """Groups of denials that one hop made for one reason, the largest first; a denial that stands alone is one too."""
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.story:
            groups.setdefault(verdict.story, []).append(verdict)
    return [_story_value(name, group) for name, group in sorted(groups.items(), key=lambda g: -len(g[1]))]


def _story_value(name: str, group: list[Verdict]) -> dict[str, Any]:
    """What its denials share, as the surest of them says it."""
    surest = max(group, key=lambda v: v.confidence)
    times = [v.time_ns for v in group if v.time_ns is not None]
    return {
        "id": name,
        "headline": surest.headline,
        "count": len(group),
        "status": surest.status,
        "layer": surest.layer.value,
        "product": surest.product,
        "cause": surest.cause.value,
        "details": sorted({v.cause_detail for v in group if v.cause_detail}),
        "hop": {"name": surest.hop.name, "address": surest.hop.address},
        "first": iso(min(times, default=None), 9),
        "last": iso(max(times, default=None), 9),
        "surest": surest.exchange,
        "exchanges": [v.exchange for v in group],
    }


def chains_value(verdicts: Iterable[Verdict]) -> list[list[str]]:
    """The chains of exchanges that led to denials, each once."""
    return [list(c) for c in dict.fromkeys(v.chain for v in verdicts if len(v.chain) > 1)]
