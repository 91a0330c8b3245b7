"""One direction of a connection that was captured from its first byte to its last, in one piece: what the fast ways of
the listing read. A stream that grows, or has gaps, is a `Stream`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, starmap

from .stream import Mark


class Whole:
    """The bytes, and where each came from. Offsets count from the first byte."""

    __slots__ = ("_settled", "data", "ends", "packets", "times")

    def __init__(self, data: bytes, ends: list[int], packets: list[int], times: list[int]) -> None:
        self.data = data
        self.ends = ends
        """per segment, or record, the offset after it"""
        self.packets = packets
        """per segment the packet that brought it"""
        self.times = times
        self._settled: list[Mark] | None = None

    def mark(self, pos: int) -> Mark:
        """Where the byte at `pos` came from; `pos` lies within the data."""
        i = bisect_right(self.ends, pos)
        return Mark(self.packets[i], self.times[i])

    def completed(self, pos: int) -> Mark:
        """The packet with which everything up to the byte at `pos` was there."""
        if self._settled is None:
            marks = starmap(Mark, zip(self.packets, self.times, strict=True))
            self._settled = list(accumulate(marks, _later))
        return self._settled[bisect_right(self.ends, pos)]

    def within(self, pieces: list[bytes], starts: Iterable[int]) -> Whole:
        """What these pieces make up, each of which begins at that offset of this direction in another form."""
        found = [bisect_right(self.ends, start) for start in starts]
        packets, times = self.packets, self.times
        return Whole(
            b"".join(pieces),
            list(accumulate(map(len, pieces))),
            [packets[i] for i in found],
            [times[i] for i in found],
        )


def _later(one: Mark, other: Mark) -> Mark:
    """Of marks in the order of their bytes: the one of the later packet."""
    return one if one[0] > other[0] else other
