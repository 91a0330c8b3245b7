"""Other exchanges with the host that denied: what a denial is compared with."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from tracer.model.http import Exchange

NEAR = 48
"""exchanges before and after that are looked through"""
MOST = 24
"""siblings of one denial"""


class Siblings:
    """For each host that denied something, its exchanges in time order."""

    def __init__(self, exchanges: Sequence[Exchange], denied: Iterable[Exchange]) -> None:
        wanted = {_place(e) for e in denied}
        self._of: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
        self._at: dict[str, int] = {}
        self._same: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        self._folders: dict[tuple[str, str], list[str]] = defaultdict(list)
        """of each exchange of `_of` the path up to its last slash"""
        for exchange in exchanges if wanted else ():
            place = _place(exchange)
            if place in wanted and exchange.response is not None:
                group = self._of[place]
                self._at[exchange.id] = len(group)
                path = path_of(exchange)
                self._same[*place, path].append(len(group))
                self._folders[place].append(path.rpartition("/")[0])
                group.append(exchange)

    def of(self, exchange: Exchange, *, same_server: bool) -> tuple[Exchange, ...]:
        """Those with the same path first, then those near in time; at most MOST, in time order."""
        at, place = self._at.get(exchange.id), _place(exchange)
        if at is None:
            return ()
        group = self._of[place]
        alike = self._same[*place, path_of(exchange)]
        middle = bisect_left(alike, at)
        near = sorted(range(max(0, at - NEAR), min(len(group), at + NEAR)), key=lambda p: abs(p - at))
        folders = self._folders[place]
        akin = [p for p in near if folders[p] == folders[at]]
        chosen: dict[int, None] = {}
        for position in [*reversed(alike[max(0, middle - MOST) : middle]), *alike[middle : middle + 8], *akin, *near]:
            other = group[position]
            if position != at and (not same_server or other.server == exchange.server):
                chosen[position] = None
            if len(chosen) == MOST:
                break
        return tuple(group[p] for p in sorted(chosen))


def path_of(exchange: Exchange) -> str:
    """Path of the request without its query."""
    return _path_in(exchange.request.url) if exchange.request else "/"


@lru_cache(65_536)  # neighbours are asked again and again
def _path_in(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2].partition("#")[0].partition("?")[0]


def _place(exchange: Exchange) -> tuple[str, str]:
    url = exchange.request.url if exchange.request else ""
    return exchange.source, url.partition("://")[2].partition("/")[0].lower()
