"""The same request seen at several hops: who received it last, and who passed the answer on.

Two exchanges are one request at two hops when the inner one runs within the outer one's time and asks for the
same thing, and one of: a request id or trace context in both; the inner one's client is the outer one's server.
Only the second holds within one source; across sources an id is asked for.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.http import text as as_text

IDS = ("x-request-id", "traceparent", "x-correlation-id", "x-amzn-trace-id", "cf-ray", "x-b3-traceid", "x-trace-id")
_NAMES = {name.encode(): name for name in (*IDS, "x-forwarded-for", "forwarded")}
SLACK_NS = 2_000_000
DEPTH = 16
LOOK_BACK = 64


def host_of(address: str | None) -> str:
    """The address without its port."""
    return address.rpartition(":")[0] if address else ""


class Ends:
    """Who really talked to whom: a PROXY header, CONNECT or SOCKS names other endpoints than the packets do."""

    def __init__(self, connections: Iterable[Connection]) -> None:
        self._outer = {c.id: c.outer.split(">", 1) for c in connections if c.outer and ">" in c.outer}

    def client(self, exchange: Exchange) -> str:
        outer = self._outer.get(exchange.connection or "")
        return outer[0] if outer else exchange.client or ""

    def server(self, exchange: Exchange) -> str:
        return self.server_of(exchange.connection, exchange.server)

    def server_of(self, connection: str | None, named: str | None) -> str:
        """The server's address of a connection; `named` is what headers and tunnels say."""
        outer = self._outer.get(connection or "")
        return outer[1] if outer else named or ""


class Hops:
    """Which exchange was made to answer which other one."""

    def __init__(self, exchanges: Iterable[Exchange], ends: Ends) -> None:
        self.ends = ends
        self.inner: dict[str, list[Exchange]] = {}
        """exchange id -> the exchanges one hop deeper that were made to answer it, in time order"""
        self.outer: dict[str, Exchange] = {}
        waiting: dict[str, deque[Exchange]] = defaultdict(lambda: deque(maxlen=LOOK_BACK))
        known = [e for e in exchanges if e.request is not None and e.timing.start_ns is not None]
        for exchange in sorted(known, key=lambda e: e.timing.start_ns or 0):
            ids, for_whom = _named(exchange)
            path = f"path {_path(exchange)}"
            sought = (host_of(ends.client(exchange)), *ids, *([path] if for_whom else []))
            candidates = [w for key in sought if key in waiting for w in waiting[key]]
            outer = max(
                (o for o in candidates if _runs_within(exchange, o) and self._is_one_hop_deeper(exchange, o)),
                key=lambda o: (_path(o) == _path(exchange), o.timing.start_ns or 0),
                default=None,
            )
            if outer is not None:
                self.inner.setdefault(outer.id, []).append(exchange)
                self.outer[exchange.id] = outer
            for key in (host_of(ends.server(exchange)), *ids, path):
                if key:
                    waiting[key].append(exchange)

    def _is_one_hop_deeper(self, exchange: Exchange, outer: Exchange) -> bool:
        assert exchange.request is not None
        assert outer.request is not None
        if exchange.request.method != outer.request.method or not _asks_the_same(exchange, outer):
            return False
        if exchange.source == outer.source:
            asker, answerer = self.ends.client(exchange), self.ends.server(outer)
            if host_of(asker) == host_of(answerer) != "":
                return asker != self.ends.client(outer) and not self._same_ends(exchange, outer)
            if _path(exchange) == _path(outer) and _names_as_client(exchange, host_of(self.ends.client(outer))):
                return not self._same_ends(exchange, outer)
        return bool(set(_ids(exchange)) & set(_ids(outer))) and exchange.server != outer.server

    def _same_ends(self, a: Exchange, b: Exchange) -> bool:
        """Both between the same hosts: two requests of one client, not two hops."""
        ends = self.ends
        return host_of(ends.client(a)) == host_of(ends.client(b)) and ends.server(a) == ends.server(b)

    def deeper(self, exchange: Exchange) -> list[Exchange]:
        """The same denial one hop deeper, two hops deeper, …: of several tries each time the last."""
        found: list[Exchange] = []
        here = exchange
        while len(found) < DEPTH:
            inner = [e for e in self.inner.get(here.id, ()) if e.response is None or e.response.status >= 400]
            answered = [e for e in inner if e.response is not None]
            if not answered:
                break
            here = answered[-1]
            found.append(here)
        return found

    def depth(self, exchange: Exchange) -> int:
        """How many hops were seen to pass the request on before it came to this one."""
        hops = 0
        while exchange.id in self.outer and hops < DEPTH:
            exchange = self.outer[exchange.id]
            hops += 1
        return hops


def _path(exchange: Exchange) -> str:
    """Path of the request, however the target was written, without its query."""
    assert exchange.request is not None
    target = exchange.request.target
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


def _runs_within(exchange: Exchange, outer: Exchange) -> bool:
    if outer.connection == exchange.connection and outer.connection is not None:
        return False
    begin, end = outer.timing.start_ns, outer.timing.end_ns
    start = exchange.timing.start_ns
    if begin is None or start is None or start < begin:
        return False
    return end is None or start <= end + SLACK_NS


def _names_as_client(exchange: Exchange, host: str) -> bool:
    """The hop that sent it says for whom: X-Forwarded-For, Forwarded (RFC 7239)."""
    assert exchange.request is not None
    said = ",".join([*exchange.request.get_all("x-forwarded-for"), *exchange.request.get_all("forwarded")])
    return bool(host) and host.strip("[]") in re.split(r'[\s,;="\[\]]+', said)


def _ids(exchange: Exchange) -> list[str]:
    """Request ids and trace contexts that it carries, each with the name of its field."""
    return _named(exchange)[0]


def _named(exchange: Exchange) -> tuple[list[str], bool]:
    """(its request ids and trace contexts, each with the name of its field; whether it says for whom it asks)."""
    assert exchange.request is not None
    ids, for_whom = [], False
    for raw, value in exchange.request.headers:  # once over every request of the trace: no look-up field by field
        name = _NAMES.get(raw.lower())
        if name in IDS and len(value) >= 8:
            ids.append(f"{name}:{as_text(value)}")
        elif name is not None and value:
            for_whom = for_whom or name not in IDS
    return ids, for_whom
