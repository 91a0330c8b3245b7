"""A request -> HTTP/1 bytes: fields in their order and spelling, the recorded lines where they did not change.

Framing follows the body that is sent (RFC 9112 section 6): chunked where it was, else Content-Length.
"""

from __future__ import annotations

from .asked import BREAKS, Ask, Field


def write_h1(ask: Ask) -> bytes:
    """The request as one piece of bytes."""
    version = ask.version if ask.version == "HTTP/1.0" else "HTTP/1.1"
    lines = [b" ".join((ask.method, ask.target, version.encode()))]
    chunked = b"chunked" in (ask.get(b"transfer-encoding") or b"").lower() and version == "HTTP/1.1"
    framed = False
    if version == "HTTP/1.1" and ask.get(b"host") is None:
        lines.append(b"Host: " + ask.place.name.encode())
    for field in ask.fields:
        low = field.name.lower()
        if low == b"content-length":
            if chunked or framed:
                continue
            framed = True
            field = Field(field.name, b"%d" % len(ask.body), field.line if _says(field, len(ask.body)) else None)
        elif low == b"transfer-encoding" and not chunked:
            continue
        lines.append(_line(field))
    if ask.body and not framed and not chunked:
        lines.append(b"Content-Length: %d" % len(ask.body))
    head = b"\r\n".join(lines) + b"\r\n\r\n"
    if not chunked:
        return head + ask.body
    return head + (b"%x\r\n%b\r\n" % (len(ask.body), ask.body) if ask.body else b"") + b"0\r\n\r\n"


def _line(field: Field) -> bytes:
    if field.line is not None:
        return field.line
    return field.name + b": " + BREAKS.sub(b" ", field.value)


def _says(field: Field, length: int) -> bool:
    return field.value.strip() == b"%d" % length
