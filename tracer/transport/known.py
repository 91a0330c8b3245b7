"""Connections known from earlier blocks: how far each was read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .columns import among

FORGET_NS = 120 * 1_000_000_000
"""how long an ended connection is remembered, so that late copies of its packets are no news"""
IDLE_NS = 900 * 1_000_000_000
MOST = 1 << 18


class Known:
    """Connections by key, ascending: arrays of equal length."""

    def __init__(
        self,
        key: NDArray[np.uint64] | None = None,
        base: NDArray[np.uint32] | None = None,
        swapped: NDArray[np.bool_] | None = None,
        ended: NDArray[np.bool_] | None = None,
        time_ns: NDArray[np.int64] | None = None,
    ) -> None:
        self.key = np.empty(0, np.uint64) if key is None else key
        self.base = np.empty((0, 2), np.uint32) if base is None else base
        """sequence numbers of the next unread bytes of client and server"""
        self.swapped = np.empty(0, np.bool_) if swapped is None else swapped
        self.ended = np.empty(0, np.bool_) if ended is None else ended
        self.time_ns = np.empty(0, np.int64) if time_ns is None else time_ns
        """when it was last heard of"""

    def __len__(self) -> int:
        return len(self.key)

    def find(self, key: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Index of each key, or -1."""
        if not len(self.key):
            return np.full(len(key), -1, np.int64)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[at] == key, at, -1)

    def without(self, key: NDArray[np.uint64], now: int) -> Known:
        """The ones whose key is not in `key` and that were heard of recently."""
        age = now - self.time_ns
        keep = ~among(self.key, key) & (age < np.where(self.ended, FORGET_NS, IDLE_NS))
        return self._pick(np.flatnonzero(keep))

    def joined(self, other: Known) -> Known:
        """Both together; the keys differ. Past the limit the longest silent ones are forgotten."""
        both = Known(
            np.concatenate((self.key, other.key)),
            np.concatenate((self.base, other.base)),
            np.concatenate((self.swapped, other.swapped)),
            np.concatenate((self.ended, other.ended)),
            np.concatenate((self.time_ns, other.time_ns)),
        )
        if len(both) > MOST:
            both = both._pick(np.argsort(both.time_ns)[-MOST:])
        return both._pick(np.argsort(both.key))

    def _pick(self, rows: NDArray[np.int64]) -> Known:
        return Known(self.key[rows], self.base[rows], self.swapped[rows], self.ended[rows], self.time_ns[rows])
