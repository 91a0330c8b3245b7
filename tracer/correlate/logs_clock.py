"""How far a log's clock is off the capture's: zones that were not written, clocks that go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

SECOND = 1_000_000_000
QUARTER = 15 * 60 * SECOND
"""zones differ by multiples of a quarter of an hour"""
LARGEST_ZONE = 14 * 3600 * SECOND
NEAR = 2 * SECOND
SKEW = 300 * SECOND
"""a clock that is further off is not believed on one pair's word"""


class Pair(NamedTuple):
    """An entry and a denial that may be one, time left out of account."""

    subject: str
    away_ns: int
    """the entry's time after the start of the denial"""
    zoned: bool
    sure: bool
    """an id or a port says that they are one"""


def offset(pairs: Sequence[Pair]) -> int | None:
    """Nanoseconds by which the log's clock is ahead of the capture's; None when no common offset makes sense.

    Pairs that are sure decide; else none when one fits as it is; else the offset that fits most denials.
    """
    sure = sorted(p.away_ns for p in pairs if p.sure)
    if sure:
        middle = sure[len(sure) // 2]
        return 0 if abs(middle) <= NEAR else middle
    if any(abs(p.away_ns) <= NEAR for p in pairs):
        return 0
    best = max(((_support(p.away_ns, pairs), -abs(p.away_ns), p) for p in pairs), default=None)
    if best is None:
        return None
    support, _, pair = best
    return pair.away_ns if support >= 2 or _is_plausible(pair) else None


def _support(away: int, pairs: Iterable[Pair]) -> int:
    """Denials that find an entry at this offset."""
    return len({p.subject for p in pairs if abs(p.away_ns - away) <= NEAR})


def _is_plausible(pair: Pair) -> bool:
    """A single pair: a slow clock, or a zone that was not written."""
    if abs(pair.away_ns) <= SKEW:
        return True
    rest = (pair.away_ns + QUARTER // 2) % QUARTER - QUARTER // 2
    return not pair.zoned and abs(rest) <= 5 * SECOND and abs(pair.away_ns) <= LARGEST_ZONE
