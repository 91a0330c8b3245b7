"""Which exchanges are shown and in what order: numbers rather than rows, so that a million of them are some megabytes.

Everything here runs in a worker. An `Order` is never changed once it is made, so the interface may draw from one while
the next is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.store.trace import Trace

from .matching import matches
from .view import SORTS, View

CHUNK = 20_000
"""exchanges looked at under one lock of the store: some ten milliseconds"""
FIRST = 500
"""of the first chunk, so that there is something to see at once"""
Numbers = NDArray[np.int64]
_LOWEST = -(2**63)


def _none() -> Numbers:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Positions to numbers."""

    numbers: Numbers = field(default_factory=_none)
    """row of `exchange`; negative: minus the row of `verdict`, for a handshake that was refused"""
    keys: Numbers = field(default_factory=_none)
    """what they are sorted by, ascending"""
    times: Numbers = field(default_factory=_none)
    denied: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))
    last: int = 0
    """highest row of `exchange` that was looked at"""
    last_verdict: int = 0
    complete: bool = False
    looked: int = 0
    """exchanges looked at so far"""

    def __len__(self) -> int:
        return len(self.numbers)

    @staticmethod
    def done(order: Order) -> Order:
        """The same, called complete."""
        return replace(order, complete=True)

    def position(self, number: int) -> int | None:
        """Where the row with this number stands."""
        found = np.flatnonzero(self.numbers == number)
        return int(found[0]) if len(found) else None

    def next_denial(self, at: int, step: int) -> int | None:
        """Position of the next (1) or previous (-1) denial, going round; None when there is none."""
        found = np.flatnonzero(self.denied)
        if not len(found):
            return None
        near = np.searchsorted(found, at + 1) if step > 0 else np.searchsorted(found, at) - 1
        return int(found[int(near) % len(found)])


def load(trace: Trace, view: View, go_on: Callable[[], bool] = lambda: True) -> Iterator[Order]:
    """The order, as far as it is known; the last one is complete."""
    top = trace.select("SELECT coalesce(max(n), 0) FROM exchange")[0][0]  # what comes later is for `grow`
    order = Order(last=top)
    size, time_ns, number = FIRST, _LOWEST, _LOWEST
    while go_on():
        page = trace.select(
            "SELECT time_ns, n FROM exchange INDEXED BY exchange_time WHERE (time_ns, n) > (?, ?)"
            " AND n <= ? ORDER BY time_ns, n LIMIT ?",
            (time_ns, number, top, size),
        )
        if not page:
            break
        time_ns, number = page[-1]
        order = _add(trace, view, order, page)
        size = CHUNK
        if view.sort == "time":
            yield order
    for grown in grow(trace, view, order, go_on):
        order = grown
        yield order
    yield replace(order, complete=True)


def grow(trace: Trace, view: View, order: Order, go_on: Callable[[], bool] = lambda: True) -> Iterator[Order]:
    """The order with what came into the trace since it was made; nothing when nothing came."""
    while go_on() and (
        page := trace.select("SELECT time_ns, n FROM exchange WHERE n > ? ORDER BY n LIMIT ?", (order.last, CHUNK))
    ):
        order = _add(trace, view, order, page)
        yield order
    newest = trace.select("SELECT coalesce(max(n), 0) FROM verdict")[0][0]
    if newest > order.last_verdict:
        yield _judged(trace, view, order, newest)


def _add(trace: Trace, view: View, order: Order, page: list[tuple[int, int]]) -> Order:
    """The order with those of the page that the view wants."""
    times, numbers = np.array(page, np.int64).reshape(-1, 2).T
    highest = max(order.last, int(numbers.max()))
    looked = order.looked + len(numbers)
    wanted = matches(trace, view, numbers, times)
    numbers, times = numbers[wanted], times[wanted]
    denied = np.isin(numbers, _denied(trace, times))
    grown = _merge(order, numbers, _keys(trace, view, numbers, times), times, denied)
    return replace(grown, last=highest, looked=looked)


def _merge(order: Order, numbers: Numbers, keys: Numbers, times: Numbers, denied: NDArray[np.bool_]) -> Order:
    """Both in one order; only what comes after the first new one is sorted again."""
    if not len(numbers):
        return order
    start = int(np.searchsorted(order.keys, keys.min(), side="right"))
    if start == len(order.keys) and bool((keys[:-1] <= keys[1:]).all()):  # nearly always: all of them come after
        both = np.concatenate
        return replace(
            order,
            numbers=both((order.numbers, numbers)),
            keys=both((order.keys, keys)),
            times=both((order.times, times)),
            denied=both((order.denied, denied)),
        )
    columns: list[NDArray[Any]] = []
    tail = np.concatenate((order.keys[start:], keys))
    by = np.argsort(tail, kind="stable")
    for old, new in ((order.numbers, numbers), (order.keys, keys), (order.times, times), (order.denied, denied)):
        columns.append(np.concatenate((old[:start], np.concatenate((old[start:], new))[by])))
    return replace(order, numbers=columns[0], keys=columns[1], times=columns[2], denied=columns[3])


def _judged(trace: Trace, view: View, order: Order, newest: int) -> Order:
    """The order after more verdicts: what they judge is denied, refused handshakes are lines of their own."""
    since = (order.last_verdict, newest)
    judged = trace.select("SELECT e.n FROM verdict v JOIN exchange e ON e.id = v.id WHERE v.n > ? AND v.n <= ?", since)
    denied = order.denied | np.isin(order.numbers, np.array([n for (n,) in judged], np.int64))
    order = replace(order, denied=denied, last_verdict=newest)
    refused = trace.select(
        "SELECT v.time_ns, -v.n FROM verdict v WHERE v.n > ? AND v.n <= ?"
        " AND NOT EXISTS (SELECT 1 FROM exchange e WHERE e.id = v.id)",
        since,
    )
    if refused and view.shows_refused:
        times, numbers = np.array(refused, np.int64).reshape(-1, 2).T
        if view.window:
            inside = (times >= view.window[0]) & (times <= view.window[1])
            times, numbers = times[inside], numbers[inside]
        keys = times if view.sort == "time" else np.zeros(len(times), np.int64)
        keys = -keys if view.descending else keys
        order = _merge(order, numbers, keys, times, np.ones(len(numbers), np.bool_))
    if view.asks_verdict:  # what did not match before may match now that it is judged
        order = _again(trace, view, order, np.array([n for (n,) in judged], np.int64))
    return order


def _again(trace: Trace, view: View, order: Order, numbers: Numbers) -> Order:
    new = numbers[~np.isin(numbers, order.numbers)]
    for low in range(0, len(new), CHUNK):
        few = new[low : low + CHUNK]
        page = [row for number in np.array_split(few, max(1, len(few) // 500)) for row in _times(trace, number)]
        last, looked = order.last, order.looked
        order = replace(_add(trace, view, order, page), last=last, looked=looked)
    return order


def _times(trace: Trace, numbers: Numbers) -> list[Any]:
    marks = ",".join("?" * len(numbers))
    return trace.select(f"SELECT time_ns, n FROM exchange WHERE n IN ({marks})", tuple(numbers.tolist()))


def _denied(trace: Trace, times: Numbers) -> Numbers:
    """Denied exchanges of these times."""
    if not len(times):
        return _none()
    found = trace.select("SELECT n FROM exchange WHERE denied AND time_ns BETWEEN ? AND ?", _span(times))
    return np.array([n for (n,) in found], np.int64)


def _keys(trace: Trace, view: View, numbers: Numbers, times: Numbers) -> Numbers:
    """What the view sorts by; unknown values come last."""
    if view.sort == "time" or not len(numbers):
        return -times if view.descending else times
    sql = SORTS[view.sort]
    values = dict(trace.select(f"SELECT n, {sql} FROM exchange WHERE n BETWEEN ? AND ?", _span(numbers)))
    unknown = -(2**62) if view.descending else 2**62
    keys = np.array([unknown if (v := values.get(n)) is None else v for n in numbers.tolist()], np.int64)
    return -keys if view.descending else keys


def _span(numbers: Numbers) -> tuple[int, int]:
    return int(numbers.min()), int(numbers.max())
