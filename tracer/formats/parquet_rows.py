"""Rows of the table of exchanges: the columns, and what stands in them. Null means "cannot be known"."""

from __future__ import annotations

import hashlib
import re
from typing import Any, NamedTuple

from tracer.model.http import Exchange, Message, Request, text
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .message import target_of
from .writing import Options, Readable, decoded


class Column(NamedTuple):
    kind: str
    """`string`, `int32`, `int64`, `float64`, `bool`, `timestamp` (UTC, microseconds), `headers` (name and value)"""
    meaning: str


def _columns(text: str) -> dict[str, Column]:
    lines = (line.split(None, 2) for line in text.strip().splitlines())
    return {name: Column(kind, meaning) for name, kind, meaning in lines}


COLUMNS: dict[str, Column] = _columns("""
source                     string     name of the file it was read from
id                         string     exchange id, unique within this file
protocol                   string     HTTP/1.0, HTTP/1.1, HTTP/2 or HTTP/3
client                     string     address and port of the client
server                     string     address and port of the server
connection                 string     id of the connection; exchanges with the same one shared it
stream                     int64      HTTP/2 or HTTP/3 stream number
start                      timestamp  first byte of the request
request_end                timestamp  last byte of the request
response_start             timestamp  first byte of the response
response_end               timestamp  last byte of the response
start_ns                   int64      start in nanoseconds since the epoch, exact
wait_ms                    float64    from the last byte of the request to the first of the response
duration_ms                float64    from start to end
method                     string     request method
host                       string     host that the request is for, without port, lower case
url                        string     absolute URL
target                     string     request target as sent
request_headers            headers    request fields in order
request_body_length        int64      bytes of the request body, content codings removed
request_body_sha256        string     SHA-256 of the same, hex
status                     int32      status code of the final response
reason                     string     reason phrase
response_headers           headers    response fields in order
response_body_length       int64      bytes of the response body, content codings removed
response_body_sha256       string     SHA-256 of the same, hex
aborted                    string     how it ended early
tls                        string     id of the TLS handshake it came over
tls_version                string     TLSv1.2, TLSv1.3
tls_cipher                 string     cipher suite
tls_sni                    string     server name that the client asked for
tls_alpn                   string     application protocol agreed on
tls_server_subject         string     subject of the server's certificate
tls_client_cert_requested  bool       the server asked for a client certificate
tls_client_cert_sent       bool       the client sent one
denied                     bool       there is a verdict on it
verdict_layer              string     which layer denied: waf, gateway, app ...
verdict_product            string     product that denied
verdict_cause              string     why
verdict_cause_detail       string     why, finer
verdict_confidence         float64    probability that verdict_layer is right
verdict_headline           string     the verdict in a sentence
""")


def row_of(
    trace: Readable, exchange: Exchange, handshake: Handshake | None, verdict: Verdict | None, options: Options
) -> dict[str, Any]:
    """One row: a value or None for every column."""
    request, response, t, h, v = exchange.request, exchange.response, exchange.timing, handshake, verdict
    leaf = h.server_certs[0] if h and h.server_certs else None
    return {
        "source": exchange.source,
        "id": exchange.id,
        "protocol": exchange.protocol or None,
        "client": exchange.client,
        "server": exchange.server,
        "connection": exchange.connection,
        "stream": exchange.stream,
        "start": t.start_ns,
        "request_end": t.request_end_ns,
        "response_start": t.response_start_ns,
        "response_end": t.end_ns,
        "start_ns": t.start_ns,
        "wait_ms": _spent(t.request_end_ns, t.response_start_ns),
        "duration_ms": _spent(t.start_ns, t.end_ns),
        "method": request.method if request else None,
        "host": _host(request) if request else None,
        "url": request.url if request else None,
        "target": request.target if request else None,
        **_message("request", request, trace, exchange, options),
        "status": response.status if response else None,
        "reason": response.reason if response else None,
        **_message("response", response, trace, exchange, options),
        "aborted": exchange.aborted,
        "tls": exchange.tls,
        "tls_version": h.version if h else None,
        "tls_cipher": h.cipher if h else None,
        "tls_sni": h.sni if h else None,
        "tls_alpn": h.alpn if h else None,
        "tls_server_subject": leaf.subject if leaf else None,
        "tls_client_cert_requested": h.client_cert_requested if h else None,
        "tls_client_cert_sent": h.client_cert_sent if h else None,
        "denied": v is not None,
        "verdict_layer": str(v.layer) if v else None,
        "verdict_product": v.product if v else None,
        "verdict_cause": str(v.cause) if v else None,
        "verdict_cause_detail": v.cause_detail if v else None,
        "verdict_confidence": v.confidence if v else None,
        "verdict_headline": v.headline if v else None,
    }


def _spent(begin: int | None, end: int | None) -> float | None:
    return (end - begin) / 1e6 if begin is not None and end is not None else None


def _host(request: Request) -> str | None:
    _, authority, _ = target_of(request.method, request.url)
    name = (authority or request.get("host") or "").rpartition("@")[2]
    return re.sub(r":\d*$", "", name).strip("[]").lower() or None


def _message(
    side: str, message: Message | None, trace: Readable, exchange: Exchange, options: Options
) -> dict[str, Any]:
    data = decoded(trace, exchange, message.body, options.body_limit) if message else None
    return {
        f"{side}_headers": [{"name": text(n), "value": text(v)} for n, v in message.headers] if message else None,
        f"{side}_body_length": len(data) if data is not None else None,
        f"{side}_body_sha256": hashlib.sha256(data).hexdigest() if data is not None else None,
    }
