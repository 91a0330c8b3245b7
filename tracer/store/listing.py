"""The rows of a trace by position, and what is new in one that still grows."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, NamedTuple

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.source import Source
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict

from .trace import Trace, Where

_PAGE = 128
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


class Listing:
    """Rows by position in time order: the positions are held as numbers, the rows are fetched when looked at."""

    def __init__(self, trace: Trace, where: Where | None = None, only: frozenset[str] | None = None) -> None:
        self._trace = trace
        condition = f"WHERE {where.sql}" if where else ""
        found = trace.select(
            f"SELECT n, denied, id, start_ns, end_ns FROM exchange {condition} ORDER BY time_ns, n",
            where.parameters if where else (),
        )
        if only is not None:
            found = [row for row in found if row[2] in only]
        self._numbers = array("q", (row[0] for row in found))
        self._denials = array("q", (at for at, row in enumerate(found) if row[1]))
        self._positions = {row[2]: at for at, row in enumerate(found)}
        self.begin_ns = min((row[3] for row in found if row[3] is not None), default=0)
        self.end_ns = max((row[4] or row[3] for row in found if row[4] or row[3]), default=self.begin_ns)
        self._pages: dict[int, list[Row]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def row(self, at: int) -> Row:
        """The row at a position."""
        page = at // _PAGE
        if page not in self._pages:
            if len(self._pages) > 64:
                self._pages.clear()
            self._pages[page] = self._fetch(page)
        return self._pages[page][at % _PAGE]

    def position(self, exchange: str) -> int | None:
        """Where the exchange with this id stands."""
        return self._positions.get(exchange)

    def next_denial(self, at: int, step: int) -> int | None:
        """Position of the next (step 1) or previous (-1) denied exchange, going round; None when there is none."""
        if not self._denials:
            return None
        near = bisect_left(self._denials, at + 1) if step > 0 else bisect_left(self._denials, at) - 1
        return self._denials[near % len(self._denials)]

    def _fetch(self, page: int) -> list[Row]:
        numbers = self._numbers[page * _PAGE : (page + 1) * _PAGE]
        marks = ",".join("?" * len(numbers))
        found = self._trace.select(f"SELECT {_COLUMNS}, n FROM exchange WHERE n IN ({marks})", tuple(numbers))
        by_number = {values[-1]: _row(values) for values in found}
        return [by_number[n] for n in numbers]


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
