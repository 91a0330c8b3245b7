"""What the timeline draws of an exchange, fetched page by page and only when it is looked at."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from typing import Any, NamedTuple

from tracer.model.http import Exchange
from tracer.model.verdict import Layer, Verdict
from tracer.store.listing import Row, fetch
from tracer.store.trace import Trace

from .order import Order

PAGE = 64
PAGES = 32
"""pages kept: a few thousand rows"""
SOON_NS = 1_000_000_000
"""a handshake this long before the request still belongs to its line"""


class Entry(NamedTuple):
    """One line of the timeline."""

    row: Row
    number: int
    source: str = ""
    phases: tuple[tuple[str, int, int], ...] = ()
    """(`connect`, `tls`, `send`, `wait` or `receive`, begin, end) in nanoseconds, those that are known"""
    events: int = 0
    problems: bool = False
    judged: tuple[str | None, Layer] | None = None
    """product and layer that denied it"""


class Rows:
    """Entries by position."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._pages: OrderedDict[int, list[Entry]] = OrderedDict()
        self.order = Order()
        self.stale = False
        """rows were replaced since the order was made"""
        self.problem: str | None = None

    def show(self, order: Order) -> None:
        """Another order; pages that say the same are kept."""
        before, self.order = self.order, order
        same = len(before.numbers) <= len(order.numbers) and bool(
            (order.numbers[: len(before.numbers)] == before.numbers).all()
            and (order.denied[: len(before.denied)] == before.denied).all()
        )
        if same:
            self._pages.pop((len(before.numbers) - 1) // PAGE, None)
        else:
            self._pages.clear()

    def clear(self) -> None:
        self._pages.clear()

    def __len__(self) -> int:
        return len(self.order)

    def entry(self, at: int) -> Entry:
        """The line at a position."""
        number, within = divmod(at, PAGE)
        if number in self._pages:
            self._pages.move_to_end(number)
        else:
            self._pages[number] = self._fetch(self.order.numbers[number * PAGE : (number + 1) * PAGE].tolist())
            if len(self._pages) > PAGES:
                self._pages.popitem(last=False)
        return self._pages[number][within]

    def _fetch(self, numbers: list[int]) -> list[Entry]:
        try:
            return self._read(numbers)
        except sqlite3.Error as error:
            self.problem = f"the trace can no longer be read: {error}"
            return [Entry(_gone(), n) for n in numbers]

    def _read(self, numbers: list[int]) -> list[Entry]:
        rows = fetch(self._trace, [n for n in numbers if n > 0])
        entries: list[Entry] = []
        connections: set[str] = set()
        for number in numbers:
            if number < 0:
                verdict = self._trace.value("verdict", -number)
                entries.append(Entry(refused(verdict) if verdict else _gone(), number, judged=_judged(verdict)))
            elif number in rows:
                exchange = self._trace.value("exchange", number)
                entries.append(self._entry(rows[number], number, exchange, connections))
            else:
                self.stale = True
                entries.append(Entry(_gone(), number))
        return entries

    def _entry(self, row: Row, number: int, exchange: Exchange | None, connections: set[str]) -> Entry:
        judged = _judged(self._trace.verdict_on(row.id)) if row.denied else None
        if exchange is None:
            return Entry(row, number, problems=True, judged=judged)
        known = phases(exchange)
        name = exchange.connection
        if name is not None and name not in connections:
            connections.add(name)
            known = (*self._opening(exchange), *known)
        return Entry(row, number, exchange.source, known, len(exchange.events), bool(exchange.problems), judged)

    def _opening(self, exchange: Exchange) -> tuple[tuple[str, int, int], ...]:
        """TCP and TLS handshake, when they went right before this exchange."""
        begin = exchange.timing.start_ns
        connection = self._trace.connection(exchange.connection or "")
        if begin is None or connection is None or connection.joined_late:
            return ()
        handshake = self._trace.handshake(exchange.tls) if exchange.tls else None
        tls = (handshake.start_ns, handshake.end_ns) if handshake else (None, None)
        ready = tls[1] or connection.start_ns + (connection.rtt_ns or 0)
        if not 0 <= begin - ready <= SOON_NS:
            return ()
        found: list[tuple[str, int, int]] = []
        until = connection.start_ns + (connection.rtt_ns or 0) + (connection.client_rtt_ns or 0)
        if connection.transport == "tcp" and connection.start_ns < until <= begin:
            found.append(("connect", connection.start_ns, until))
        if tls[0] is not None and tls[1] is not None and tls[0] < tls[1] <= begin:
            found.append(("tls", tls[0], tls[1]))
        return tuple(found)


def phases(exchange: Exchange) -> tuple[tuple[str, int, int], ...]:
    """Sending, waiting and receiving, as far as they are known."""
    t = exchange.timing
    points = (
        ("send", t.start_ns, t.request_end_ns),
        ("wait", t.request_end_ns if t.request_end_ns is not None else t.start_ns, t.response_start_ns),
        ("receive", t.response_start_ns, t.end_ns),
    )
    return tuple((name, a, b) for name, a, b in points if a is not None and b is not None and b >= a)


def _judged(verdict: Verdict | None) -> tuple[str | None, Layer] | None:
    return (verdict.product, verdict.layer) if verdict is not None else None


def refused(verdict: Verdict) -> Row:
    """The line of a handshake that was refused."""
    host = (verdict.url or "").removeprefix("https://").rstrip("/")
    return _row(
        id=verdict.exchange, method="TLS", host=host or None, target="  handshake refused", start_ns=verdict.time_ns,
        denied=True, url=verdict.url, server=verdict.hop.address, protocol="TLS",
    )  # fmt: skip


def _gone() -> Row:
    return _row(id="", method="", target="(replaced or gone)")


def _row(**known: Any) -> Row:
    empty: dict[str, Any] = dict.fromkeys(Row._fields)
    return Row(**{**empty, "denied": False, "protocol": "", **known})
