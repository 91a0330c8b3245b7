"""Ordered bytes in one direction, with gaps, times and packet numbers: what every protocol reader pulls from.

A stream is a list of segments that do not overlap, ascending by offset. Bytes between two segments were sent
but not captured: a gap. A segment's bytes lie in some buffer (the mapped capture, or a decrypted record), so
nothing is copied until a reader asks. Readers look ahead with `peek` and `find`, then `take` or `skip`.

The reader contract: a reader that needs more bytes than `available` returns and is called again when more
arrived or the stream is `closed`. At a gap no more will ever arrive before it: `at_gap` tells.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple, Protocol

_new = tuple.__new__
"""makes a named tuple in half the time that its class takes"""


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
        "cut",
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
        self.cut = 0
        """offset of the last byte that was sent but is known to be missing, behind all that is here"""
        self.waiting = False
        """later bytes are here already, but a hole before them may still be filled"""
        self._first = 0
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._buffers: list[Buffer] = []
        self._offsets: list[int] = []
        self._packets: list[int] = []
        self._times: list[int] = []
        self._done: list[Mark] | None = None
        """per segment, once packets came out of order: the last packet of all up to it"""

    # -- filling

    def append(self, start: int, buffer: Buffer, offset: int, length: int, mark: Mark) -> None:
        """Add `buffer[offset:offset+length]` at stream offset `start`, which is at or after the last end."""
        done, packets = self._done, self._packets
        if done is not None:
            done.append(done[-1] if done and done[-1][0] > mark[0] else mark)
        elif packets and packets[-1] > mark[0]:
            done = self._done = list(map(Mark, packets, self._times))
            done.append(done[-1])
        self._starts.append(start)
        self._ends.append(start + length)
        self._buffers.append(buffer)
        self._offsets.append(offset)
        packets.append(mark[0])
        self._times.append(mark[1])

    def extend(
        self,
        starts: list[int],
        ends: list[int],
        buffer: Buffer,
        offsets: list[int],
        packets: list[int],
        times: list[int],
    ) -> None:
        """Add segments that follow one another without a gap, in the order of their packets, all in one buffer."""
        known = self._packets
        if self._done is None and known and known[-1] > packets[0]:
            self._done = list(map(Mark, known, self._times))
        if (done := self._done) is not None:
            for mark in map(Mark, packets, times):
                done.append(done[-1] if done and done[-1][0] > mark[0] else mark)
        self._starts += starts
        self._ends += ends
        self._buffers += [buffer] * len(starts)
        self._offsets += offsets
        known += packets
        self._times += times

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
        return bisect_right(self._ends, pos, self._first)

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
        i = bisect_right(self._ends, self.pos, self._first)
        starts, ends = self._starts, self._ends
        if i >= len(starts) or starts[i] > self.pos:
            return b""
        at = self._offsets[i] + self.pos - starts[i]
        here = ends[i] - self.pos
        if here >= n:
            return bytes(self._buffers[i][at : at + n])
        stop = self.pos + n
        last = min(bisect_left(ends, stop, i), len(ends) - 1)
        if starts[i + 1 : last + 1] != ends[i:last]:
            last = next(k for k in range(i, last) if starts[k + 1] != ends[k])
        parts = [self._buffers[i][at : at + here]]
        parts += [
            buffer[offset : offset + (end if end < stop else stop) - start]
            for buffer, offset, start, end in zip(
                self._buffers[i + 1 : last + 1],
                self._offsets[i + 1 : last + 1],
                starts[i + 1 : last + 1],
                ends[i + 1 : last + 1],
                strict=True,
            )
        ]
        return b"".join(parts)

    def ahead(self, packet: int, most: int) -> bytes:
        """Up to `most` bytes from `pos` that lie in segments up to that packet, shorter before a gap."""
        i = bisect_right(self._packets, packet, self._first)
        return self.peek(min(most, self._ends[i - 1] - self.pos)) if i > self._first else b""

    def segment(self) -> tuple[Buffer, int, int, Mark] | None:
        """(buffer, place in it, place after the segment's last byte, mark) of the byte at `pos`; None at a gap or the
        end."""
        i = bisect_right(self._ends, self.pos, self._first)
        starts = self._starts
        if i >= len(starts) or starts[i] > self.pos:
            return None
        at = self._offsets[i]
        mark = _new(Mark, (self._packets[i], self._times[i]))
        return self._buffers[i], at + self.pos - starts[i], at + self._ends[i] - starts[i], mark

    def front(self, n: int) -> tuple[bytes, Mark | None]:
        """What `peek` gives, and the place of its first byte; None for that at a gap or the end."""
        i = bisect_right(self._ends, self.pos, self._first)
        starts = self._starts
        if i >= len(starts) or starts[i] > self.pos:
            return b"", None
        mark = _new(Mark, (self._packets[i], self._times[i]))
        at = self._offsets[i] + self.pos - starts[i]
        return (bytes(self._buffers[i][at : at + n]) if self._ends[i] - self.pos >= n else self.peek(n)), mark

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
        return _new(Mark, (self._packets[i], self._times[i]))

    def completed(self, pos: int) -> Mark:
        """The packet with which everything up to the byte at `pos` was there: later than its own after reordering."""
        if not self._starts:
            return Mark(0, 0)
        i = min(self._find_segment(pos), len(self._starts) - 1)
        return self._done[i] if self._done is not None else _new(Mark, (self._packets[i], self._times[i]))

    # -- reading

    def take(self, n: int) -> bytes:
        """Exactly the next `n` bytes (the caller made sure they are `available`)."""
        data = self.peek(n)
        self.pos += len(data)
        return data

    def skip(self, n: int) -> Taken:
        """Move over the next `n` bytes, gaps included, and say where they are."""
        pos, stop = self.pos, self.pos + n
        self.pos = stop
        i = bisect_right(self._ends, pos, self._first)
        starts, ends, offsets, buffers = self._starts, self._ends, self._offsets, self._buffers
        places: list[tuple[Buffer, int, int]] = []
        size = 0
        while i < len(starts) and starts[i] < stop:
            low, high = max(pos, starts[i]), min(stop, ends[i])
            places.append((buffers[i], offsets[i] + low - starts[i], high - low))
            size += high - low
            i += 1
        if all(buffer is self.base for buffer, _, _ in places):
            return Taken(tuple([(at, length) for _, at, length in places]), None, size, n - size)
        data = b"".join([buffer[at : at + length] for buffer, at, length in places])
        return Taken((), data, size, n - size)

    def pass_over(self, n: int) -> int:
        """Move over the next `n` bytes, gaps included, and say how many of them are missing."""
        pos = self.pos
        stop = self.pos = pos + n
        i = bisect_right(self._ends, pos, self._first)
        starts, ends = self._starts, self._ends
        here = 0
        while i < len(starts) and starts[i] < stop:
            here += min(stop, ends[i]) - max(pos, starts[i])
            i += 1
        return n - here

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
            ):
                del column[: self._first]
            if self._done is not None:
                del self._done[: self._first]
            self._first = 0
