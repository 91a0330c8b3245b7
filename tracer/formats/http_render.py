"""Messages of any HTTP version -> HTTP/1.1 bytes that parse: framing made to fit the body that is there."""

from __future__ import annotations

import re
import struct

from tracer.model.http import Event, Exchange, Message, Request, Response

from .message import target_of
from .writing import Options, Readable, has_bytes

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_FRAMING = frozenset((b"content-length", b"transfer-encoding"))
_OPCODES = {"text": 1, "binary": 2, "close": 8, "ping": 9, "pong": 10}


def render(trace: Readable, exchange: Exchange, options: Options) -> tuple[bytes, bytes, list[str]]:
    """Request and response bytes (b"" for a missing one), and what differs from what was sent."""
    notes = [] if exchange.protocol.startswith("HTTP/1") else [f"was {exchange.protocol or 'of unknown version'}"]
    request = response = b""
    if exchange.request is not None:
        request = _request(trace, exchange, exchange.request, options, notes)
    for interim in exchange.interim:
        response += _status(interim) + _head(interim, None) + b"\r\n"
    if exchange.response is not None:
        response += _response(trace, exchange, exchange.response, options, notes)
        if exchange.response.status == 101 and exchange.events:
            request += b"".join(_frame(e) for e in exchange.events if e.client)
            response += b"".join(_frame(e) for e in exchange.events if not e.client)
            notes.append("WebSocket messages follow their heads")
    return request, response, notes


def _line(*parts: bytes) -> bytes:
    return b" ".join(re.sub(rb"[\x00-\x20\x7f]", b"", p) for p in parts)


def _request(trace: Readable, exchange: Exchange, request: Request, options: Options, notes: list[str]) -> bytes:
    target = request.target.encode("utf-8", "replace")
    _, authority, path = target_of(request.method, request.url)
    if request.method != "CONNECT" and not target.startswith((b"/", b"*", b"http")):
        target = path.encode("utf-8", "replace") or b"/"
    body = _body(trace, exchange, request, options, notes)
    version = request.version.encode() if request.version.startswith("HTTP/1") else b"HTTP/1.1"
    start = _line(request.method.encode() or b"GET", target or b"/", version) + b"\r\n"
    host = b""
    if not any(n.lower() == b"host" for n, _ in request.headers) and (name := request.authority or authority):
        host = b"Host: " + re.sub(rb"[\x00-\x20\x7f]", b"", name.encode("utf-8", "replace")) + b"\r\n"
    length = len(body) if body or any(n.lower() in _FRAMING for n, _ in request.headers) else None
    return start + host + _head(request, length) + b"\r\n" + body


def _status(response: Response) -> bytes:
    version = response.version.encode() if response.version.startswith("HTTP/1") else b"HTTP/1.1"
    reason = re.sub(rb"[\x00-\x1f\x7f]", b" ", response.reason.encode("utf-8", "replace"))
    return version + f" {response.status:03d} ".encode() + reason + b"\r\n"


def _response(trace: Readable, exchange: Exchange, response: Response, options: Options, notes: list[str]) -> bytes:
    method = exchange.request.method if exchange.request else ""
    bodiless = method == "HEAD" or response.status in (204, 304) or response.status < 200
    tunnel = method == "CONNECT" and 200 <= response.status < 300
    if bodiless or tunnel:
        return _status(response) + _head(response, None) + b"\r\n"
    body = _body(trace, exchange, response, options, notes)
    return _status(response) + _head(response, len(body)) + b"\r\n" + body


def _body(trace: Readable, exchange: Exchange, message: Message, options: Options, notes: list[str]) -> bytes:
    body = message.body
    if body.size and (not has_bytes(body) or body.size > options.body_limit):
        notes.append(f"a body of {body.size} bytes is left out")
        return b""
    data = body.data if body.data is not None else trace.content(exchange.source, body) if body.size else b""
    if not body.complete:
        notes.append("the body is not whole")
    return data


def _head(message: Message, length: int | None) -> bytes:
    """Field lines, one line each; with a length, the framing fields give way to Content-Length."""
    lines = []
    for name, value in message.headers:
        low = name.lower()
        if not _TOKEN.fullmatch(name) or (length is not None and low in _FRAMING):
            continue
        if low == b"content-encoding" and not message.body.codings and length is not None:
            continue
        if low == b"transfer-encoding":
            continue
        # HAR joins repeated fields with line feeds
        lines += [name + b": " + _CONTROL.sub(b" ", part).strip() + b"\r\n" for part in value.split(b"\n")]
    if length is not None:
        lines.append(f"Content-Length: {length}\r\n".encode())
    return b"".join(lines)


def _frame(event: Event) -> bytes:
    """One unfragmented WebSocket frame (RFC 6455 section 5.2), the client's masked with a zero key."""
    data = event.data
    if event.kind == "close":
        data = (
            struct.pack("!H", event.code) + data[:123]
            if event.code in range(1000, 5000) and event.code not in (1005, 1006)
            else b""
        )
    elif event.kind in ("ping", "pong"):
        data = data[:125]
    mask = 0x80 if event.client else 0
    size = len(data)
    if size < 126:
        head = struct.pack("!BB", 0x80 | _OPCODES.get(event.kind, 2), mask | size)
    elif size < 65536:
        head = struct.pack("!BBH", 0x80 | _OPCODES.get(event.kind, 2), mask | 126, size)
    else:
        head = struct.pack("!BBQ", 0x80 | _OPCODES.get(event.kind, 2), mask | 127, size)
    return head + (b"\0\0\0\0" if mask else b"") + data
