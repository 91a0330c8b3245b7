"""Heads of HTTP/1 messages: where they end, what their first line and fields say.

Lenient where real traffic is (RFC 9112 section 2.2 allows much of it): bare LF, white space before the colon,
folded lines, missing reason, HTTP/0.9. What departs from the standard in a way that moves message borders is a
finding for the caller, never an exception.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tracer.model.http import Headers

LONGEST_HEAD = 256 * 1024
"""bytes; servers in use stop between 8 and 128 KiB"""

LONGEST_LINE = 64 * 1024

METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK "
    b"SEARCH REPORT MKACTIVITY CHECKOUT MERGE M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE LINK UNLINK "
    b"VERSION-CONTROL CHECKIN UNCHECKOUT MKWORKSPACE UPDATE LABEL BASELINE-CONTROL BIND UNBIND REBIND ACL "
    b"MKCALENDAR MKREDIRECTREF UPDATEREDIRECTREF ORDERPATCH PRI QUERY BAN REFRESH SOURCE BCOPY BDELETE BMOVE "
    b"BPROPFIND BPROPPATCH POLL RPC_IN_DATA RPC_OUT_DATA".split()
)
CUT_REQUEST_LINE = re.compile(rb"([A-Z_-]{3,32}) ([!-~]+)(?: (?:H|HT|HTT|HTTP(?:/[\d.]{0,3})?)?)?$")
REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32})[ \t]+([^\r\n]*?)(?:[ \t]+(HTTP/\d\.\d))?[ \t]*$")
SIMPLE_TARGET = re.compile(rb"(?:/|https?://)\S*")
"""of a Simple-Request, which is a GET (RFC 1945 section 5): other protocols have lines of a word and an argument"""
STATUS_LINE = re.compile(rb"(HTTP/\d(?:\.\d)?)[ \t]+(\d{3})(?:[ \t]+([^\r\n]*?))?[ \t]*$")


class RequestLine(NamedTuple):
    method: bytes
    target: bytes
    version: bytes
    """b"" for HTTP/0.9"""


class StatusLine(NamedTuple):
    version: bytes
    status: int
    reason: bytes


def read_request_line(line: bytes, cut: bool = False) -> RequestLine | None:
    """The parts of a request line; None when it is none. `cut`: its end was not captured."""
    hit = REQUEST_LINE.match(line)
    if hit is None or not hit[2]:
        return None
    if cut and hit[3] is None:
        hit = CUT_REQUEST_LINE.match(line)
        return RequestLine(hit[1], hit[2], b"HTTP/1.1") if hit and hit[1] in METHODS else None
    if hit[3] is None and not (hit[1] == b"GET" and SIMPLE_TARGET.fullmatch(hit[2])):
        return None
    return RequestLine(hit[1], hit[2], hit[3] or b"")


def read_status_line(line: bytes, cut: bool = False) -> StatusLine | None:  # noqa: ARG001  # it reads the same
    """The parts of a status line; None when it is none. `ICY 200 OK` is not HTTP."""
    hit = STATUS_LINE.match(line)
    if hit is None:
        return None
    return StatusLine(hit[1], int(hit[2]), hit[3] or b"")


def split_head(head: bytes, cut: bool = False) -> tuple[bytes, Headers, list[str]]:
    """(first line, fields, oddities) of a head with or without its empty line at the end; `cut`: the last line is a
    part of one."""
    lines = head.split(b"\n")
    fields: list[tuple[bytes, bytes]] = []
    odd: list[str] = []
    for raw in lines[1:]:
        line = raw.rstrip(b"\r")
        if not line:
            continue
        if line[:1] in b" \t":
            if fields:
                name, value = fields[-1]
                fields[-1] = name, (value + b" " + line.strip(b" \t")).strip()
                odd.append("a folded field line (RFC 9112 section 5.2)")
            continue
        name, colon, value = line.partition(b":")
        if not colon:
            if cut and raw is lines[-1]:
                continue
            odd.append("a field line without colon (RFC 9112 section 5)")
            continue
        if name[-1:] in (b" ", b"\t"):
            odd.append("white space before a colon (RFC 9112 section 5.1)")
            name = name.rstrip(b" \t")
        fields.append((name, value.strip(b" \t")))
    return lines[0].rstrip(b"\r"), tuple(fields), odd


def values_of(fields: Headers, name: bytes) -> list[bytes]:
    """Every value of the field, in order; `name` in lower case."""
    size = len(name)
    return [v for n, v in fields if len(n) == size and n.lower() == name]
