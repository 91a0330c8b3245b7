"""Where packets of a connection follow one another in order, so that they can be added at once."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from .half import Run

Column = NDArray[Any]


class Runs(msgspec.Struct, frozen=True):
    """The rows of a block, grouped by connection, as runs: segments of one side in order, where the other side sends
    nothing but acknowledgements meanwhile."""

    place: list[int]
    """per row: its index among the rows that are more than an acknowledgement, or that of the next one"""
    row: list[int]
    """the row of each of those"""
    stop: list[int]
    """per one of those: the index after the last one of its run"""
    total: list[int]
    """bytes before it, of all of them"""
    position: list[int]
    packet: list[int]
    time_ns: list[int]

    def at(self, i: int) -> tuple[Run, int]:
        """(what remains of the run from row `i` on, the row after it)."""
        first = self.place[i]
        stop = self.stop[first]
        before = self.total[first]
        run = Run(
            [n - before for n in self.total[first + 1 : stop + 1]],
            self.position[first:stop],
            self.packet[first:stop],
            self.time_ns[first:stop],
        )
        return run, self.row[stop - 1] + 1


def find_runs(
    key: Column,
    side: Column,
    flags: Column,
    seq: Column,
    wire: Column,
    length: Column,
    position: Column,
    packet: Column,
    time_ns: Column,
) -> Runs:
    """The runs of rows that are grouped by `key`, in capture order within one."""
    odd = (flags & 7) > 0
    row = np.flatnonzero((wire > 0) | odd)
    place = np.cumsum((wire > 0) | odd) - ((wire > 0) | odd)
    plain = ~odd[row] & (length[row] == wire[row]) & (position[row] >= 0)
    key, side, seq, size = key[row], side[row], seq[row].astype(np.uint32), wire[row].astype(np.int64)
    goes_on = np.zeros(len(row) + 1, np.bool_)
    due = (seq[:-1].astype(np.int64) + size[:-1] & 0xFFFFFFFF).astype(np.uint32)
    goes_on[1:-1] = (key[1:] == key[:-1]) & (side[1:] == side[:-1]) & (seq[1:] == due) & plain[1:] & plain[:-1]
    ends = np.flatnonzero(~goes_on[1:]) + 1
    stop = ends[np.searchsorted(ends, np.arange(len(row)), "right")] if len(row) else ends
    return Runs(
        place.tolist(),
        row.tolist(),
        stop.tolist(),
        [0, *np.cumsum(size).tolist()],
        position[row].tolist(),
        packet[row].tolist(),
        time_ns[row].tolist(),
    )
