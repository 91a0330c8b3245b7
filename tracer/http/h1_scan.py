"""Heads of HTTP/1 messages that are as the standard says, read in one match: the fast way of the listing.

What is less than plain (bare LF, folds, doubtful framing, CONNECT, upgrades, absolute targets) is `None`: the
general reader (`h1.py`) decides there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tracer.model.http import text
from tracer.transport.stream import Buffer

CHUNKED, UNTIL_CLOSE = -1, -2
METHODS = frozenset(
    b"GET HEAD POST PUT DELETE OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK SEARCH REPORT".split()
)
STARTS = tuple(sorted({(m + b" ")[:4] for m in METHODS}))
VERSIONS = (b"HTTP/1.1", b"HTTP/1.0")


Scan = Callable[[Buffer, int, int], "Head | None"]


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
    end = data.find(b"\r\n\r\n", start, stop)
    if end < 0:
        return None
    head = bytes(data[start : end + 2])
    eol = head.find(b"\r\n")
    parts = head[:eol].split(b" ")
    low = head[eol:].lower()
    if len(parts) != 3 or parts[0] not in METHODS or parts[2] not in VERSIONS or not _is_plain(head, low):
        return None
    method, target, version = parts
    body = _framing(low, 0)
    if body is None or target[:1] != b"/" or b"\t" in target or b"\nupgrade:" in low:
        return None
    return Head(end + 4 - start, body, 0, method, target, _field(head, low, eol, b"\nhost:"), version)


def scan_response(data: Buffer, start: int, stop: int) -> Head | None:
    """The plain response head in `data[start:stop]`."""
    end = data.find(b"\r\n\r\n", start, stop)
    if end < 0:
        return None
    head = bytes(data[start : end + 2])
    eol = head.find(b"\r\n")
    version, digits, reason = head[:8], head[9:12], head[12:eol]
    low = head[eol:].lower()
    if version not in VERSIONS or head[8:9] != b" " or not digits.isdigit() or not _is_plain(head, low):
        return None
    status = int(digits)
    body = _framing(low, UNTIL_CLOSE)
    if body is None or status == 101 or status < 100 or (reason and reason[:1] != b" "):
        return None
    if status < 200 or status in (204, 304):
        body = 0
    kind = _field(head, low, eol, b"\ncontent-type:")
    return Head(end + 4 - start, body, status, reason.strip(b" \t"), b"", kind, version)


def _is_plain(head: bytes, low: bytes) -> bool:
    """No bare line ends, no folds, no white space before a colon."""
    return (
        head.count(b"\n") == head.count(b"\r\n") == head.count(b"\r")
        and b"\n " not in low
        and b"\n\t" not in low
        and b" :" not in low
        and b"\t:" not in low
    )


def _framing(low: bytes, otherwise: int) -> int | None:
    """Length of the body (RFC 9112 section 6.3); None when the fields leave room for two readings."""
    at = low.find(b"\ncontent-length:")
    coding = low.find(b"\ntransfer-encoding:")
    if coding >= 0:
        again = low.find(b"\ntransfer-encoding:", coding + 19)
        return CHUNKED if at < 0 and again < 0 and _value(low, coding + 19) == b"chunked" else None
    if at < 0:
        return otherwise
    value = _value(low, at + 16)
    if not value.isdigit() or len(value) > 15 or low.find(b"\ncontent-length:", at + 16) >= 0:
        return None
    return int(value)


def _field(head: bytes, low: bytes, skip: int, name: bytes) -> bytes:
    at = low.find(name)
    return _value(head, skip + at + len(name)) if at >= 0 else b""


def _value(fields: bytes, at: int) -> bytes:
    return fields[at : fields.find(b"\r", at)].strip(b" \t")


def shown(value: bytes) -> str:
    """As text; UTF-8, the rule, goes the short way."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return text(value)
