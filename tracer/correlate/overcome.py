"""Denials that the same client then got past with the same request: steps of a chain, no verdicts."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection

from .columns import NEVER
from .exchanges import Exchanges

ASKED = frozenset({401, 407})
"""statuses that ask for credentials: whatever passes later, they were part of the talk"""
WITHIN_NS = 120 * 10**9
"""another denial is overcome only by a retry that comes as soon"""


def overcome(exchanges: Exchanges, denied: Collection[int]) -> set[int]:
    """Positions of the denials that were followed by an answer below 400 to the same client, method and URL.

    Where the same request had passed shortly before as well, denials come and go: those stay.
    """
    refused = {exchanges.asked[p] for p in denied}
    passed: dict[int, array[int]] = {}
    for asked, status, start in zip(exchanges.asked, exchanges.status, exchanges.start, strict=True):
        if 0 <= status < 400 and start != NEVER and asked in refused:
            passed.setdefault(asked, array("q")).append(start)
    return {p for p in denied if _is_overcome(exchanges.status[p], exchanges.start[p], passed.get(exchanges.asked[p]))}


def _is_overcome(status: int, start: int, passed: array[int] | None) -> bool:
    """`passed`: when the same request passed, in time order."""
    if passed is None or start == NEVER:
        return False
    at = bisect_left(passed, start)
    if status in ASKED:
        return at < len(passed)
    soon = bisect_right(passed, start + WITHIN_NS) > at
    return soon and bisect_left(passed, start - WITHIN_NS) == at
