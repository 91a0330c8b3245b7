"""One direction of a TCP connection: segments in, a Stream out.

Overlap: the copy that was captured first wins. Bytes handed to a reader cannot be taken back, and receivers
in use keep what they already have as well (RFC 9293 section 3.10.7.4 trims the new segment). A retransmission
that says something else is an attack on observers or a broken middlebox, and counts as `conflicts`.
"""

from __future__ import annotations

from bisect import insort
from typing import NamedTuple

from .stream import Buffer, Mark, Stream

WINDOW = 1 << 31
PATIENCE_SEGMENTS = 256
"""segments held behind a hole before the hole is taken for a gap"""
PATIENCE_BYTES = 4 << 20
PATIENCE_NS = 5_000_000
"""how long a hole stays open once the receiver has said that it has those bytes"""


class Run(NamedTuple):
    """Segments of one side, each of which begins where the one before it ends: per segment a value."""

    after: list[int]
    """bytes of the run up to its end"""
    positions: list[int]
    packets: list[int]
    times: list[int]


class Half:
    __slots__ = ("base", "bytes", "fin", "held", "holding", "next", "stream", "suspected")

    def __init__(self, buffer: Buffer) -> None:
        self.stream = Stream(buffer)
        self.base: int | None = None
        """sequence number of stream offset 0"""
        self.next = 0
        """stream offset expected next"""
        self.held: list[tuple[int, int, int, Buffer, int, Mark]] = []
        """segments behind a hole: (offset, captured length, wire length, buffer, position, mark), ascending"""
        self.holding = 0
        self.suspected: tuple[int, int] | None = None
        """(offset of a hole, time) when the other side first confirmed bytes behind it"""
        self.fin: int | None = None
        self.bytes = 0

    def offset(self, seq: int) -> int:
        """The stream offset nearest to what is expected that this sequence number can mean."""
        assert self.base is not None
        return self.next + ((seq - self.base - self.next + WINDOW) & 0xFFFFFFFF) - WINDOW

    def add(self, seq: int, length: int, wire: int, buffer: Buffer, position: int, mark: Mark) -> bool:
        """Take one segment; True when the stream grew."""
        if self.base is None:
            self.base = seq
        offset = self.offset(seq)
        end = offset + wire
        if end <= self.next:
            return False
        if offset > self.next:
            insort(self.held, (offset, length, wire, buffer, position, mark), key=_by_offset)
            self.holding += length
            return self.give_up() if len(self.held) > PATIENCE_SEGMENTS or self.holding > PATIENCE_BYTES else False
        self._deliver(offset, length, wire, buffer, position, mark)
        if self.held:
            self._drain()
        return True

    @property
    def due(self) -> int:
        """Sequence number of the next byte in order."""
        assert self.base is not None
        return (self.base + self.next) & 0xFFFFFFFF

    def extend(self, run: Run, buffer: Buffer) -> None:
        """Take segments that are due, one after the other, where none is held."""
        begin = self.next
        ends = [begin + n for n in run.after]
        self.stream.extend([begin, *ends[:-1]], ends, buffer, run.positions, run.packets, run.times)
        self.next = ends[-1]
        self.bytes += ends[-1] - begin

    def _deliver(self, offset: int, length: int, wire: int, buffer: Buffer, position: int, mark: Mark) -> None:
        skip = self.next - offset
        if length > skip:
            self.stream.append(self.next, buffer, position + skip, length - skip, mark)
            self.bytes += length - skip
        self.next = offset + wire
        if length < wire:
            self.stream.cut = self.next

    def _drain(self) -> None:
        held = self.held
        while held and held[0][0] <= self.next:
            segment = held.pop(0)
            self.holding -= segment[1]
            if segment[0] + segment[2] > self.next:
                self._deliver(*segment)

    def confirm(self, ack: int, time_ns: int) -> None:
        """The other side has everything up to `ack`. A hole before that is one of the capture, not of the network: no
        one will send it again. But packets that were captured out of order get some time to turn up."""
        if self.suspected is not None and self.suspected[0] == self.next:
            if time_ns - self.suspected[1] > PATIENCE_NS:
                self.give_up()
        elif self.base is not None and self.offset(ack) > self.next:
            self.suspected = self.next, time_ns

    def give_up(self) -> bool:
        """Take the hole before the held segments for a gap; True when that set bytes free."""
        if not self.held:
            return False
        self.next = max(self.next, self.held[0][0])
        self._drain()
        return True


def _by_offset(segment: tuple[int, int, int, Buffer, int, Mark]) -> int:
    return segment[0]
