"""The rows of a trace, and what is new in one that still grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .trace import Trace, Where

_COLUMNS = (
    "id, method, status, host, target, start_ns, response_ns, end_ns, denied, url, client, server, protocol, size"
)


class Row(NamedTuple):
    """One exchange as its columns tell it."""

    id: str
    method: str | None
    status: int | None
    host: str | None
    target: str | None
    start_ns: int | None
    response_ns: int | None
    end_ns: int | None
    denied: bool
    url: str | None
    client: str | None
    server: str | None
    protocol: str
    size: int | None
    """captured bytes of the response body, before decoding"""

    @property
    def duration_ns(self) -> int | None:
        """From the request's first byte to the response's last."""
        return self.end_ns - self.start_ns if self.start_ns is not None and self.end_ns is not None else None


def rows(trace: Trace, where: Where | None = None) -> Iterator[Row]:
    """Every exchange's row in time order, without decoding a value."""
    condition = f"({where.sql}) AND " if where else ""
    sql = f"SELECT {_COLUMNS}, time_ns, n FROM exchange WHERE {condition}(time_ns, n) > (?, ?) ORDER BY time_ns, n"
    last = (-(2**63), -(2**63))
    while page := trace.select(f"{sql} LIMIT 1000", (*(where.parameters if where else ()), *last)):
        for values in page:
            yield _row(values)
        last = (page[-1][-2], page[-1][-1])


def _row(values: tuple[Any, ...]) -> Row:
    return Row._make((*values[:8], bool(values[8]), *values[9:14]))


def fetch(trace: Trace, numbers: Sequence[int]) -> dict[int, Row]:
    """Rows by their number in the store; those that are gone are left out."""
    marks = ",".join("?" * len(numbers))
    found = trace.select(f"SELECT {_COLUMNS}, n FROM exchange WHERE n IN ({marks})", tuple(numbers))
    return {values[-1]: _row(values) for values in found}


class Follower:
    """What came into a trace since the last look; another process may be the one that writes it.

    `Trace.open(path)` opens a trace file while `tracer proxy`, `run`, `browse` or `capture` write it (SQLite's
    write-ahead log keeps reader and writer apart); call `news()` a few times a second, it costs one indexed query a
    table when nothing is new. A value that was replaced (a WebSocket that grew, say) comes again with the same id.
    `tracer.live.growing(path)` tells whether somebody still writes.
    """

    TABLES = ("source", "connection", "handshake", "exchange", "verdict", "problem")

    def __init__(self, trace: Trace, from_now: bool = False, tables: tuple[str, ...] = TABLES) -> None:
        self._trace = trace
        self._last = dict.fromkeys(tables, 0)
        if from_now:
            for table in tables:
                self._last[table] = trace.select(f"SELECT coalesce(max(n), 0) FROM {table}")[0][0]

    def news(self) -> Iterator[Source | Connection | Handshake | Exchange | Verdict | Problem]:
        """Values added, or replaced, since the last call, in the order they came."""
        for table in self._last:
            while page := self._trace.select(
                f"SELECT n FROM {table} WHERE n > ? ORDER BY n LIMIT 500", (self._last[table],)
            ):
                for (n,) in page:
                    value: Any = self._trace.value(table, n)
                    if value is not None:
                        yield value
                self._last[table] = page[-1][0]
