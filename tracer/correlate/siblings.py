"""Other exchanges with the host that denied: what a denial is compared with."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection

from tracer.model.http import Exchange

from .exchanges import Exchanges

NEAR = 48
"""exchanges before and after that are looked through"""
MOST = 24
"""siblings of one denial"""


class Siblings:
    """For each host that denied something, its exchanges in time order."""

    def __init__(self, exchanges: Exchanges, denied: Collection[int]) -> None:
        self._exchanges = exchanges
        self._of = exchanges.of_places({exchanges.place[p] for p in denied})
        self._same: dict[tuple[int, int], array[int]] = defaultdict(lambda: array("I"))
        """of each host and path that denied: places within `_of`"""
        wanted = {(exchanges.place[p], exchanges.path[p]) for p in denied}
        for place, group in self._of.items():
            for at, position in enumerate(group):
                key = place, exchanges.path[position]
                if key in wanted:
                    self._same[key].append(at)

    def of(self, exchange: Exchange, *, same_server: bool) -> tuple[Exchange, ...]:
        """Those with the same path first, then those near in time; at most MOST, in time order."""
        known = self._exchanges
        here = known.position(exchange)
        group = self._of.get(known.place[here], array("I"))
        at = bisect_left(group, here)
        if at == len(group) or group[at] != here:
            return ()
        alike = self._same[known.place[here], known.path[here]]
        middle = bisect_left(alike, at)
        near = sorted(range(max(0, at - NEAR), min(len(group), at + NEAR)), key=lambda p: abs(p - at))
        akin = [p for p in near if known.folder[group[p]] == known.folder[here]]
        chosen: dict[int, None] = {}
        for place in [*reversed(alike[max(0, middle - MOST) : middle]), *alike[middle : middle + 8], *akin, *near]:
            if place != at and (not same_server or known.server[group[place]] == known.server[here]):
                chosen[place] = None
            if len(chosen) == MOST:
                break
        return tuple(known[group[p]] for p in sorted(chosen))
