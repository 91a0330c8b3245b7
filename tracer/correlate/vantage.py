"""The same request seen at several hops: who received it last, and who passed the answer on.

Two exchanges are one request at two hops when the inner one runs within the outer one's time and asks for the
same thing, and one of: a request id or trace context in both; the inner one's client is the outer one's server.
Only the second holds within one source; across sources an id is asked for, or all that hops pass on.
"""

from __future__ import annotations

import re
from array import array
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from typing import Protocol

from tracer.model.http import Exchange

from .columns import NEVER, SEEKS, host_of
from .exchanges import Exchanges
from .request_ids import ids_of, original_of, path_of_target, sought_by

SLACK_NS = 2_000_000
CLOCKS_NS = 20_000_000
"""what is left of the clocks' difference between two sources"""
DEPTH = 16
LOOK_BACK = 64
SWEEP = 4096
"""exchanges after which those that are over are let go"""


def client_of(exchange: Exchange) -> str:
    """Address of who asked, as the packets show it."""
    return exchange.client or ""


def server_of(exchange: Exchange) -> str:
    """Address of who answered, as the packets show it."""
    return exchange.server or ""


class Copied(Protocol):
    """Copies of one exchange in several sources, and how far their clocks are apart."""

    ahead: dict[str, int]
    handed: dict[str, str]

    def of(self, exchange: Exchange) -> list[Exchange]: ...


class Hops:
    """Which exchange was made to answer which other one.

    Columns tell which exchanges can be either; they alone are looked at whole, in time order.
    """

    def __init__(self, exchanges: Exchanges, copies: Copied | None = None) -> None:
        self._exchanges = exchanges
        self._copies = copies
        self.passing: set[tuple[str, str]] = set()
        """(source, address) of servers that were seen to ask others for what they were asked"""
        self.sources: set[str] = set()
        """those that show hops"""
        handed = copies.handed if copies is not None else {}
        self._of_handed = handed.keys() | set(handed.values())
        candidates = _candidates(exchanges, self._of_handed)
        none = array("i", [-1]) * (len(exchanges) if candidates else 0)
        self._outer, self._first, self._last, self._next = none, none[:], none[:], none[:]
        """by position: the exchange it was made to answer; the first and last made to answer it; the next of those"""
        ahead = [copies.ahead[source] if copies is not None else 0 for source in exchanges.sources]
        self._match(sorted(candidates, key=lambda p: exchanges.start[p] - ahead[exchanges.source[p]]))

    def _match(self, candidates: Iterable[int]) -> None:
        waiting: dict[str, deque[tuple[int, Exchange]]] = defaultdict(lambda: deque(maxlen=LOOK_BACK))
        for count, position in enumerate(candidates):
            exchange = self._exchanges[position]
            if exchange.request is None:
                continue
            sought, answered = _keys(exchange)
            if exchange.id in self._of_handed and self._copies is not None:
                sought, answered = (
                    (*sought, f"of {self._copies.handed.get(exchange.id)}"),
                    (*answered, f"of {exchange.id}"),
                )
            found = [w for key in sought if key in waiting for w in waiting[key]]
            outer = max(
                ((p, o) for p, o in found if self._runs_within(exchange, o) and self._is_one_hop_deeper(exchange, o)),
                key=lambda w: (_path(w[1]) == _path(exchange), self._start(w[1])),
                default=None,
            )
            if outer is not None:
                self._note(position, *outer)
            for key in answered:
                waiting[key].append((position, exchange))
            if count % SWEEP == SWEEP - 1:
                now = self._start(exchange)
                for key in [k for k, row in waiting.items() if all(self._is_over(o, now) for _, o in row)]:
                    del waiting[key]

    def _note(self, position: int, at: int, outer: Exchange) -> None:
        self._outer[position] = at
        if self._last[at] < 0:
            self._first[at] = position
        else:
            self._next[self._last[at]] = position
        self._last[at] = position
        self.sources.add(outer.source)
        if outer.server:
            self.passing.add((outer.source, outer.server))

    def _inner_of(self, exchange: Exchange) -> Iterator[int]:
        """Positions of the exchanges one hop deeper that were made to answer it, in time order."""
        position = self._first[self._exchanges.position(exchange)] if self._first else -1
        while position >= 0:
            yield position
            position = self._next[position]

    def _outer_of(self, exchange: Exchange) -> int:
        return self._outer[self._exchanges.position(exchange)] if self._outer else -1

    def _is_over(self, outer: Exchange, now: int) -> bool:
        """Nothing that begins from now on can have been asked to answer it."""
        end = outer.timing.end_ns
        return end is not None and end - self._ahead(outer) + CLOCKS_NS < now

    def _is_one_hop_deeper(self, exchange: Exchange, outer: Exchange) -> bool:
        assert exchange.request is not None
        assert outer.request is not None
        if exchange.source == outer.source and _asks_whether(exchange, outer):
            return not self._same_ends(exchange, outer)
        if exchange.request.method != outer.request.method or not _asks_the_same(exchange, outer):
            return False
        if exchange.source == outer.source:
            asker, answerer = client_of(exchange), server_of(outer)
            if host_of(asker) == host_of(answerer) != "":
                return asker != client_of(outer) and not self._same_ends(exchange, outer)
            if _path(exchange) == _path(outer) and _names_as_client(exchange, host_of(client_of(outer))):
                return not self._same_ends(exchange, outer)
        elif self._copies is not None and any(c.id == outer.id for c in self._copies.of(exchange)):
            return False
        elif self._was_handed_on(exchange, outer) or self._same_bytes_passed_on(exchange, outer):
            return True
        same = set(ids_of(exchange.request)) & set(ids_of(outer.request))
        return bool(same) and exchange.server != outer.server

    def _was_handed_on(self, exchange: Exchange, outer: Exchange) -> bool:
        return self._copies is not None and self._copies.handed.get(exchange.id) == outer.id

    def _same_bytes_passed_on(self, exchange: Exchange, outer: Exchange) -> bool:
        """In two sources, without an id: asked by the very hop that was asked, or for that client, and the answer
        has the same status and the same body."""
        a, b = exchange.response, outer.response
        if a is None or b is None or a.status != b.status or not a.body.size == b.body.size > 0:
            return False
        if a.body.data is not None and b.body.data is not None and a.body.data != b.body.data:
            return False
        asker, answerer = host_of(client_of(exchange)), host_of(server_of(outer))
        if asker == answerer != "":
            return not self._same_ends(exchange, outer)
        return _path(exchange) == _path(outer) and _names_as_client(exchange, host_of(client_of(outer)))

    def _start(self, exchange: Exchange) -> int:
        return (exchange.timing.start_ns or 0) - self._ahead(exchange)

    def _ahead(self, exchange: Exchange) -> int:
        return self._copies.ahead[exchange.source] if self._copies is not None else 0

    def _runs_within(self, exchange: Exchange, outer: Exchange) -> bool:
        if outer.connection == exchange.connection and outer.connection is not None:
            return False
        if outer.timing.start_ns is None or exchange.timing.start_ns is None:
            return False
        slack = 0 if exchange.source == outer.source else CLOCKS_NS
        start = self._start(exchange)
        if start < self._start(outer) - slack:
            return False
        end = outer.timing.end_ns
        return end is None or start <= end - self._ahead(outer) + max(slack, SLACK_NS)

    def _same_ends(self, a: Exchange, b: Exchange) -> bool:
        """Both between the same hosts: two requests of one client, not two hops."""
        return host_of(client_of(a)) == host_of(client_of(b)) and server_of(a) == server_of(b)

    def deeper(self, exchange: Exchange) -> list[Exchange]:
        """The same denial one hop deeper, two hops deeper, …: of several tries each time the last."""
        found: list[Exchange] = []
        here = exchange
        while len(found) < DEPTH:
            inner = [e for e in self.asked_for(here) if e.response is None or e.response.status >= 400]
            answered = [e for e in inner if e.response is not None]
            if not answered:
                break
            here = answered[-1]
            found.append(here)
        return found

    def asked_for(self, exchange: Exchange) -> list[Exchange]:
        """What was asked one hop deeper to answer it, as any source saw it, in time order."""
        copies = self._copies_of(exchange)
        found = [self._exchanges[p] for p in dict.fromkeys(p for c in copies for p in self._inner_of(c))]
        return found if len(copies) == 1 else sorted(found, key=self._start)

    def asked_by(self, exchange: Exchange) -> Exchange | None:
        """The exchange one hop nearer to the client that it was made to answer."""
        outer = next((p for c in self._copies_of(exchange) if (p := self._outer_of(c)) >= 0), -1)
        return self._exchanges[outer] if outer >= 0 else None

    def depth(self, exchange: Exchange) -> int:
        """How many hops were seen to pass the request on before it came to this one."""
        hops = 0
        while hops < DEPTH and (outer := self.asked_by(exchange)) is not None:
            exchange, hops = outer, hops + 1
        return hops

    def _copies_of(self, exchange: Exchange) -> list[Exchange]:
        return self._copies.of(exchange) if self._copies is not None else [exchange]


class _Some:
    """A set of hashes in two megabytes, that may seem to hold a few more than were put in."""

    def __init__(self) -> None:
        self._bits = bytearray(1 << 21)

    def add(self, number: int) -> None:
        self._bits[number >> 3 & 0x1FFFFF] |= 1 << (number & 7)

    def __contains__(self, number: int) -> bool:
        return bool(self._bits[number >> 3 & 0x1FFFFF] >> (number & 7) & 1)


def _candidates(exchanges: Exchanges, handed: Collection[str]) -> array[int]:
    """Positions of those that may have been made to answer another one, and of those that they may have answered."""
    hosts = {host for _, host in exchanges.askers} & {host_of(server) for server in exchanges.servers} - {""}
    asks = {number for (_, host), number in exchanges.askers.items() if host in hosts}
    answers = {number for server, number in exchanges.servers.items() if host_of(server) in hosts}
    named = _with_an_id_again(exchanges)
    if handed:
        for position in range(len(exchanges)):
            named[position] |= exchanges.name(position) in handed
    targets = _Some()
    for target in exchanges.sought:
        targets.add(target)
    if not (hosts or any(named) or exchanges.sought):
        return array("I")
    tied = (again or flags & SEEKS for again, flags in zip(named, exchanges.flags, strict=True))
    rows = zip(exchanges.start, exchanges.asker, exchanges.server, tied, exchanges.target, strict=True)
    return array(
        "I",
        (
            position
            for position, (start, asker, server, known, target) in enumerate(rows)
            if start != NEVER and (known or asker in asks or server in answers or target in targets)
        ),
    )


def _with_an_id_again(exchanges: Exchanges) -> bytearray:
    """By position, whether it carries an id that another one carries too."""
    once, again, found = _Some(), _Some(), bytearray(len(exchanges))
    for name in exchanges.ids:
        (again if name in once else once).add(name)
    for name, owner in zip(exchanges.ids, exchanges.owners, strict=True):
        found[owner] |= name in again
    return found


def _keys(exchange: Exchange) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(what its outer exchange may be found by, what inner ones find it by)."""
    assert exchange.request is not None
    ids = ids_of(exchange.request)
    path = f"path {_path(exchange)}"
    asker, answerer = host_of(client_of(exchange)), host_of(server_of(exchange))
    meant = sought_by(exchange.request)
    sought = (asker, *ids, f"path {meant}" if meant else "")
    return tuple(key for key in sought if key), (answerer, *ids, path)


def _path(exchange: Exchange) -> str:
    assert exchange.request is not None
    return path_of_target(exchange.request)


def _asks_the_same(inner: Exchange, outer: Exchange) -> bool:
    """The same path, a prefix put before it or taken off, or the very same answer."""
    here, there = _path(inner), _path(outer)
    if here == there or here.endswith(there) or there.endswith(here):
        return True
    a, b = inner.response, outer.response
    return a is not None and b is not None and a.status == b.status >= 400 and a.body.size == b.body.size > 0


def _names_as_client(exchange: Exchange, host: str) -> bool:
    """The hop that sent it says for whom: X-Forwarded-For, Forwarded (RFC 7239)."""
    assert exchange.request is not None
    said = ",".join([*exchange.request.get_all("x-forwarded-for"), *exchange.request.get_all("forwarded")])
    return bool(host) and host.strip("[]") in re.split(r'[\s,;="\[\]]+', said)


def _asks_whether(inner: Exchange, outer: Exchange) -> bool:
    """A gateway asks another server whether that client's request may pass."""
    assert inner.request is not None
    return original_of(inner.request) == _path(outer) and _names_as_client(inner, host_of(client_of(outer)))
