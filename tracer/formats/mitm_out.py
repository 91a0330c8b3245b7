"""Exchanges -> a mitmproxy flow file, which mitmproxy, mitmweb and mitmdump open.

Needs mitmproxy (`pip install 'tracer[live]'`); without it this module cannot be imported.
"""

from __future__ import annotations

import uuid
from typing import Any, BinaryIO

from mitmproxy.io import FlowWriter

from tracer.model.http import Exchange, Headers, Message, Request, Response
from tracer.model.tls import Certificate, Handshake
from tracer.model.verdict import Verdict

from .message import port_of, target_of
from .writing import Options, Readable, chosen, has_bytes, verdicts_of

_NAMESPACE = uuid.UUID("8a1f5b52-6c6a-5b0e-9a53-1f6d2f3f7c10")
_OPCODES = {"text": 1, "binary": 2}


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write each chosen exchange that has a request as one flow."""
    writer = FlowWriter(out)  # type: ignore[no-untyped-call]
    verdicts = verdicts_of(trace)
    for exchange in chosen(trace, options):
        if exchange.request is not None:
            handshake = trace.handshake(exchange.tls) if exchange.tls else None
            writer.add(flow_of(trace, exchange, handshake, verdicts.get(exchange.id)))


def flow_of(trace: Readable, exchange: Exchange, handshake: Handshake | None, verdict: Verdict | None) -> Any:
    """The flow for one exchange: ids are derived from ours, so equal traces give equal flows."""
    from mitmproxy import flow as flows
    from mitmproxy import http

    client, server = _connections(exchange, handshake)
    made = http.HTTPFlow(client, server)
    made.id = _id(exchange, "flow")
    made.timestamp_created = _seconds(exchange.timing.start_ns) or 0.0
    assert exchange.request is not None
    made.request = _request(trace, exchange, exchange.request)
    if exchange.response is not None:
        made.response = _response(trace, exchange, exchange.response)
    if exchange.aborted or exchange.response is None:
        why = exchange.aborted or exchange.comment or "no response captured"
        made.error = flows.Error(why, _seconds(exchange.timing.end_ns) or made.timestamp_created)
    if exchange.events and exchange.response and exchange.response.status == 101:
        made.websocket = _websocket(exchange)
    made.comment = verdict.headline if verdict else exchange.comment
    made.marked = ":no_entry:" if verdict else ""
    return made


def _id(exchange: Exchange, what: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{exchange.source}\n{exchange.id}\n{what}"))


def _seconds(time_ns: int | None) -> float | None:
    return time_ns / 1e9 if time_ns is not None else None


def _place(name: str | None) -> tuple[str, int] | None:
    host, _, port = (name or "").rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isdigit() else None


def _connections(exchange: Exchange, handshake: Handshake | None) -> tuple[Any, Any]:
    from mitmproxy import connection

    assert exchange.request is not None
    peer, there = _place(exchange.client) or ("", 0), _place(exchange.server)
    start = _seconds(exchange.timing.start_ns) or 0.0
    client = connection.Client(peername=peer, sockname=there or ("", 0), timestamp_start=start)
    server = connection.Server(address=_asked(exchange.request) or there, peername=there, sockname=peer)
    server.timestamp_start = start
    shared = exchange.connection or exchange.id
    client.id = str(uuid.uuid5(_NAMESPACE, f"{exchange.source}\n{shared}\nclient"))
    server.id = str(uuid.uuid5(_NAMESPACE, f"{exchange.source}\n{shared}\nserver"))
    if handshake is not None:
        _tls(server, handshake)
        _tls(client, handshake)
        server.certificate_list = _certificates(handshake.server_certs)
        client.certificate_list = _certificates(handshake.client_certs)
    return client, server


def _asked(request: Request) -> tuple[str, int] | None:
    scheme, authority, _ = target_of(request.method, request.url)
    host = (authority or "").rpartition("@")[2]
    name, _, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    number = int(port) if port.isdigit() and int(port) < 65536 else port_of(f"{scheme or 'http'}://x")
    return (name.strip("[]"), number) if name and number else None


def _tls(side: Any, handshake: Handshake) -> None:
    side.tls = True
    side.sni = handshake.sni
    side.tls_version = {"TLSv1.0": "TLSv1"}.get(handshake.version or "", handshake.version)
    side.cipher = handshake.cipher
    side.alpn = handshake.alpn.encode() if handshake.alpn else None
    side.alpn_offers = [a.encode() for a in handshake.alpn_offered]
    done = handshake.end_ns or handshake.start_ns
    side.timestamp_tls_setup = _seconds(done) if handshake.complete else None


def _certificates(certificates: tuple[Certificate, ...] | None) -> list[Any]:
    from cryptography import x509
    from mitmproxy.certs import Cert

    found = []
    for certificate in certificates or ():
        if certificate.der:
            try:
                found.append(Cert(x509.load_der_x509_certificate(certificate.der)))
            except ValueError:
                continue
    return found


def _content(trace: Readable, exchange: Exchange, message: Message) -> bytes | None:
    body = message.body
    if body.size and not has_bytes(body):
        return None
    data = body.data if body.data is not None else trace.content(exchange.source, body)
    named = (message.get("content-encoding") or "").lower()
    return data if body.codings or not named or not data else _coded(data, named)


def _coded(data: bytes, coding: str) -> bytes:
    """What a recorder decoded, coded again, so that it fits its Content-Encoding field."""
    from mitmproxy.net import encoding

    try:
        coded = encoding.encode(data, coding)
    except ValueError:
        return data
    return coded if isinstance(coded, bytes) else data


def _fields(headers: Headers) -> Any:
    from mitmproxy.http import Headers as Fields

    # a field that would end the head early on replay is folded into one line
    return Fields([(n, b" ".join(v.split(b"\n")).replace(b"\r", b" ")) for n, v in headers])


def _version(version: str) -> bytes:
    return {"HTTP/2": b"HTTP/2.0", "HTTP/3": b"HTTP/3"}.get(version, version.encode() or b"HTTP/1.1")


def _request(trace: Readable, exchange: Exchange, request: Request) -> Any:
    from mitmproxy import http

    scheme, authority, target = target_of(request.method, request.url)
    asked = _asked(request) or _place(exchange.server) or ("", 0)
    connect = request.method == "CONNECT"
    made = http.Request(
        host=asked[0],
        port=asked[1],
        method=request.method.encode(),
        scheme=b"" if connect else (request.scheme or scheme or ("https" if exchange.tls else "http")).encode(),
        authority=(authority or request.target if connect else request.authority or "").encode(),
        path=b"" if connect else (target if authority else request.target).encode(),
        http_version=_version(request.version),
        headers=_fields(request.headers),
        content=b"",
        trailers=_fields(request.trailers) if request.trailers else None,
        timestamp_start=_seconds(exchange.timing.start_ns) or 0.0,
        timestamp_end=_seconds(exchange.timing.request_end_ns),
    )
    made.data.content = _content(trace, exchange, request)
    return made


def _response(trace: Readable, exchange: Exchange, response: Response) -> Any:
    from mitmproxy import http

    t = exchange.timing
    return http.Response(
        http_version=_version(response.version),
        status_code=response.status,
        reason=response.reason.encode("latin-1", "replace"),
        headers=_fields(response.headers),
        content=_content(trace, exchange, response),
        trailers=_fields(response.trailers) if response.trailers else None,
        timestamp_start=_seconds(t.response_start_ns if t.response_start_ns is not None else t.start_ns) or 0.0,
        timestamp_end=_seconds(t.end_ns),
    )


def _websocket(exchange: Exchange) -> Any:
    from mitmproxy import websocket

    made = websocket.WebSocketData()
    for event in exchange.events:
        if event.kind in _OPCODES:
            at = _seconds(event.time_ns) or 0.0
            made.messages.append(websocket.WebSocketMessage(_OPCODES[event.kind], event.client, event.data, at))
        elif event.kind == "close":
            made.closed_by_client, made.close_code = event.client, event.code
            made.close_reason = event.data.decode("utf-8", "replace")
            made.timestamp_end = _seconds(event.time_ns)
    return made
