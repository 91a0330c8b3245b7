"""Which sequence number a record has, after records that were lost: a search whose cost is bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LARGEST_RECORD = 5 + (1 << 14) + 2048
SMALLEST_RECORD = 24
"""header, content type, tag (with CCM_8 a little less)"""
BUDGET = 4096
"""numbers tried in vain on one side of a connection; every record that verifies gives one back"""
MOST = 1024
"""numbers tried for one record"""


class Search:
    """How many records may have been lost since the last one that verified."""

    __slots__ = ("budget", "high", "low")

    def __init__(self) -> None:
        self.low = 0
        """at least so many"""
        self.high = 0
        """at most so many"""
        self.budget = BUDGET

    def numbers(self, sequence: int) -> Iterable[int]:
        """Sequence numbers to try, the expected one first."""
        return self._later(sequence) if self.high else (sequence,)

    def _later(self, sequence: int) -> Iterator[int]:
        yield sequence
        first = sequence + max(self.low, 1)
        for number in range(first, min(sequence + self.high, first + MOST - 1) + 1):
            if self.budget <= 0:
                return
            self.budget -= 1
            yield number

    def found(self) -> None:
        """A record verified."""
        self.low = self.high = 0
        if self.budget < BUDGET:
            self.budget += 1

    def lost(self, size: int) -> None:
        """So many bytes of records are missing."""
        self.low += size // LARGEST_RECORD
        self.high += size // SMALLEST_RECORD + 1

    def passed(self, records: int = 1) -> None:
        """So many records were passed over; they may count or not."""
        self.high += records
