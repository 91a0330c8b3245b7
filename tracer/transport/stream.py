"""Ordered bytes in one direction, with gaps, times and packet numbers: what every protocol reader pulls from.

A stream is a list of segments that do not overlap, ascending by offset. Bytes between two segments were sent
but not captured: a gap. A segment's bytes lie in some buffer (the mapped capture, or a decrypted record), so
nothing is copied until a reader asks. Readers look ahead with `peek` and `find`, then `take` or `skip`.

The reader contract: a reader that needs more bytes than `available` returns and is called again when more
arrived or the stream is `closed`. At a gap no more will ever arrive before it: `at_gap` tells.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple, Protocol


class Buffer(Protocol):
    """bytes, bytearray or mmap: anything with find and slices that are bytes."""

    def __len__(self) -> int: ...
    def __getitem__(self, key: slice, /) -> bytes | bytearray: ...
    def find(self, sub: bytes, start: int = ..., end: int = ..., /) -> int: ...


class Mark(NamedTuple):
    """Where in the capture a byte came from."""

    packet: int
    time_ns: int


class Taken(NamedTuple):
    """Bytes that a message consumed, as references."""

    spans: tuple[tuple[int, int], ...]
    """(offset, length) in the stream's base buffer; empty when the bytes do not all lie there"""
    data: bytes | None
    """the bytes themselves when `spans` cannot say it"""
    size: int
    missing: int
    """bytes of gaps passed over"""


class Stream:
    """One direction of a connection. Offsets count from the first byte after the handshake."""

    __slots__ = (
        "_buffers",
        "_done",
        "_ends",
        "_first",
        "_offsets",
        "_packets",
        "_starts",
        "_times",
        "base",
        "closed",
        "pos",
        "waiting",
    )

    def __init__(self, base: Buffer | None = None) -> None:
        self.base = base
        """the capture's bytes; segments whose buffer is this one can be kept as spans"""
        self.pos = 0
        """offset of the next unread byte"""
        self.closed = False
        """no more bytes will come"""
        self.waiting = False
        """later bytes are here already, but a hole before them may still be filled"""
        self._first = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._buffers: list[Buffer] = []
        self._offsets: list[int] = []
        self._packets: list[int] = []
        self._times: list[int] = []
        self._done: list[Mark] = []

    # -- filling

    def append(self, start: int, buffer: Buffer, offset: int, length: int, mark: Mark) -> None:
        """Add `buffer[offset:offset+length]` at stream offset `start`, which is at or after the last end."""
        self._starts.append(start)
        self._ends.append(start + length)
        self._buffers.append(buffer)
        self._offsets.append(offset)
        self._packets.append(mark[0])
        self._times.append(mark[1])
        done = self._done
        done.append(done[-1] if done and done[-1][0] > mark[0] else mark)

    def push(self, data: bytes, mark: Mark, gap: int = 0) -> None:
        """Add bytes from memory at the end, `gap` missing bytes before them."""
        self.append(self.end + gap, data, 0, len(data), mark)

    # -- looking

    @property
    def end(self) -> int:
        """Offset after the last byte seen, gaps counted."""
        return self._ends[-1] if self._ends else self.pos

    def _find_segment(self, pos: int) -> int:
        """Index of the segment that holds `pos`, or of the next one after it."""
        i = self._first
        ends = self._ends
        if i < len(ends) and pos < ends[i]:
            return i
        return bisect_right(ends, pos, i)

    @property
    def available(self) -> int:
        """Bytes that can be read from `pos` before a gap or the end."""
        i = self._find_segment(self.pos)
        starts, ends = self._starts, self._ends
        if i >= len(starts) or starts[i] > self.pos:
            return 0
        end = ends[i]
        while (i := i + 1) < len(starts) and starts[i] == end:
            end = ends[i]
        return end - self.pos

    @property
    def at_gap(self) -> int:
        """Length of the gap at `pos`; 0 when bytes or nothing follow."""
        i = self._find_segment(self.pos)
        return max(0, self._starts[i] - self.pos) if i < len(self._starts) else 0

    @property
    def at_end(self) -> bool:
        """Everything seen so far was read."""
        return self.pos >= self.end

    def peek(self, n: int) -> bytes:
        """Up to `n` bytes from `pos`, shorter before a gap or the end."""
        i = self._find_segment(self.pos)
        starts, ends = self._starts, self._ends
        if i >= len(starts) or starts[i] > self.pos:
            return b""
        at = self._offsets[i] + self.pos - starts[i]
        here = ends[i] - self.pos
        if here >= n:
            return bytes(self._buffers[i][at : at + n])
        parts = [self._buffers[i][at : at + here]]
        n -= here
        while n > 0 and (i := i + 1) < len(starts) and starts[i] == ends[i - 1]:
            here = min(n, ends[i] - starts[i])
            parts.append(self._buffers[i][self._offsets[i] : self._offsets[i] + here])
            n -= here
        return b"".join(parts)

    def find(self, pattern: bytes, limit: int) -> int:
        """Distance from `pos` to `pattern` within the next `limit` bytes, or -1."""
        i = self._find_segment(self.pos)
        if i < len(self._starts) and self._starts[i] <= self.pos:
            at = self._offsets[i] + self.pos - self._starts[i]
            here = min(self._ends[i] - self.pos, limit)
            hit = self._buffers[i].find(pattern, at, at + here)
            if hit >= 0:
                return hit - at
            if here == limit:
                return -1
        return self.peek(limit).find(pattern)

    def mark(self, pos: int) -> Mark:
        """Where the byte at `pos` came from; the last byte's place for offsets past the end."""
        if not self._starts:
            return Mark(0, 0)
        i = min(self._find_segment(pos), len(self._starts) - 1)
        return Mark(self._packets[i], self._times[i])

    def completed(self, pos: int) -> Mark:
        """The packet with which everything up to the byte at `pos` was there: later than its own after reordering."""
        if not self._starts:
            return Mark(0, 0)
        return self._done[min(self._find_segment(pos), len(self._starts) - 1)]

    # -- reading

    def take(self, n: int) -> bytes:
        """Exactly the next `n` bytes (the caller made sure they are `available`)."""
        data = self.peek(n)
        self.pos += len(data)
        return data

    def skip(self, n: int) -> Taken:
        """Move over the next `n` bytes, gaps included, and say where they are."""
        stop = self.pos + n
        i = self._find_segment(self.pos)
        spans: list[tuple[int, int]] = []
        parts: list[bytes] = []
        size = 0
        in_base = True
        starts, ends = self._starts, self._ends
        while i < len(starts) and starts[i] < stop:
            low, high = max(self.pos, starts[i]), min(stop, ends[i])
            at = self._offsets[i] + low - starts[i]
            if self._buffers[i] is self.base:
                spans.append((at, high - low))
            else:
                in_base = False
            size += high - low
            i += 1
        if not in_base:
            for j in range(self._find_segment(self.pos), i):
                low, high = max(self.pos, starts[j]), min(stop, ends[j])
                at = self._offsets[j] + low - starts[j]
                parts.append(bytes(self._buffers[j][at : at + high - low]))
        self.pos = stop
        if in_base:
            return Taken(tuple(spans), None, size, n - size)
        return Taken((), b"".join(parts), size, n - size)

    def jump(self, pos: int) -> None:
        """Continue at `pos` (after a gap, say)."""
        self.pos = pos

    def next_segment(self) -> int | None:
        """Offset where the next captured segment begins after `pos`: where to resynchronise."""
        i = bisect_right(self._starts, self.pos, self._first)
        return self._starts[i] if i < len(self._starts) else None

    def release(self) -> None:
        """Forget segments wholly before `pos`, but for the last of them. Marks of forgotten bytes are those of the
        oldest kept."""
        self._first = max(self._first, self._find_segment(self.pos) - 1)
        if self._first > 256:
            for column in (
                self._starts,
                self._ends,
                self._buffers,
                self._offsets,
                self._packets,
                self._times,
                self._done,
            ):
                del column[: self._first]
            self._first = 0
