"""Which of many words a long text can hold, told by its trigrams before any word is looked for by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_CODES = 1 << 15


class Trigrams:
    """Words in lower case, each of at least three bytes in UTF-8."""

    def __init__(self, words: Sequence[str]) -> None:
        codes = [_codes(word) for word in words]
        self._codes = np.concatenate(codes)
        self._starts = np.cumsum([0, *map(len, codes[:-1])])

    def possible(self, lower: str) -> NDArray[np.intp]:
        """Positions of the words all of whose trigrams are in the text: a few more than those that are in it."""
        there = np.zeros(_CODES, np.bool_)
        there[_codes(lower)] = True
        return np.flatnonzero(np.logical_and.reduceat(there[self._codes], self._starts))


def _codes(text: str) -> NDArray[np.intp]:
    """Five bits of each of three bytes: enough to tell letters apart, and never to miss one."""
    low = np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.intp) & 31
    return low[:-2] | (low[1:-1] << 5) | (low[2:] << 10)
