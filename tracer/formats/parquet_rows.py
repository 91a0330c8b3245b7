"""Rows of the table of exchanges: the columns, and what stands in them."""

from __future__ import annotations

import hashlib
from typing import Any

from tracer.model.http import Exchange, Message, text
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .writing import Options, Readable, decoded

COLUMNS: dict[str, str] = {
    "source": "string",
    "id": "string",
    "protocol": "string",
    "client": "string",
    "server": "string",
    "connection": "string",
    "stream": "int64",
    "start": "timestamp",
    "request_end": "timestamp",
    "response_start": "timestamp",
    "end": "timestamp",
    "method": "string",
    "url": "string",
    "target": "string",
    "request_headers": "headers",
    "request_body_length": "int64",
    "request_body_sha256": "string",
    "status": "int32",
    "reason": "string",
    "response_headers": "headers",
    "response_body_length": "int64",
    "response_body_sha256": "string",
    "aborted": "string",
    "tls": "string",
    "tls_version": "string",
    "tls_cipher": "string",
    "tls_sni": "string",
    "tls_alpn": "string",
    "tls_server_subject": "string",
    "tls_client_cert_requested": "bool",
    "tls_client_cert_sent": "bool",
    "verdict_layer": "string",
    "verdict_product": "string",
    "verdict_cause": "string",
    "verdict_cause_detail": "string",
    "verdict_confidence": "float64",
    "verdict_headline": "string",
}


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
        "end": t.end_ns,
        "method": request.method if request else None,
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
        "verdict_layer": str(v.layer) if v else None,
        "verdict_product": v.product if v else None,
        "verdict_cause": str(v.cause) if v else None,
        "verdict_cause_detail": v.cause_detail if v else None,
        "verdict_confidence": v.confidence if v else None,
        "verdict_headline": v.headline if v else None,
    }


def _message(
    side: str, message: Message | None, trace: Readable, exchange: Exchange, options: Options
) -> dict[str, Any]:
    data = decoded(trace, exchange, message.body, options.body_limit) if message else None
    return {
        f"{side}_headers": [{"name": text(n), "value": text(v)} for n, v in message.headers] if message else None,
        f"{side}_body_length": len(data) if data is not None else None,
        f"{side}_body_sha256": hashlib.sha256(data).hexdigest() if data is not None else None,
    }
