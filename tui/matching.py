"""Which of some exchanges a view wants: conditions over columns by SQLite, the rest one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.filter.subject import RowSubject, Subject
from tracer.filter.terms import Needs
from tracer.store.listing import Row, fetch
from tracer.store.trace import Trace, Where

from .view import View

_ROWS = 500


def matches(trace: Trace, view: View, numbers: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each number, whether the view wants it."""
    wanted = np.ones(len(numbers), np.bool_)
    if view.window:
        wanted &= (times >= view.window[0]) & (times <= view.window[1])
    conditions = [view.scope.where] if view.scope else []
    if view.denials:
        conditions.append(Where("denied"))
    if view.filter and view.filter.where:
        conditions.append(view.filter.where)
    if conditions and wanted.any():
        wanted &= np.isin(numbers, _by_columns(trace, conditions, numbers[wanted]))
    if view.filter and not _exact(view) and wanted.any():
        wanted &= np.isin(numbers, np.fromiter(_one_by_one(trace, view, numbers[wanted]), np.int64))
    return wanted


def _by_columns(trace: Trace, conditions: list[Where], numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    sql = " AND ".join(f"({w.sql})" for w in conditions)
    parameters = tuple(p for w in conditions for p in w.parameters)
    found = trace.select(
        f"SELECT n FROM exchange WHERE n BETWEEN ? AND ? AND {sql}",
        (int(numbers.min()), int(numbers.max()), *parameters),
    )
    return np.array([n for (n,) in found], np.int64)


def _exact(view: View) -> bool:
    """The columns' condition says all there is to say."""
    node = view.filter.node if view.filter else None
    return node is not None and node.term is not None and view.filter is not None and view.filter.where is not None


def _one_by_one(trace: Trace, view: View, numbers: NDArray[np.int64]) -> Iterable[int]:
    assert view.filter is not None
    by_row = view.filter.needs is Needs.ROW
    marks = {} if by_row else trace.marks()
    for low in range(0, len(numbers), _ROWS):
        few = numbers[low : low + _ROWS].tolist()
        for number, row in fetch(trace, few).items():
            subject = row_subject(row) if by_row else _subject(trace, number, row, marks)
            if subject is not None and view.filter.matches(subject):
                yield number


def row_subject(row: Row) -> RowSubject:
    return RowSubject(row.method, row.url, row.host, row.status, row.client, row.server, row.denied)


def _subject(trace: Trace, number: int, row: Row, marks: dict[str, tuple[str, str]]) -> Any:
    exchange = trace.value("exchange", number)
    if exchange is None:
        return None
    return Subject(exchange, trace.content, trace.verdict_on, lambda i: marks.get(i, ("", "")), row.denied)
