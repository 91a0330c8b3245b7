"""The next hop's exchange in another source, where nothing was seen twice: told by bytes and by the servers' time.

Captures of two machines that are no neighbours share no connection, a NAT between them changes the addresses, and
their clocks may be hours apart. What stays is what hops pass on: method, target, status and page, the fields that
nobody rewrites, and Date, which a server wrote by its own clock (RFC 9110 section 6.6.1). Two exchanges are one
request only when all of these agree and no other exchange of either source is alike; several that are alike are
taken in order when there are as many on both sides, and the clocks are as far apart each time.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from tracer.model.http import Body, Exchange, Request, Response

from .columns import host_of
from .moments import http_date

PASSED_ON = ("user-agent", "authorization", "cookie", "referer", "origin", "content-type", "range", "accept-language")
"""request fields that hops leave as they are, or leave out"""
DENIED = 400
DATES_S = 2.0
"""a hop that dates the answer anew does so within this"""
APART_NS = 100_000_000
"""how far pairs in order may disagree about the clocks"""
FEW = 20
Content = Callable[[str, Body], bytes | None]


def handed_on(
    rows: Sequence[dict[str, list[Exchange]]], content: Content | None
) -> Iterator[tuple[Exchange, Exchange]]:
    """(outer, inner) of each request that one source saw at one hop and another source deeper.

    Each row holds the exchanges of one method, target and status, by source.
    """
    for row in rows:
        some = [found for found in row.values() if len(found) <= FEW]
        for ones, others in combinations(some, 2):
            if ones[0].response is not None and ones[0].response.status >= DENIED:
                yield from _pairs(_chains(ones), _chains(others), content)


def _pairs(
    ones: list[list[Exchange]], others: list[list[Exchange]], content: Content | None
) -> Iterator[tuple[Exchange, Exchange]]:
    """Chains of two sources, the first with the first: as many on both sides, all alike, equally far apart."""
    if len(ones) != len(others):
        return
    found = [_joined(a, b) for a, b in zip(ones, others, strict=True)]
    pairs = [pair for pair in found if pair is not None]
    if len(pairs) < len(found) or not all(_alike(outer, inner, content) for outer, inner in pairs):
        return
    away = [_start(b[0]) - _start(a[0]) for a, b in zip(ones, others, strict=True)]
    if max(away) - min(away) <= APART_NS:
        yield from pairs


def _chains(exchanges: list[Exchange]) -> list[list[Exchange]]:
    """Those of one source, in time order: what runs within another one is one request, at the next hop."""
    chains: list[list[Exchange]] = []
    for exchange in sorted(exchanges, key=lambda e: (_start(e), -_end(e))):
        if chains and _end(exchange) <= _end(chains[-1][-1]) and exchange.connection != chains[-1][-1].connection:
            chains[-1].append(exchange)
        else:
            chains.append([exchange])
    return chains


def _joined(a: list[Exchange], b: list[Exchange]) -> tuple[Exchange, Exchange] | None:
    """The innermost of the one and the outermost of the other, which took no longer."""
    for outer, inner in ((a[-1], b[0]), (b[-1], a[0])):
        if _end(inner) - _start(inner) <= _end(outer) - _start(outer):
            return outer, inner
    return None


def _start(exchange: Exchange) -> int:
    return exchange.timing.start_ns or 0


def _end(exchange: Exchange) -> int:
    return exchange.timing.end_ns or _start(exchange)


def _alike(outer: Exchange, inner: Exchange, content: Content | None) -> bool:
    """Nothing that hops pass on tells them apart, and something shows that they are one."""
    if outer.request is None or inner.request is None or outer.response is None or inner.response is None:
        return False
    if not (outer.server and inner.server) or outer.server == inner.server:  # one hop, seen twice
        return False
    pages = _same_page(outer, inner, content)
    return pages and _same_date(outer.response, inner.response) and _same_asker(outer, outer.request, inner.request)


def _same_page(outer: Exchange, inner: Exchange, content: Content | None) -> bool:
    """The same bytes; pages that were packed differently are compared by nothing but their presence."""
    assert outer.response is not None
    assert inner.response is not None
    a, b = outer.response.body, inner.response.body
    if not (a.size and b.size and a.complete and b.complete):
        return False
    if a.codings != b.codings:
        return True
    if a.size != b.size:
        return False
    return content is None or content(outer.source, a) == content(inner.source, b)


def _same_date(outer: Response, inner: Response) -> bool:
    here, there = http_date(outer.get("date")), http_date(inner.get("date"))
    return here is not None and there is not None and abs(here - there) <= DATES_S


def _same_asker(seen: Exchange, outer: Request, inner: Request) -> bool:
    both = [(a, b) for name in PASSED_ON if (a := outer.get(name)) is not None and (b := inner.get(name)) is not None]
    return bool(both) and all(a == b for a, b in both) and not _for_another(host_of(seen.client or ""), inner)


def _for_another(client: str, inner: Request) -> bool:
    """The hop says for whom it asks, and that is another public address (behind a NAT a client's own is private)."""
    said = re.split(r'[\s,;="\[\]]+', ",".join([*inner.get_all("x-forwarded-for"), *inner.get_all("forwarded")]))
    named = {host for host in said if _is_public(host)}
    return bool(named) and _is_public(client) and client not in named


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return False
