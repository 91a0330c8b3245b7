"""The next head on a stream: where one begins, where it ends, and what of it was captured."""

from __future__ import annotations

import re
from collections.abc import Callable

from tracer.transport.stream import Mark, Stream

from .h1_head import LONGEST_HEAD, LONGEST_LINE


def read_head[Line](
    stream: Stream, read_line: Callable[[bytes, bool], Line | None]
) -> tuple[Line, bytes, Mark, bool] | None:
    """(first line, head, where it starts, whether its end is there), read off the stream; None when more bytes are
    needed.

    Bytes that begin no message are passed over: after a gap, to the next segment that begins one.
    """
    here = stream.segment()
    if here is not None:
        buffer, at, stop, start = here
        n = buffer.find(b"\r\n\r\n", at, min(stop, at + LONGEST_HEAD))
        head = bytes(buffer[at : n + 4]) if n >= 0 else b""
        if head[:1] not in b"\r\n" and (line := read_line(head.partition(b"\n")[0].rstrip(b"\r"), False)) is not None:
            stream.jump(stream.pos + len(head))
            return line, head, start, True
    return _search_head(stream, read_line)


def _search_head[Line](
    stream: Stream, read_line: Callable[[bytes, bool], Line | None]
) -> tuple[Line, bytes, Mark, bool] | None:
    """The same where the head lies in several segments, or other bytes stand before it."""
    while True:
        if stream.at_gap:
            stream.jump(stream.pos + stream.at_gap)
        lead = stream.peek(2)
        if not lead:
            return None
        if lead[:1] in b"\r\n":
            stream.skip(1)
            continue
        n = _head_length(stream)
        if n is None and not _ended(stream):
            return None
        first, end, _ = stream.peek(n or LONGEST_LINE).partition(b"\n")
        line = read_line(first.rstrip(b"\r"), not end)
        if line is not None:
            start = stream.mark(stream.pos)
            head = stream.take(n if n is not None else min(stream.available, LONGEST_HEAD))
            return line, head, start, n is not None
        following = stream.next_segment()
        if following is None:
            stream.jump(stream.end)
            return None
        stream.jump(following)


def _head_length(stream: Stream) -> int | None:
    """Length of the head at `pos`, its empty line included; None when the end is not there (yet)."""
    n = stream.find(b"\r\n\r\n", LONGEST_HEAD)
    if n >= 0:
        return n + 4
    head = stream.peek(LONGEST_HEAD)
    hit = re.search(rb"\n\r?\n", head)
    if hit:
        return hit.end()
    line = re.match(rb"GET [^\s]+\r?\n", head)
    return line.end() if line and len(head) == line.end() and stream.closed else None


def _ended(stream: Stream) -> bool:
    """No more bytes will join those that are here."""
    here = stream.pos + stream.available
    return stream.closed or here < max(stream.end, stream.cut) or here - stream.pos >= LONGEST_HEAD
