"""The same request seen at several hops: who received it last, and who passed the answer on.

Two exchanges are one request at two hops when the inner one runs within the outer one's time and asks for the
same thing, and one of: a request id or trace context in both; the inner one's client is the outer one's server.
Only the second holds within one source; across sources an id is asked for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from typing import Protocol

from tracer.model.http import Exchange
from tracer.model.http import text as as_text

IDS = ("x-request-id", "traceparent", "x-correlation-id", "x-amzn-trace-id", "cf-ray", "x-b3-traceid", "x-trace-id")
ORIGINAL = ("x-forwarded-uri", "x-original-uri", "x-original-url")
"""fields in which a gateway that asks whether a request may pass says which one it means (Traefik, Caddy, nginx)"""
_NAMES = {name.encode(): name for name in (*IDS, *ORIGINAL, "x-forwarded-for", "forwarded")}
_TRACE = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}|Root=([\w-]+)")
SLACK_NS = 2_000_000
CLOCKS_NS = 20_000_000
"""what is left of the clocks' difference between two sources"""
DEPTH = 16
LOOK_BACK = 64


def client_of(exchange: Exchange) -> str:
    """Address of who asked, as the packets show it."""
    return exchange.client or ""


def server_of(exchange: Exchange) -> str:
    """Address of who answered, as the packets show it."""
    return exchange.server or ""


def host_of(address: str | None) -> str:
    """The address without its port."""
    return address.rpartition(":")[0] if address else ""


class Copied(Protocol):
    """Copies of one exchange in several sources, and how far their clocks are apart."""

    ahead: dict[str, int]

    def of(self, exchange: Exchange) -> list[Exchange]: ...


class Hops:
    """Which exchange was made to answer which other one."""

    def __init__(self, exchanges: Iterable[Exchange], copies: Copied | None = None) -> None:
        self._copies = copies
        self.inner: dict[str, list[Exchange]] = {}
        """exchange id -> the exchanges one hop deeper that were made to answer it, in time order"""
        self.outer: dict[str, Exchange] = {}
        waiting: dict[str, deque[Exchange]] = defaultdict(lambda: deque(maxlen=LOOK_BACK))
        known = [e for e in exchanges if e.request is not None and e.timing.start_ns is not None]
        keys = {e.id: self._keys(e) for e in known}
        often = Counter(name for _, answered in keys.values() for name in answered[1:-1])
        asked_for = {key for asked, _ in keys.values() for key in asked if key and often.get(key, 2) > 1}
        for exchange in sorted(known, key=self._start):
            sought, answered = keys[exchange.id]
            candidates = [w for key in sought if key in waiting for w in waiting[key]]
            outer = max(
                (o for o in candidates if self._runs_within(exchange, o) and self._is_one_hop_deeper(exchange, o)),
                key=lambda o: (_path(o) == _path(exchange), self._start(o)),
                default=None,
            )
            if outer is not None:
                self.inner.setdefault(outer.id, []).append(exchange)
                self.outer[exchange.id] = outer
            for key in answered:
                if key in asked_for:  # nobody comes for the others
                    waiting[key].append(exchange)

    def _keys(self, exchange: Exchange) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(what its outer exchange may be found by, what inner ones find it by)."""
        ids, for_whom, original = _named(exchange)
        path = f"path {_path(exchange)}"
        asker, answerer = host_of(client_of(exchange)), host_of(server_of(exchange))
        meant = [f"path {original}"] if original else [path] if for_whom else []
        return (asker, *ids, *meant), (answerer, *ids, path)

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
        elif self._same_bytes_passed_on(exchange, outer):
            return True
        return bool(set(_ids(exchange)) & set(_ids(outer))) and exchange.server != outer.server

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
        found = {e.id: e for c in copies for e in self.inner.get(c.id, ())}
        return list(found.values()) if len(copies) == 1 else sorted(found.values(), key=self._start)

    def asked_by(self, exchange: Exchange) -> Exchange | None:
        """The exchange one hop nearer to the client that it was made to answer."""
        return next((self.outer[c.id] for c in self._copies_of(exchange) if c.id in self.outer), None)

    def depth(self, exchange: Exchange) -> int:
        """How many hops were seen to pass the request on before it came to this one."""
        hops = 0
        while hops < DEPTH and (outer := self.asked_by(exchange)) is not None:
            exchange, hops = outer, hops + 1
        return hops

    def _copies_of(self, exchange: Exchange) -> list[Exchange]:
        return self._copies.of(exchange) if self._copies is not None else [exchange]


def _path(exchange: Exchange) -> str:
    """Path of the request, however the target was written, without its query."""
    assert exchange.request is not None
    return _without_query(exchange.request.target)


def _without_query(target: str) -> str:
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.partition("?")[0]


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


def _ids(exchange: Exchange) -> list[str]:
    """Request ids and trace contexts that it carries, each with the name of its field."""
    return _named(exchange)[0]


def _of_the_whole(value: str) -> str:
    """The part of a trace context that all hops keep: trace-id (W3C Trace Context section 3.2.2.3), X-Ray's Root."""
    hit = _TRACE.search(value)
    return hit[1] or hit[2] if hit else value


def _asks_whether(inner: Exchange, outer: Exchange) -> bool:
    """A gateway asks another server whether that client's request may pass."""
    original = _named(inner)[2]
    return original == _path(outer) and _names_as_client(inner, host_of(client_of(outer)))


def _named(exchange: Exchange) -> tuple[list[str], bool, str]:
    """(its request ids and trace contexts, each with the name of its field; whether it says for whom it asks; the path
    that it asks about, where that is not its own)."""
    assert exchange.request is not None
    ids, for_whom, original = [], False, ""
    for raw, value in exchange.request.headers:  # once over every request of the trace: no look-up field by field
        name = _NAMES.get(raw.lower())
        if name in IDS and len(value) >= 8:
            ids.append(f"{name}:{_of_the_whole(as_text(value))}")
        elif name in ORIGINAL:
            original = _without_query(as_text(value))
        elif name is not None and value:
            for_whom = for_whom or name not in IDS
    return ids, for_whom, original
