"""The same request seen at several hops: who received it last, and who passed the answer on.

Two exchanges are one request at two hops when the inner one runs within the outer one's time and asks for the
same thing, and one of: a request id or trace context in both; the inner one's client is the outer one's server.
Only the second holds within one source; across sources an id, or equal bytes in the answer, is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from tracer.model.http import Exchange

IDS = ("x-request-id", "traceparent", "x-correlation-id", "x-amzn-trace-id", "cf-ray", "x-b3-traceid", "x-trace-id")
SLACK_NS = 2_000_000


def host_of(address: str | None) -> str:
    """The address without its port."""
    return address.rpartition(":")[0] if address else ""


def inner_exchanges(exchanges: Iterable[Exchange]) -> dict[str, list[Exchange]]:
    """Exchange id -> the exchanges one hop deeper that were made to answer it, in time order."""
    groups: dict[tuple[str, str], list[Exchange]] = defaultdict(list)
    for exchange in exchanges:
        if exchange.request is not None and exchange.timing.start_ns is not None:
            groups[exchange.request.method, path_of(exchange)].append(exchange)
    inner: dict[str, list[Exchange]] = {}
    for group in groups.values():
        if len(group) > 1:
            _link(sorted(group, key=lambda e: e.timing.start_ns or 0), inner)
    return inner


def path_of(exchange: Exchange) -> str:
    """Path and query of the request, however the target was written."""
    assert exchange.request is not None
    target = exchange.request.target
    if "://" in target:
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target


def _link(group: list[Exchange], inner: dict[str, list[Exchange]]) -> None:
    for i, exchange in enumerate(group):
        best: Exchange | None = None
        for other in reversed(group[max(0, i - 64) : i]):
            if _runs_within(exchange, other) and _is_one_hop_deeper(exchange, other):
                best = other
                break
        if best is not None:
            inner.setdefault(best.id, []).append(exchange)


def _runs_within(exchange: Exchange, outer: Exchange) -> bool:
    if outer.connection == exchange.connection and outer.connection is not None:
        return False
    begin, end = outer.timing.start_ns, outer.timing.end_ns
    start = exchange.timing.start_ns
    if begin is None or start is None or start < begin:
        return False
    return end is None or start <= end + SLACK_NS


def _is_one_hop_deeper(exchange: Exchange, outer: Exchange) -> bool:
    if exchange.source == outer.source and host_of(exchange.client) == host_of(outer.server) != "":
        return exchange.client != outer.client
    return _shares_id(exchange, outer)


def _shares_id(a: Exchange, b: Exchange) -> bool:
    assert a.request is not None
    assert b.request is not None
    for name in IDS:
        mine = a.request.get(name)
        if mine and len(mine) >= 8 and mine == b.request.get(name):
            return a.server != b.server
    return False
