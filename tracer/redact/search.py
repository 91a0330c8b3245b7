"""Where a text may hold any of many words: one pass over its characters, however many the words are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

GROUPS = 32
"""as many as a mask has bits"""
_PAIRS = (0, 1, 2, 4)
"""offsets of the pairs of characters by which a word is known; those that overlap keep short words apart"""
_REACH = _PAIRS[-1] + 2
_BLOCK = 1 << 18
"""characters at a time, so that what is made of them stays in the processor's cache"""


class Search:
    """Looks for words, in groups, whatever the case of their ASCII letters.

    Every place of a word is found; a place that is found may hold none, for only pairs of characters are compared.
    """

    def __init__(self, groups: Sequence[Iterable[str]]) -> None:
        assert len(groups) <= GROUPS
        self._tables = np.zeros((len(_PAIRS), 1 << 16), np.uint32)
        self._masks = [np.uint32(1 << group) for group in range(len(groups))]
        for mask, words in zip(self._masks, groups, strict=True):
            for word in words:
                self._enter(_folded(word), mask)
        self._begins = self._tables[0] != 0

    def _enter(self, word: bytes, mask: np.uint32) -> None:
        for table, at in zip(self._tables, _PAIRS, strict=True):
            pair = word[at : at + 2]
            if len(pair) == 2:
                table[pair[0] | pair[1] << 8] |= mask
            elif pair:
                table[pair[0] :: 256] |= mask  # whatever comes second
            else:
                table |= mask

    def places(self, text: str) -> list[list[int]]:
        """For each group the offsets, ascending, at which one of its words may begin."""
        found: list[list[int]] = [[] for _ in self._masks]
        folded = _folded(text) + bytes(_REACH)
        for begin in range(0, len(text), _BLOCK):
            size = min(_BLOCK, len(text) - begin)
            block = memoryview(folded)[begin : begin + size + _REACH]
            pairs = np.ndarray((len(block) - 1,), "<u2", block, strides=(1,))
            at = np.flatnonzero(self._begins[pairs[:size]])
            masks = self._tables[0][pairs[at]]
            for table, step in zip(self._tables[1:], _PAIRS[1:], strict=True):
                masks &= table[pairs[at + step]]
            at, masks = at[masks != 0] + begin, masks[masks != 0]
            present = int(np.bitwise_or.reduce(masks))
            for group, mask in enumerate(self._masks):
                if present & int(mask):
                    found[group] += at[masks & mask != 0].tolist()
        return found


def runs(text: str, least: int) -> list[tuple[int, int]]:
    """Where runs of at least so many of the characters of tokens (letters, digits, `_`, `-`) begin and end."""
    folded = b"\1" + text.encode("latin-1", "replace").translate(_OUTSIDE_TOKENS) + b"\1"
    gaps = np.flatnonzero(np.frombuffer(folded, np.uint8))
    long = np.flatnonzero(np.diff(gaps) > least)
    return list(zip(gaps[long].tolist(), (gaps[long + 1] - 1).tolist(), strict=True))


_OUTSIDE_TOKENS = bytes(not (chr(c).isalnum() or c in b"_-") or c > 127 for c in range(256))


def _folded(text: str) -> bytes:
    """One byte a character, ASCII letters in lower case."""
    return text.encode("latin-1", "replace").lower()
