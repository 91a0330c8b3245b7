"""Denials that the same client then got past with the same request: steps of a chain, no verdicts."""

from __future__ import annotations

from collections.abc import Container, Sequence

from tracer.model.http import Exchange

from .vantage import host_of

ASKED = frozenset({401, 407})
"""statuses that ask for credentials: whatever passes later, they were part of the talk"""
WITHIN_NS = 120 * 10**9
"""another denial is overcome only by a retry that comes as soon"""


def overcome(exchanges: Sequence[Exchange], denied: Container[str]) -> set[str]:
    """Ids of the denials that were followed by an answer below 400 to the same client, method and URL.

    Where the same request had passed shortly before as well, denials come and go: those stay.
    """
    passed: dict[tuple[str, str, str, str], list[Exchange]] = {}
    refused = {e.request.url for e in exchanges if e.id in denied and e.request}
    for exchange in exchanges if refused else ():
        if not exchange.request or not exchange.response or exchange.request.url not in refused:
            continue
        if exchange.response.status < 400:
            passed.setdefault(_asker(exchange), []).append(exchange)
    return {
        e.id
        for e in exchanges
        if e.id in denied and e.request and e.response and _is_overcome(e, passed.get(_asker(e), []))
    }


def _is_overcome(denial: Exchange, passed: list[Exchange]) -> bool:
    assert denial.response is not None
    spans = [span for p in passed if (span := _after_ns(denial, p)) is not None]
    if denial.response.status in ASKED:
        return any(span >= 0 for span in spans)
    soon = any(0 <= span <= WITHIN_NS for span in spans)
    return soon and not any(-WITHIN_NS <= span < 0 for span in spans)


def _after_ns(denial: Exchange, other: Exchange) -> int | None:
    """How long after the denial the other began; negative when before."""
    a, b = denial.timing.start_ns, other.timing.start_ns
    return b - a if a is not None and b is not None else None


def _asker(exchange: Exchange) -> tuple[str, str, str, str]:
    """Who asked what: the same client with the same program, method and URL."""
    assert exchange.request is not None
    request = exchange.request
    agent = request.get("user-agent") or ""
    return f"{exchange.source} {host_of(exchange.client)}", agent, request.method, request.url.partition("#")[0]
