"""Numbers in order: whatever is asked for, all of it, in order, while it grows too."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from tracer.model.http import Body, Exchange, Request, Response, Timing
from tracer.model.verdict import Cause, Layer, Verdict
from tracer.store.trace import Trace, Where
from tui import order as orders
from tui.groups import group
from tui.order import Order, grow, load
from tui.rows import PAGE, Rows
from tui.stories import Stories
from tui.view import SORTS, Scope, View

START = 1_700_000_000_000_000_000


def exchange(number: int, status: int = 200, at: int | None = None, host: str = "a.test") -> Exchange:
    begin = START + (number if at is None else at) * 1_000_000
    return Exchange(
        id=f"e{number}", source="s", protocol="HTTP/1.1", client=f"10.0.0.{number % 3}:{1000 + number}",
        server="192.0.2.1:443",
        request=Request(
            method="GET", target=f"/{number}", url=f"https://{host}/{number}", headers=((b"host", host.encode()),)
        ),
        response=Response(status=status, body=Body(size=number % 7, data=b"x" * (number % 7))),
        timing=Timing(start_ns=begin, end_ns=begin + number % 11 * 1000),
    )  # fmt: skip


def verdict(number: int, **changed: object) -> Verdict:
    v = Verdict(source="s", exchange=f"e{number}", status=403, layer=Layer.WAF, cause=Cause.WAF_RULE, headline="no")
    return msgspec.structs.replace(v, **changed)


def last(trace: Trace, view: View) -> Order:
    return list(load(trace, view))[-1]


def ids(trace: Trace, order: Order) -> list[str]:
    rows = Rows(trace)
    rows.show(order)
    return [rows.entry(at).row.id for at in range(len(order))]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that some hundred exchanges are many chunks."""
    monkeypatch.setattr(orders, "CHUNK", 37)
    monkeypatch.setattr(orders, "FIRST", 5)


@pytest.fixture
def trace() -> Trace:
    made = Trace()
    for number in range(300):  # not in the order of their times
        made.exchange(exchange(number, 403 if number % 50 == 7 else 200, number * 7 % 300, "ab"[number % 2] + ".test"))
    return made


def test_all_are_there_in_time_order_and_the_first_ones_at_once(trace: Trace) -> None:
    stages = list(load(trace, View()))
    assert len(stages[0]) == 5
    assert stages[-1].complete
    assert ids(trace, stages[-1]) == [e.id for e in trace.exchanges()]


@pytest.mark.parametrize("key", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_every_key_sorts_all_of_them(trace: Trace, key: str, descending: bool) -> None:
    found = ids(trace, last(trace, View(sort=key, descending=descending)))
    wanted: Any = {
        "time": lambda e: e.timing.start_ns, "status": lambda e: e.response.status,
        "size": lambda e: e.response.body.size,
        "duration": lambda e: e.timing.end_ns - e.timing.start_ns, "host": lambda e: e.request.get("host"),
        "method": lambda e: e.request.method,
    }[key]  # fmt: skip
    values = [wanted(trace.exchange(name)) for name in found]
    assert len(set(found)) == 300
    assert values == sorted(values, reverse=descending)


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        (View("~c 403"), lambda n: n % 50 == 7),
        (View("!~c 403"), lambda n: n % 50 != 7),
        (View("~c 403 | ~u /1.$"), lambda n: n % 50 == 7 or 10 <= n <= 19),
        (View("~c 403 & ~d b"), lambda n: n % 50 == 7 and n % 2),
        (View("~bs xxxx"), lambda n: n % 7 >= 4),
        (View(denials=True), lambda n: n % 50 == 7),
        (View("~u 7$", denials=True), lambda n: n % 50 == 7),
        (View(scope=Scope("", Where("host IS ?", ("a.test",)))), lambda n: n % 2 == 0),
        (View(window=(START, START + 10_000_000)), lambda n: n * 7 % 300 <= 10),
    ],
)  # fmt: skip
def test_a_view_shows_just_what_it_asks_for(trace: Trace, view: View, wanted: object) -> None:
    assert set(ids(trace, last(trace, view))) == {f"e{n}" for n in range(300) if wanted(n)}  # type: ignore[operator]


def test_what_comes_later_is_put_in_its_place(trace: Trace) -> None:
    order = last(trace, View())
    for number in range(300, 400):
        trace.exchange(exchange(number, at=number * 7 % 300))
    for grown in grow(trace, View(), order):
        order = grown
    assert ids(trace, order) == [e.id for e in trace.exchanges()]
    assert list(grow(trace, View(), order)) == []


def test_verdicts_that_come_later_make_denials(trace: Trace) -> None:
    plain, denials = last(trace, View()), last(trace, View(denials=True))
    before = int(plain.denied.sum())
    trace.verdict(verdict(100))
    (plain,) = grow(trace, View(), plain)
    assert int(plain.denied.sum()) == before + 1
    (denials,) = grow(trace, View(denials=True), denials)
    assert "e100" in ids(trace, denials)


def test_a_refused_handshake_is_a_line_at_its_time(trace: Trace) -> None:
    trace.verdict(verdict(0, exchange="t9", status=None, url="https://x.test/", time_ns=START + 50_500_000))
    order = last(trace, View())
    found = ids(trace, order)
    assert found.index("t9") == 51
    assert order.denied[51]
    assert "t9" not in ids(trace, last(trace, View("~c 403")))


def test_denials_are_found_both_ways_and_round(trace: Trace) -> None:
    order = last(trace, View())
    places = np.flatnonzero(order.denied).tolist()
    assert order.next_denial(places[0], 1) == places[1]
    assert order.next_denial(places[0], -1) == places[-1]
    assert order.next_denial(places[-1], 1) == places[0]
    assert Order().next_denial(0, 1) is None


def test_few_pages_are_kept_whatever_is_looked_at(trace: Trace) -> None:
    rows = Rows(trace)
    rows.show(last(trace, View()))
    for at in range(300):
        rows.entry(at)
    assert len(rows._pages) <= 32
    assert rows.entry(299).row.id == list(trace.exchanges())[-1].id
    assert PAGE < 300


def test_an_exchange_that_was_replaced_makes_the_rows_stale(trace: Trace) -> None:
    rows = Rows(trace)
    rows.show(last(trace, View()))
    trace.exchange(exchange(0, 500, 0))
    trace.flush()
    assert rows.entry(0).row.id == ""
    assert rows.stale
    assert "e0" in ids(trace, last(trace, View()))


def test_groups_count_everything_once(trace: Trace) -> None:
    trace.verdict(verdict(7))
    trace.verdict(verdict(57, chain=("e1", "e57"), seen_at=("e58",)))
    stories = Stories()
    assert stories.grow(trace)
    assert not stories.grow(trace)
    assert stories.deeper == {"e58": "e57"}
    for kind, number in (("host", 2), ("client", 3), ("connection", 300), ("status", 2), ("verdict", 1), ("chain", 1)):
        groups = list(group(trace, kind, stories))[-1]
        assert len(groups) == number
        for one in groups[:5]:
            assert len(last(trace, View(scope=one.scope))) == one.total
