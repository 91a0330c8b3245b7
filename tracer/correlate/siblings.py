"""Other exchanges with the host that denied: what a denial is compared with."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable
from itertools import chain, zip_longest

import msgspec

from tracer.model.http import Exchange

from .columns import NEVER
from .exchanges import Exchanges
from .forms import Form, form_of

NEAR = 48
"""exchanges before that are looked through; one less of those after"""
AFTER = 8
"""of those with the same path, how many that came later"""
MOST = 24
"""siblings of one denial"""


class Sibling(msgspec.Struct, frozen=True):
    """An answer of that host, as columns tell of it; most are not looked at any closer."""

    known: Exchanges
    position: int
    status: int
    here: bool
    """of the path of the denial"""

    @property
    def whole(self) -> Exchange:
        return self.known[self.position]

    @property
    def form(self) -> Form:
        number = self.known.form[self.position]
        if number < 0 and (response := self.whole.response) is not None:
            return form_of(response)
        return self.known.forms[number]

    @property
    def server_host(self) -> str:
        """Address of the server, without its port."""
        return self.known.server_hosts[self.known.server[self.position]]

    @property
    def start_ns(self) -> int:
        """Nanoseconds since the epoch; 0 where it is not known."""
        start = self.known.start[self.position]
        return start if start != NEVER else 0

    @property
    def waited_ns(self) -> int | None:
        waited = self.known.waited[self.position]
        return waited if waited != NEVER else None


def _around(at: int, count: int) -> list[int]:
    """Places around that one of so many, the nearest first."""
    before, after = range(at - 1, max(at - NEAR, 0) - 1, -1), range(at + 1, min(at + NEAR, count))
    return [p for p in chain.from_iterable(zip_longest(before, after)) if p is not None]


def wholes(siblings: Iterable[Sibling]) -> list[Exchange]:
    """All of them, read together."""
    siblings = [*siblings]
    if siblings:
        siblings[0].known.fetch(s.position for s in siblings)
    return [s.whole for s in siblings]


def is_good(status: int) -> bool:
    return 200 <= status < 300


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

    def of(self, exchange: Exchange, *, same_server: bool) -> tuple[Sibling, ...]:
        """Those with the same path first, then those near in time; at most MOST, in time order."""
        known = self._exchanges
        here = known.position(exchange)
        group = self._of.get(known.place[here], array("I"))
        at = bisect_left(group, here)
        if at == len(group) or group[at] != here:
            return ()
        alike = self._same[known.place[here], known.path[here]]
        middle = bisect_left(alike, at)
        near = _around(at, len(group))
        folder, server, path = known.folder[here], known.server[here], known.path[here]
        akin = (p for p in near if known.folder[group[p]] == folder)
        chosen: dict[int, None] = {}
        same = reversed(alike[max(0, middle - MOST) : middle]), alike[middle : middle + AFTER]
        for place in chain(*same, akin, near):
            if place != at and (not same_server or known.server[group[place]] == server):
                chosen[place] = None
            if len(chosen) == MOST:
                break
        positions = [group[place] for place in sorted(chosen)]
        return tuple([Sibling(known, p, known.status[p], known.path[p] == path) for p in positions])

    def fetch(self, denials: Iterable[int]) -> None:
        """Read together what the denials there may be compared with closely: their siblings with the same path."""
        known, wanted = self._exchanges, set[int]()
        for here in denials:
            group = self._of.get(known.place[here], array("I"))
            alike = self._same[known.place[here], known.path[here]]
            middle = bisect_left(alike, bisect_left(group, here))
            wanted.update(group[at] for at in alike[max(0, middle - MOST) : middle + AFTER])
        known.fetch(wanted)
