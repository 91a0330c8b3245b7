"""HTTP/1 connections that were captured whole, read in one pass over each direction: the fast way of the listing.

Every message is plain and ends where the next one begins; what is less is None: the general reader (`h1.py`) decides.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tracer.model.row import Row
from tracer.transport.conversation import Context
from tracer.transport.whole import Whole

from .h1_head import LONGEST_HEAD
from .h1_scan import CHUNKED, UNTIL_CLOSE, Head, Scan, scan_request, scan_response, shown

_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")


class _Message(NamedTuple):
    head: Head
    start: int
    """offset of its first byte"""
    end: int
    """offset after it"""
    size: int
    """bytes of body, framing removed"""


def read_rows(context: Context, client: Whole, server: Whole) -> list[Row] | None:
    """The exchanges of a connection, in the order of its requests."""
    asked = _messages(client.data, scan_request, frozenset())
    if asked is None:
        return None
    bare = frozenset(i for i, message in enumerate(asked) if message.head.word == b"HEAD")
    said = _messages(server.data, scan_response, bare)
    if said is None or len(said) > len(asked):
        return None
    if any(client.mark(q.start).packet > server.mark(a.start).packet for q, a in zip(asked, said, strict=False)):
        return None
    return [
        _row(context, client, server, request, said[i] if i < len(said) else None) for i, request in enumerate(asked)
    ]


def _messages(data: bytes, scan: Scan, bare: frozenset[int]) -> list[_Message] | None:
    """Messages to the last byte; `bare`: which of them have no body, whatever their heads say."""
    found: list[_Message] = []
    at, stop = 0, len(data)
    while at < stop:
        head = scan(data, at, min(stop, at + LONGEST_HEAD))
        if head is None or 100 <= head.status < 200:
            return None
        start, body = at + head.length, head.body
        if len(found) in bare:
            body = 0
        if body == CHUNKED:
            chunked = _chunks(data, start)
            if chunked is None:
                return None
            body, end = chunked
        else:
            if body == UNTIL_CLOSE:
                body = stop - start
            end = start + body
        if end > stop:
            return None
        found.append(_Message(head, at, end, body))
        at = end
    return found


def _chunks(data: bytes, at: int) -> tuple[int, int] | None:
    """(bytes in chunks, offset after the last one), without trailers (RFC 9112 section 7.1)."""
    size = 0
    while hit := _CHUNK.match(data, at):
        length = int(hit[1], 16)
        size += length
        at = hit.end() + length + 2
        if data[at - 2 : at] != b"\r\n":
            return None
        if not length:
            return size, at
    return None


def _row(context: Context, client: Whole, server: Whole, request: _Message, response: _Message | None) -> Row:
    asked, start = request.head, client.mark(request.start)
    said = response.head if response else None
    host, target = shown(asked.field), shown(asked.target)
    return Row(
        start_ns=start.time_ns,
        order=start.packet,
        id=context.new_id("e", start.packet),
        protocol=(min(asked.version, said.version) if said else asked.version).decode("ascii"),
        client=context.client,
        server=context.server,
        method=asked.word.decode("ascii"),
        authority=host,
        target=target,
        url=f"{context.scheme}://{host}{target}" if host else target,
        status=said.status if said else None,
        reason=shown(said.word) if said else "",
        content_type=shown(said.field) if said else "",
        request_size=request.size,
        response_size=response.size if response else None,
        request_end_ns=client.completed(request.end - 1).time_ns,
        response_start_ns=server.mark(response.start).time_ns if response else None,
        end_ns=server.completed(response.end - 1).time_ns if response else None,
        tls=context.tls,
    )
