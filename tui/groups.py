"""Conversations: exchanges counted by host, client, connection, status, chain or verdict."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tracer.store.trace import Trace, Where

from .stories import Stories, among
from .view import Scope

KINDS = ("verdict", "host", "client", "connection", "status", "chain")
_CHUNK = 20_000
_MOST = 100_000
"""groups counted; beyond, new ones go into none"""
_COLUMNS = {
    "host": "host",
    "client": "rtrim(rtrim(client, '0123456789'), ':')",
    "connection": "client || ' → ' || server",
    "status": "status",
}


class Group(NamedTuple):
    title: str
    total: int
    denied: int
    scope: Scope


def group(trace: Trace, kind: str, stories: Stories) -> Iterator[list[Group]]:
    """Groups, the largest first, as far as they are counted; the last list is complete."""
    if kind == "verdict":
        yield [Group(s.headline, s.count, s.count, s.scope) for s in stories.ranked]
    elif kind == "chain":
        chains = sorted(stories.chains.values(), key=len, reverse=True)
        yield [Group(" → ".join(c), len(c), 1, Scope(f"chain {c[-1]}", among(c))) for c in chains]
    else:
        yield from _counted(trace, kind)


def _counted(trace: Trace, kind: str) -> Iterator[list[Group]]:
    column = _COLUMNS[kind]
    counts: dict[object, list[int]] = {}
    low = 0
    (highest,) = trace.select("SELECT coalesce(max(n), 0) FROM exchange")[0]
    while low < highest:
        found = trace.select(
            f"SELECT {column}, count(*), sum(denied) FROM exchange WHERE n > ? AND n <= ? GROUP BY 1",
            (low, low + _CHUNK),
        )
        if not found:  # a hole in the numbers
            (following,) = trace.select("SELECT min(n) FROM exchange WHERE n > ?", (low,))[0]
            low = highest if following is None else following - 1
            continue
        for value, count, denied in found:
            if value in counts or len(counts) < _MOST:
                both = counts.setdefault(value, [0, 0])
                both[0] += count
                both[1] += denied
        low += _CHUNK
        yield _ranked(kind, column, counts)
    yield _ranked(kind, column, counts)


def _ranked(kind: str, column: str, counts: dict[object, list[int]]) -> list[Group]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1][1], -item[1][0], str(item[0])))
    return [
        Group(
            "(unknown)" if value is None else str(value),
            both[0],
            both[1],
            Scope(kind, Where(f"{column} IS ?", (value,))),
        )
        for value, both in ranked[:5000]
    ]
