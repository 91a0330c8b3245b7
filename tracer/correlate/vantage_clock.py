"""How far the clocks of several sources disagree, from what two of them saw of the same request."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import NamedTuple

from tracer.model.http import Exchange

AGREE_NS = 1_000_000
"""clocks this near to each other need no correction"""


class Sight(NamedTuple):
    """One request that two sources saw: the same exchange, or that of the next hop."""

    a: Exchange
    b: Exchange


def ahead_of_first(sources: Iterable[str], sights: Iterable[Sight]) -> dict[str, int]:
    """{source: nanoseconds by which its clock is ahead of the first one's}; 0 where nothing ties it to others.

    What runs at the next hop lies within what runs at this one, so their middles are about the same moment, as in
    NTP's exchange of stamps (RFC 5905 section 8); the median leaves out what was matched wrongly.
    """
    away: dict[tuple[str, str], list[int]] = defaultdict(list)
    for a, b in sights:
        here, there = _middle(a), _middle(b)
        if here is not None and there is not None:
            away[a.source, b.source].append(there - here)
            away[b.source, a.source].append(here - there)
    links: dict[str, dict[str, int]] = defaultdict(dict)
    for (a_source, b_source), values in away.items():
        links[a_source][b_source] = sorted(values)[len(values) // 2]
    ahead: dict[str, int] = {}
    for source in sources:
        if source not in ahead:
            _spread(source, links, ahead)
    return ahead


def _spread(first: str, links: dict[str, dict[str, int]], ahead: dict[str, int]) -> None:
    ahead[first] = 0
    queue = deque([first])
    while queue:
        here = queue.popleft()
        for there, offset in links[here].items():
            if there not in ahead:
                total = ahead[here] + offset
                ahead[there] = total if abs(total) > AGREE_NS else 0
                queue.append(there)


def _middle(exchange: Exchange) -> int | None:
    start, end = exchange.timing.start_ns, exchange.timing.end_ns
    return None if start is None else start if end is None else (start + end) // 2
