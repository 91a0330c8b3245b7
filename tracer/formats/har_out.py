"""Exchanges -> HAR 1.2, one entry at a time.

What HAR has no place for goes into `_tracer` of each entry (ids, endpoints, TLS, exact times, verdict); the
verdict's headline is the entry's `comment`. Reading the file back gives the same exchanges.
Format: http://www.softwareishard.com/blog/har-12-spec/.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

from tracer.model.http import Body, Event, Exchange, Message, Request, Response, text
from tracer.model.tls import Certificate, Handshake
from tracer.model.verdict import Verdict

from .har_timings import Phases
from .har_url import absolute
from .writing import Options, Readable, chosen, decoded, has_bytes, iso, to_json, verdicts_of

_OPCODES = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}
_EPOCH = "1970-01-01T00:00:00.000000Z"


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write every chosen exchange as an entry."""
    creator = {"name": "tracer", "version": options.version or "0"}
    head = to_json({"version": "1.2", "creator": creator, "pages": []})
    out.write(b'{"log":' + head[:-1] + b',"entries":[')
    verdicts, handshakes = verdicts_of(trace), lru_cache(256)(trace.handshake)
    phases, connections = Phases(), lru_cache(256)(trace.connection)
    first = True
    for exchange in chosen(trace, options):
        handshake = handshakes(exchange.tls) if exchange.tls else None
        # of a selection nobody knows which one was the first on its connection
        connection = connections(exchange.connection) if exchange.connection and options.only is None else None
        start, timings = phases.of(exchange, connection, handshake)
        entry = {"startedDateTime": iso(start) or _EPOCH, "time": _total(timings)}
        entry |= _entry(trace, exchange, handshake, verdicts.get(exchange.id), options) | {"timings": timings}
        out.write((b"\n" if first else b",\n") + to_json(entry))
        first = False
    out.write(b"\n]}}\n")


def _entry(
    trace: Readable, exchange: Exchange, handshake: Handshake | None, verdict: Verdict | None, options: Options
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "request": _request(trace, exchange, exchange.request, options),
        "response": _response(trace, exchange, options),
        "cache": {},
    }
    if exchange.server:
        host, _, port = exchange.server.rpartition(":")
        entry["serverIPAddress"] = host.strip("[]")
        entry["_serverPort"] = int(port) if port.isdigit() else None
    if exchange.connection:
        entry["connection"] = entry["_connectionId"] = exchange.connection  # the second is what DevTools reads
    if exchange.events:
        entry["_webSocketMessages"] = [_message(e) for e in exchange.events]
    if handshake and handshake.version:
        entry["_securityDetails"] = _security(handshake)
    if verdict:
        entry["comment"] = verdict.headline or f"denied by {verdict.layer}"
    elif exchange.comment:
        entry["comment"] = exchange.comment
    entry["_tracer"] = _ours(exchange, handshake, verdict)
    return entry


def _total(timings: dict[str, float]) -> float:
    """The sum of the phases; `connect` has `ssl` in it."""
    return round(sum(v for name, v in timings.items() if v > 0 and name != "ssl"), 6)


def _headers(message: Message | None) -> list[dict[str, str]]:
    return [{"name": text(n), "value": text(v)} for n, v in message.headers] if message else []


def _request(trace: Readable, exchange: Exchange, request: Request | None, options: Options) -> dict[str, Any]:
    made: dict[str, Any] = {
        "method": request.method if request else "",
        "url": absolute(exchange),
        "httpVersion": request.version if request else exchange.protocol,
        "cookies": _request_cookies(request),
        "headers": _headers(request),
        "queryString": _query(request.url) if request else [],
        "headersSize": len(request.head) if request and request.head else -1,
        "bodySize": _sent(request.body) if request else -1,
    }
    if request and request.body.size:
        data = decoded(trace, exchange, request.body, options.body_limit)
        posted: dict[str, Any] = {"mimeType": request.get("content-type") or "", "params": []}
        posted |= _text(data) if data is not None else {"text": "", "comment": _why_not(request.body)}
        made["postData"] = posted
    return made


def _response(trace: Readable, exchange: Exchange, options: Options) -> dict[str, Any]:
    response = exchange.response
    if response is None:
        return {
            "status": 0,
            "statusText": "",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "content": {"size": 0, "mimeType": "x-unknown"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
            "_error": exchange.aborted or exchange.comment or "no response captured",
        }
    return {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": response.version,
        "cookies": [_set_cookie(v) for v in response.get_all("set-cookie")],
        "headers": _headers(response),
        "content": _content(trace, exchange, response, options),
        "redirectURL": response.get("location") or "",
        "headersSize": len(response.head) if response.head else -1,
        "bodySize": _sent(response.body),
    }


def _content(trace: Readable, exchange: Exchange, response: Response, options: Options) -> dict[str, Any]:
    body = response.body
    data = decoded(trace, exchange, body, options.body_limit)
    content: dict[str, Any] = {"size": body.size, "mimeType": response.get("content-type") or "x-unknown"}
    if data is None:
        return content | {"comment": _why_not(body)}
    content["size"] = len(data)
    if body.codings:
        content["compression"] = len(data) - body.size
    return content | _text(data)


def _text(data: bytes) -> dict[str, Any]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(data).decode(), "encoding": "base64"}


def _sent(body: Body) -> int:
    return body.size if body.size or body.complete else -1


def _why_not(body: Body) -> str:
    if not has_bytes(body):
        return "the body was not kept"
    return "the body is too large or its coding cannot be undone" if body.complete else "part of the body is missing"


def _query(url: str) -> list[dict[str, str]]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, errors="replace", max_num_fields=1000)
    except ValueError:
        return []
    return [{"name": n, "value": v} for n, v in pairs]


def _request_cookies(request: Request | None) -> list[dict[str, str]]:
    pairs = [c.partition("=") for v in (request.get_all("cookie") if request else []) for c in v.split(";")]
    return [{"name": n.strip(), "value": v.strip()} for n, _, v in pairs if n.strip()]


def _set_cookie(value: str) -> dict[str, Any]:
    first, *rest = value.split(";")
    name, _, content = first.partition("=")
    cookie: dict[str, Any] = {"name": name.strip(), "value": content.strip(), "httpOnly": False, "secure": False}
    for attribute in rest:
        key, _, said = attribute.strip().partition("=")
        low = key.lower()
        if low in ("path", "domain"):
            cookie[low] = said
        elif low in ("httponly", "secure"):
            cookie["httpOnly" if low == "httponly" else "secure"] = True
        elif low == "samesite":
            cookie["_sameSite"] = said
        elif low == "expires":
            cookie["_expires"] = said  # HAR wants ISO 8601 in `expires`; servers write many things
    return cookie


def _message(event: Event) -> dict[str, Any]:
    is_text = event.kind in ("text", "sse")
    return {
        "type": "send" if event.client else "receive",
        "time": event.time_ns / 1e9 if event.time_ns else 0,
        "opcode": _OPCODES.get(event.kind, 1 if is_text else 2),
        "data": text(event.data) if is_text else base64.b64encode(event.data).decode(),
    }


def _security(handshake: Handshake) -> dict[str, Any]:
    leaf = handshake.server_certs[0] if handshake.server_certs else None
    facts = {"protocol": (handshake.version or "").replace("TLSv", "TLS "), "cipher": handshake.cipher}
    if leaf:
        facts |= {"subjectName": leaf.subject, "issuer": leaf.issuer}
    return {k: v for k, v in facts.items() if v}


def _ours(exchange: Exchange, handshake: Handshake | None, verdict: Verdict | None) -> dict[str, Any]:
    t = exchange.timing
    return {
        "id": exchange.id,
        "source": exchange.source,
        "url": exchange.request.url if exchange.request and exchange.request.url != absolute(exchange) else None,
        "client": exchange.client,
        "server": exchange.server,
        "stream": exchange.stream,
        "tunnel": exchange.tunnel,
        "aborted": exchange.aborted,
        "missing": "request" if exchange.request is None else "response" if exchange.response is None else None,
        "comment": exchange.comment,
        "interim": [r.status for r in exchange.interim],
        "timing": {f: getattr(t, f) for f in ("start_ns", "request_end_ns", "response_start_ns", "end_ns")},
        "packets": list(exchange.packets),
        "tls": tls_facts(handshake) if handshake else None,
        "verdict": _verdict(verdict) if verdict else None,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "layer": verdict.layer,
        "product": verdict.product,
        "cause": verdict.cause,
        "cause_detail": verdict.cause_detail,
        "confidence": verdict.confidence,
        "headline": verdict.headline,
        "next_steps": list(verdict.next_steps),
    }


def tls_facts(handshake: Handshake) -> dict[str, Any]:
    """What a handshake tells, in the words of `tracer export --format json`."""
    h = handshake
    return {
        "id": h.id,
        "client": h.client,
        "server": h.server,
        "sni": h.sni,
        "version": h.version,
        "alpn": h.alpn,
        "cipher": h.cipher,
        "group": h.group,
        "resumed": h.resumed,
        "server_certs": _certificates(h.server_certs),
        "client_certs": _certificates(h.client_certs),
        "client_cert_requested": h.client_cert_requested,
        "client_cert_sent": h.client_cert_sent,
        "acceptable_cas": list(h.acceptable_cas),
        "alerts": [
            {
                "from": "client" if a.client else "server",
                "level": {1: "warning", 2: "fatal"}.get(a.level, str(a.level)),
                "code": a.code,
                "name": a.name,
            }
            for a in h.alerts
        ],
        "ja3": h.ja3,
        "ja3s": h.ja3s,
        "ja4": h.ja4,
    }


def _certificates(certificates: tuple[Certificate, ...] | None) -> list[dict[str, Any]] | None:
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
        }
        for c in certificates
    ]
