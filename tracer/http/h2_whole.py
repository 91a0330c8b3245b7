"""HTTP/2 connections that were captured whole, read in one pass over each direction: the fast way of the listing.

Requests on streams of their own, and what answered them; what is less plain (streams that are reset or pushed, tunnels,
header blocks in several frames) is None: the general reader (`h2.py`) decides there.
"""

from __future__ import annotations

import struct

from tracer.model.http import Headers
from tracer.model.row import Row
from tracer.transport.conversation import Context
from tracer.transport.whole import Whole

from .h2 import OPEN_STREAMS
from .h2_frames import (
    CONTINUATION,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PADDED,
    PREFACE,
    PRIORITY_FLAG,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    is_plausible,
    read_frame,
    unpadded,
)
from .h2_stream import addressed, content_type, status_of
from .header_blocks import BlockError, HeaderDecoder

_HEAD = struct.Struct(">BHBBI")
_ODD = {RST_STREAM, PUSH_PROMISE, CONTINUATION}


class _Half:
    """A message of one stream."""

    __slots__ = ("end", "ended", "headers", "size", "start")

    def __init__(self, headers: Headers, start: int) -> None:
        self.headers = headers
        self.start = start
        """offset of its first frame"""
        self.end = start
        """an offset in the frame that brought its last bytes"""
        self.size = 0
        """bytes of body"""
        self.ended = False


class _UnusualError(Exception):
    """Something the general reader has to look at."""


def read_rows(context: Context, client: Whole, server: Whole) -> list[Row] | None:
    """The exchanges of a connection, in the order of its requests."""
    try:
        asked, said = _halves(client, len(PREFACE)), _halves(server, 0)
    except (_UnusualError, BlockError, struct.error):
        return None
    if not said.keys() <= asked.keys() or len(asked) > OPEN_STREAMS:
        return None
    for number, half in said.items():
        if client.completed(asked[number].start).packet > server.mark(half.start).packet:
            return None
    rows = [(request, said.get(number)) for number, request in asked.items()]
    if any((b":method", b"CONNECT") in request.headers for request, _ in rows):
        return None
    return [_row(context, client, server, *row) for row in rows]


def _halves(side: Whole, at: int) -> dict[int, _Half]:
    """The messages of one direction by stream, from its first frame on."""
    data, decoder, halves = side.data, HeaderDecoder(), dict[int, _Half]()
    first, stop = at, len(data)
    while at < stop:
        begin, (high, low, kind, flags, number) = at, _HEAD.unpack_from(data, at)
        length = high << 16 | low
        at += 9 + length
        if at > stop or kind in _ODD or (begin == first and kind != SETTINGS):
            raise _UnusualError
        if kind > HEADERS:
            if not is_plausible(read_frame(data[begin : begin + 9], side.mark(begin))):
                raise _UnusualError
            continue
        half = halves.get(number)
        if not 0 < number <= 1 << 30 or flags & ~0x2D or (half is not None and half.ended):
            raise _UnusualError
        if kind == HEADERS:
            half = _take_headers(half, decoder, flags, data[begin + 9 : at], begin)
            halves[number] = half
        elif half is None:
            raise _UnusualError
        else:
            _take_data(half, flags, data[begin + 9] if length else 0, begin, at)
        half.ended = bool(flags & END_STREAM)
    return halves


def _take_headers(half: _Half | None, decoder: HeaderDecoder, flags: int, payload: bytes, begin: int) -> _Half:
    """The message that these fields begin, or end as trailers."""
    if not flags & END_HEADERS:
        raise _UnusualError
    block = unpadded(flags, payload)
    fields, _ = decoder.decode(block[5:] if flags & PRIORITY_FLAG else block)
    if half is None:
        if 100 <= (status_of(fields) or 0) < 200:
            raise _UnusualError
        return _Half(fields, begin)
    half.end = begin
    return half


def _take_data(half: _Half, flags: int, padding: int, begin: int, end: int) -> None:
    """Count the bytes of a DATA frame without its padding (RFC 9113 section 6.1)."""
    length = end - begin - 9
    if flags & PADDED and length:
        length -= 1
        half.size -= min(padding, length)
    half.size += length
    half.end = end - 1 if length else begin


def _row(context: Context, client: Whole, server: Whole, request: _Half, response: _Half | None) -> Row:
    asks, start = addressed(request.headers, context.scheme), client.mark(request.start)
    return Row(
        start_ns=start.time_ns,
        order=start.packet,
        id=context.new_id("e", start.packet),
        protocol="HTTP/2",
        client=context.client,
        server=context.server,
        method=asks.method,
        authority=asks.host or asks.authority or "",
        target=asks.target,
        url=asks.url,
        status=(status_of(response.headers) or 0) if response else None,
        reason="",
        content_type=content_type(response.headers) if response else "",
        request_size=request.size,
        response_size=response.size if response else None,
        request_end_ns=client.mark(request.end).time_ns,
        response_start_ns=server.mark(response.start).time_ns if response else None,
        end_ns=server.mark(response.end).time_ns if response else None,
        tls=context.tls,
    )
