"""The same exchange in several sources: a packet capture and the browser's HAR of it, captures at both ends of a link.

Two are one exchange when request line and answer are the same and so are the ends of their connection; a source that
knows no connection (HAR, curl) takes what is nearest in time. One exchange of one source has one copy in another.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from tracer.model.http import Exchange, Response

from .columns import host_of
from .request_ids import ids_of
from .vantage import client_of, server_of
from .vantage_clock import Sight, ahead_of_first
from .vantage_handed import Content, handed_on

SLACK_NS = 2_000_000_000
FEW = 20
"""exchanges with one request line that are compared, of each source"""
SAME = (b"date", b"etag", b"last-modified", b"location", b"x-request-id", b"cf-ray", b"x-amz-request-id", b"set-cookie")
"""fields that tell answers apart; a hop that passes an answer on may change others"""
Key = tuple[str, str, int]


class Copies:
    """Which exchanges are copies of each other, and how far the clocks of the sources are apart."""

    def __init__(self, exchanges: Sequence[Exchange], content: Content | None = None) -> None:
        self._groups: dict[str, list[Exchange]] = {}
        self.handed: dict[str, str] = {}
        """id of an exchange -> id of that in another source which it was made to answer"""
        sources = [e.source for e in sorted(_first_of_each(exchanges), key=_place)]
        self.ahead: dict[str, int] = defaultdict(int)
        if len(sources) < 2:
            return
        self._order = {source: n for n, source in enumerate(sources)}
        rows = _by_request(exchanges)
        sights = [*self._lone(rows), *_with_one_id(exchanges)]
        handed = list(handed_on([*rows.values()], content))
        self.handed = {inner.id: outer.id for outer, inner in handed}
        self.ahead = ahead_of_first(sources, [*sights, *_not_by_one_clock(handed, sights)])
        for row in rows.values():
            self._pair(row)

    def of(self, exchange: Exchange) -> list[Exchange]:
        """All copies of the exchange, itself too: the client's own view first, then in the order of the sources."""
        return self._groups.get(exchange.id, [exchange])

    def start(self, exchange: Exchange) -> int:
        """Its start by the first source's clock."""
        return (exchange.timing.start_ns or 0) - self.ahead[exchange.source]

    def _lone(self, rows: dict[Key, dict[str, list[Exchange]]]) -> Iterator[Sight]:
        """Pairs that are one exchange whatever the clocks say: the answers are the same, and no other's is."""
        for row in rows.values():
            for ones, others in combinations([found[:FEW] for found in row.values()], 2):
                pairs = [
                    (a, b) for a in ones for b in others if self._same_ends(a, b) and _same_answer(a, b, surely=True)
                ]
                times = Counter(e.id for pair in pairs for e in pair)
                yield from (Sight(a, b) for a, b in pairs if times[a.id] == times[b.id] == 1)

    def _pair(self, row: dict[str, list[Exchange]]) -> None:
        """Nearest in time first, each at most once for each other source."""
        for ones, others in combinations(row.values(), 2):
            rows = self._by_ends(others)
            near = sorted(
                ((abs(self.start(a) - self.start(b)), a.id, b.id, a, b) for a in ones for b in self._near(a, rows)),
                key=lambda found: found[:3],
            )
            taken: set[str] = set()
            for _, _, _, a, b in near:
                if not taken & {a.id, b.id}:
                    taken |= {a.id, b.id}
                    self._join(a, b)

    def _by_ends(self, exchanges: Iterable[Exchange]) -> dict[str, list[Exchange]]:
        """In time order: all (under the empty name), those of each client's port, those without a port (`-`)."""
        rows: dict[str, list[Exchange]] = defaultdict(list)
        for exchange in sorted(exchanges, key=self.start):
            rows[""].append(exchange)
            rows[client_of(exchange) if _port(exchange) else "-"].append(exchange)
        return rows

    def _near(self, a: Exchange, rows: dict[str, list[Exchange]]) -> Iterator[Exchange]:
        """Copies of the exchange, as far as can be told, among at most FEW in each direction of time."""
        for name in (client_of(a), "-") if _port(a) else ("",):
            row = rows.get(name, [])
            at = bisect_left(row, self.start(a), key=self.start)
            yield from (b for b in row[max(0, at - FEW) : at + FEW] if self._are_one(a, b))

    def _are_one(self, a: Exchange, b: Exchange) -> bool:
        near = abs(self.start(a) - self.start(b)) <= SLACK_NS
        return near and self._same_ends(a, b) and _same_answer(a, b, surely=not (_port(a) and _port(b)))

    def _same_ends(self, a: Exchange, b: Exchange) -> bool:
        """The same connection; for a source that knows only the server, or not even that, as far as it knows."""
        servers = server_of(a), server_of(b)
        if _port(a) and _port(b):
            return client_of(a) == client_of(b) and servers[0] == servers[1]
        return not all(servers) or host_of(servers[0]) == host_of(servers[1])

    def _join(self, a: Exchange, b: Exchange) -> None:
        group = {e.id: e for e in (*self.of(a), *self.of(b))}
        ordered = sorted(group.values(), key=lambda e: (_port(e), self._order[e.source]))
        for exchange in ordered:
            self._groups[exchange.id] = ordered


def _first_of_each(exchanges: Iterable[Exchange]) -> Iterable[Exchange]:
    return {e.source: e for e in exchanges}.values()


def _place(exchange: Exchange) -> int:
    """Of its source among those given: ids of the second one begin with `s2.`."""
    hit = re.match(r"s(\d+)\.", exchange.id)
    return int(hit[1]) if hit else 1


def _by_request(exchanges: Iterable[Exchange]) -> dict[Key, dict[str, list[Exchange]]]:
    rows: dict[Key, dict[str, list[Exchange]]] = defaultdict(lambda: defaultdict(list))
    for e in exchanges:
        if e.request is not None and e.response is not None and e.timing.start_ns is not None:
            rows[e.request.method, _target(e), e.response.status][e.source].append(e)
    return {key: row for key, row in rows.items() if len(row) > 1}


def _target(exchange: Exchange) -> str:
    """Path and query, however the target was written."""
    assert exchange.request is not None
    target = exchange.request.target.partition("#")[0]
    return "/" + target.split("://", 1)[1].partition("/")[2] if "://" in target.partition("?")[0] else target


def _port(exchange: Exchange) -> bool:
    """The source knows the connection."""
    return bool(exchange.client and exchange.client.rpartition(":")[2].isdigit())


def _same_answer(a: Exchange, b: Exchange, *, surely: bool) -> bool:
    """Nothing tells the answers apart; `surely`: and something shows that they are the same one."""
    assert a.response is not None
    assert b.response is not None
    mine, yours = _telling(a.response), _telling(b.response)
    shared = mine.keys() & yours.keys()
    if any(mine[name] != yours[name] for name in shared):
        return False
    return not surely or bool(shared)


def _telling(response: Response) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in response.headers:
        if (key := name.lower()) in SAME:
            found.setdefault(key, []).append(value)
    return found


def _not_by_one_clock(handed: Sequence[tuple[Exchange, Exchange]], sights: Iterable[Sight]) -> Iterator[Sight]:
    """Pairs of sources that nothing surer ties, and whose clocks put no inner exchange within its outer one."""
    tied = {frozenset((s.a.source, s.b.source)) for s in sights}
    tied |= {frozenset((outer.source, inner.source)) for outer, inner in handed if _is_within(outer, inner)}
    for outer, inner in handed:
        if frozenset((outer.source, inner.source)) not in tied:
            yield Sight(outer, inner)


def _is_within(outer: Exchange, inner: Exchange) -> bool:
    a, b = outer.timing, inner.timing
    starts = a.start_ns is not None and b.start_ns is not None and a.start_ns <= b.start_ns
    return starts and a.end_ns is not None and b.end_ns is not None and b.end_ns <= a.end_ns


def _with_one_id(exchanges: Iterable[Exchange]) -> Iterator[Sight]:
    """Requests that carry the same id in two sources."""
    seen: dict[str, Exchange] = {}
    for exchange in exchanges:
        for name in ids_of(exchange.request) if exchange.request is not None else ():
            other = seen.setdefault(name, exchange)
            if other.source != exchange.source:
                yield Sight(other, exchange)
