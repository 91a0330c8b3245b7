"""Where single frames are, without remembering each: one entry for so many packets."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any, Protocol

import msgspec
import numpy as np

from .records import Record, Records
from .view import Offsets

STEP = 65536
_KEPT = 4
"""entries whose offsets stay known"""


class Locator(Protocol):
    """What both readers can do with a range they have read."""

    def locate(self, low: int, high: int, state: Any) -> tuple[Offsets, int]: ...
    def record(self, offset: int, number: int, high: int, state: Any) -> Record: ...


class _Entry(msgspec.Struct, frozen=True):
    first: int
    count: int
    low: int
    high: int
    state: Any


class Index:
    """Finds packets by number in what a reader has read so far."""

    def __init__(self, reader: Locator) -> None:
        self._reader = reader
        self._firsts: list[int] = []
        self._entries: list[_Entry] = []
        self._offsets: dict[int, Offsets] = {}

    def add(self, records: Records, high: int, state: Any) -> None:
        """Note frames that were read, none of which goes past `high`."""
        for low in range(0, len(records), STEP):
            count = min(STEP, len(records) - low)
            stop = low + count
            end = int(records.offset[stop]) if stop < len(records) else high
            self._firsts.append(records.first + low)
            self._entries.append(_Entry(records.first + low, count, int(records.offset[low]), end, state))

    def record(self, number: int) -> Record:
        """The frame with this number. Raises IndexError when it was not read."""
        place = bisect_right(self._firsts, number) - 1
        if place < 0 or number >= self._entries[place].first + self._entries[place].count:
            raise IndexError(f"no packet {number}")
        entry = self._entries[place]
        offset = int(self._locate(place)[number - entry.first])
        return self._reader.record(offset, number, entry.high, entry.state)

    def _locate(self, place: int) -> Offsets:
        """Offsets of an entry's frames. The last may be cut short, where a walk of whole records ends before it."""
        found = self._offsets.pop(place, None)
        if found is None:
            entry = self._entries[place]
            found, after = self._reader.locate(entry.low, entry.high, entry.state)
            if len(found) < entry.count:
                found = np.append(found, after)
            if len(self._offsets) >= _KEPT:
                del self._offsets[next(iter(self._offsets))]
        self._offsets[place] = found
        return found
