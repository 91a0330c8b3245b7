"""Heads of HTTP/1 messages that are as the standard says, read in one match: the fast way of the listing.

What is less than plain (bare LF, folds, doubtful framing, CONNECT, upgrades, absolute targets) is `None`: the
general reader (`h1.py`) decides there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tracer.model.http import text
from tracer.transport.stream import Buffer

CHUNKED, UNTIL_CLOSE = -1, -2
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_FIELDS = rb"((?:\r\n" + _TOKEN + rb"+:[^\r\n]*)*)\r\n\r\n"
REQUEST = re.compile(rb"(" + _TOKEN + rb"{1,32}) (/[^ \t\r\n]*) (HTTP/1\.[01])" + _FIELDS)
RESPONSE = re.compile(rb"(HTTP/1\.[01]) (\d{3})(?: ([^\r\n]*))?" + _FIELDS)
STARTS = tuple(b"GET  POST PUT  HEAD DELE OPTI PATC PROP MKCO REPO SEAR LOCK COPY MOVE TRAC".split())


class Head(NamedTuple):
    """What the listing needs of a head."""

    length: int
    body: int
    """bytes, CHUNKED or UNTIL_CLOSE; of a response as its fields say, whatever the request was"""
    status: int
    """0 for a request"""
    word: bytes
    """method, or reason"""
    target: bytes
    field: bytes
    """Host, or Content-Type"""
    version: bytes


def scan_request(data: Buffer, start: int, stop: int) -> Head | None:
    """The plain request head in `data[start:stop]`."""
    hit = REQUEST.match(data, start, stop)  # type: ignore[call-overload]
    if hit is None:
        return None
    method, target, version, fields = hit.groups()
    low = fields.lower()
    body = _framing(low, 0)
    if body is None or method in (b"CONNECT", b"PRI") or b"\r\nupgrade:" in low:
        return None
    return Head(hit.end() - start, body, 0, method, target, _field(fields, low, b"\r\nhost:"), version)


def scan_response(data: Buffer, start: int, stop: int) -> Head | None:
    """The plain response head in `data[start:stop]`."""
    hit = RESPONSE.match(data, start, stop)  # type: ignore[call-overload]
    if hit is None:
        return None
    version, digits, reason, fields = hit.groups()
    status = int(digits)
    low = fields.lower()
    body = _framing(low, UNTIL_CLOSE)
    if body is None or status == 101 or status < 100:
        return None
    if status < 200 or status in (204, 304):
        body = 0
    kind = _field(fields, low, b"\r\ncontent-type:")
    return Head(hit.end() - start, body, status, (reason or b"").strip(b" \t"), b"", kind, version)


def _framing(low: bytes, otherwise: int) -> int | None:
    """Length of the body (RFC 9112 section 6.3); None when the fields leave room for two readings."""
    at = low.find(b"\r\ncontent-length:")
    coding = low.find(b"\r\ntransfer-encoding:")
    if at < 0 and coding < 0:
        return otherwise
    if at >= 0 and coding >= 0:
        return None
    if coding >= 0:
        return CHUNKED if _value(low, coding + 20) == b"chunked" and low.count(b"\r\ntransfer-enc") == 1 else None
    value = _value(low, at + 17)
    if not value.isdigit() or len(value) > 15 or low.find(b"\r\ncontent-length:", at + 17) >= 0:
        return None
    return int(value)


def _field(fields: bytes, low: bytes, name: bytes) -> bytes:
    at = low.find(name)
    return _value(fields, at + len(name)) if at >= 0 else b""


def _value(fields: bytes, at: int) -> bytes:
    end = fields.find(b"\r", at)
    return (fields[at:end] if end >= 0 else fields[at:]).strip(b" \t")


def shown(value: bytes) -> str:
    """As text; ASCII, the rule, goes the short way."""
    return value.decode("ascii") if value.isascii() else text(value)
