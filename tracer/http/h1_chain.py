"""Streams arranged by vectors to exchanges: heads where segments begin, proven by the chain of lengths.

A segment that begins like a head is a guess. It holds when every message of its stream ends exactly where the next
guess begins, from offset 0 on; then no byte is unaccounted for, and the general reader would have found the same.
Where the chain does not close, the connection is `odd`.
"""

from __future__ import annotations

from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from tracer.transport.arrange import Arranged
from tracer.transport.columns import Rows, among
from tracer.transport.stream import Buffer

from .h1_scan import CHUNKED, STARTS, UNTIL_CLOSE, Head, scan_request, scan_response

Flags = NDArray[np.bool_]
LONGEST_HEAD = 64 * 1024
_CODES = np.array(sorted(int.from_bytes(s, "little") for s in (*STARTS, b"HTTP")), np.uint32)
_HTTP = int.from_bytes(b"HTTP", "little")
_TLS = int.from_bytes(b"\x16\x03", "little")


class Paired(msgspec.Struct, frozen=True):
    """Exchanges whose both messages are whole, as indices of messages."""

    request: Rows
    response: Rows
    heads: list[Head | None]
    segment: Rows
    """per message: the segment it begins with"""
    body: Rows
    """per message: bytes of its body, framing removed"""
    end: Rows
    """per message: offset after it"""
    stream: Rows
    clean: Rows
    """per stream: offset after its last message that belongs to a whole exchange"""
    odd: Flags
    """per connection"""


def pair(found: Arranged, offset: Rows, base: Buffer) -> Paired:
    """The exchanges in these streams; `offset` is where each segment's bytes lie in `base`."""
    segment = _guess(found, offset, base)
    stream, at = found.stream[segment], found.at[segment]
    reader = _Reader(found, offset, base)
    heads = [reader.head(i, s & 1) for i, s in zip(segment.tolist(), stream.tolist(), strict=True)]
    count = len(found.odd)
    odd = found.odd.copy()
    length = np.array([h.length if h else 0 for h in heads], np.int64)
    body = np.array([h.body if h else 0 for h in heads], np.int64)
    status = np.array([h.status if h else 0 for h in heads], np.int64)
    absent = np.array([h is None for h in heads], np.bool_)
    final = ~absent & ((stream & 1 == 0) | (status >= 200))
    first = np.append(True, stream[1:] != stream[:-1]) if len(stream) else np.empty(0, np.bool_)
    final_last = np.append(first[1:], True) if len(stream) else first
    rank = _rank(final, first)
    partner = _partner(stream, rank, final)
    answered = np.flatnonzero(partner >= 0)
    is_head = np.array([h is not None and h.word == b"HEAD" for h in heads], np.bool_)
    body[answered[is_head[partner[answered]]]] = 0
    covered = found.covered[stream]
    size = length + body
    for i in np.flatnonzero(body == CHUNKED).tolist():
        body[i], size[i] = reader.chunks(int(segment[i]), int(length[i]), int(stream[i]))
    to_close = np.flatnonzero(body == UNTIL_CLOSE)
    body[to_close] = (covered - at - length)[to_close]
    size[to_close] = (covered - at)[to_close]
    end = at + size
    open_end = np.zeros(len(heads), np.bool_)
    open_end[to_close] = ~found.closed[stream[to_close] >> 1]
    whole = ~absent & (end <= covered) & (size >= 0) & ~open_end
    broken = (size < -1) | (absent & ~final_last)
    following = np.append(at[1:], 0) if len(at) else at
    broken |= ~final_last & (end != following)
    broken |= final_last & whole & (end != covered)
    broken |= first & (at != 0)
    odd[stream[broken] >> 1] = True
    told = np.zeros(count * 2, np.bool_)
    told[stream] = True
    odd |= ((found.covered > 0) & ~told).reshape(-1, 2).any(axis=1)
    good = np.flatnonzero((partner >= 0) & whole)
    good = good[whole[partner[good]]]
    early = found.row[segment[good]] < found.row[segment[partner[good]]]
    odd[stream[good[early]] >> 1] = True
    pairs = np.bincount(stream[good] >> 1, minlength=count)
    asked = np.bincount(stream[final & (stream & 1 == 0)] >> 1, minlength=count)
    answers = np.bincount(stream[final & (stream & 1 == 1)] >> 1, minlength=count)
    odd |= answers > asked
    good = good[~odd[stream[good] >> 1]]
    clean = np.zeros(count * 2, np.int64)
    clean[stream[partner[good]]] = end[partner[good]]
    clean[stream[good]] = end[good]
    left = ((found.covered > clean) | found.hole).reshape(-1, 2).any(axis=1)
    odd |= found.closed & left & ((pairs > 0) | (found.covered.reshape(-1, 2) > 0).any(axis=1))
    good = good[~odd[stream[good] >> 1]]
    return Paired(
        request=partner[good],
        response=good,
        heads=heads,
        segment=segment,
        body=body,
        end=end,
        stream=stream,
        clean=clean,
        odd=odd,
    )


def _guess(found: Arranged, offset: Rows, base: Buffer) -> Rows:
    """Segments of connections in order that begin like a head of their side."""
    if len(base) < 4 or not len(offset):
        return np.empty(0, np.int64)
    words = np.ndarray((len(base) - 3,), "<u4", cast(bytes, base), 0, (1,))
    first = words[np.minimum(offset, len(base) - 4)]
    like = among(first, _CODES) & (found.size >= 4) & ~found.odd[found.stream >> 1]
    like &= (first == _HTTP) == (found.stream & 1 == 1)
    # a stream that begins with a TLS handshake is no guess: its connection is odd
    like |= (found.at == 0) & ~found.odd[found.stream >> 1] & (first & 0xFFFF != _TLS)
    return np.flatnonzero(like)


def _rank(final: Flags, first: Flags) -> Rows:
    """For each message its place among the final ones of its stream, from 0."""
    before = np.cumsum(final) - final
    starts = np.flatnonzero(first)
    sizes = np.diff(np.append(starts, len(first)))
    return before - np.repeat(before[starts], sizes)


def _partner(stream: Rows, rank: Rows, final: Flags) -> Rows:
    """For each final response the request at the same place of the other stream; -1 elsewhere."""
    place = (stream << 32) + rank
    requests = np.flatnonzero(final & (stream & 1 == 0))
    responses = np.flatnonzero(final & (stream & 1 == 1))
    partner = np.full(len(stream), -1, np.int64)
    if len(requests) and len(responses):
        wanted = ((stream[responses] ^ 1) << 32) + rank[responses]
        at = np.minimum(np.searchsorted(place[requests], wanted), len(requests) - 1)
        hit = place[requests[at]] == wanted
        partner[responses[hit]] = requests[at[hit]]
    return partner


class _Reader:
    """Looks at bytes of streams where vectors cannot."""

    def __init__(self, found: Arranged, offset: Rows, base: Buffer) -> None:
        self.base = base
        self.offset: list[int] = offset.tolist()
        self.at: list[int] = found.at.tolist()
        self.size: list[int] = found.size.tolist()
        self.stream: list[int] = found.stream.tolist()

    def head(self, i: int, server: int) -> Head | None:
        """The head that begins with segment `i`, also when it goes on in the next ones."""
        scan = scan_response if server else scan_request
        low = self.offset[i]
        head = scan(self.base, low, low + self.size[i])
        if head is not None or self.base.find(b"\r\n\r\n", low, low + self.size[i]) >= 0:
            return head
        data = self._join(i, LONGEST_HEAD)
        return scan(data, 0, len(data)) if len(data) > self.size[i] else None

    def _join(self, i: int, most: int) -> bytes:
        """Bytes from segment `i` on, up to the end of a head."""
        stream, parts, total = self.stream[i], [], 0
        while i < len(self.stream) and self.stream[i] == stream and total < most:
            low = self.offset[i]
            parts.append(self.base[low : low + self.size[i]])
            total += self.size[i]
            if len(parts) > 1 and b"\r\n\r\n" in parts[-2][-3:] + parts[-1]:
                break
            i += 1
        return b"".join(parts)

    def chunks(self, i: int, skip: int, stream: int) -> tuple[int, int]:
        """(bytes in chunks, length of the message); a length of -1: not whole yet, -2: no chunks."""
        at, size, offset, base = self.at, self.size, self.offset, self.base
        begin = at[i]
        pos, total, last = begin + skip, 0, len(self.stream)
        find = base.find
        while True:
            while pos >= at[i] + size[i]:
                i += 1
                if i >= last or self.stream[i] != stream:
                    return 0, -1
            low = offset[i] + pos - at[i]
            stop = offset[i] + size[i]
            eol = find(b"\r\n", low, min(stop, low + 20))
            if eol < 0:
                line = self._few(i, pos)
                cut = line.find(b"\r\n")
                if cut < 0:
                    return 0, -1 if len(line) < 20 else -2
                line = line[:cut]
            else:
                line = bytes(base[low:eol])
            try:
                n = int(line, 16)
            except ValueError:
                return 0, -2
            if not line.isalnum() or n < 0:
                return 0, -2
            pos += len(line) + 2
            if n == 0:
                return self._after_last(i, pos, total, begin)
            total += n
            pos += n + 2

    def _after_last(self, i: int, pos: int, total: int, begin: int) -> tuple[int, int]:
        """No trailers: an empty line and the end."""
        stream = self.stream[i]
        while pos >= self.at[i] + self.size[i]:
            i += 1
            if i >= len(self.stream) or self.stream[i] != stream:
                return 0, -1
        line = self._few(i, pos)[:2]
        if line == b"\r\n":
            return total, pos + 2 - begin
        return 0, -1 if len(line) < 2 else -2

    def _few(self, i: int, pos: int) -> bytes:
        """Up to 20 bytes from offset `pos`, which lies in segment `i`."""
        stream, out = self.stream[i], b""
        while i < len(self.stream) and self.stream[i] == stream and len(out) < 20:
            low = self.offset[i] + max(0, pos - self.at[i])
            out = out + self.base[low : min(self.offset[i] + self.size[i], low + 20 - len(out))]
            i += 1
        return out
