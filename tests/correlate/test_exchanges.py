"""What the correlator keeps of every exchange, and what it reads again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest

from tests.correlate.scenes import exchange
from tracer.correlate import columns
from tracer.correlate.columns import SENDS_ON
from tracer.correlate.exchanges import HELD, Exchanges
from tracer.correlate.forms import form_of
from tracer.correlate.overcome import overcome
from tracer.correlate.siblings import Siblings
from tracer.model.http import Event, Exchange
from tracer.store.trace import Trace


def many(count: int) -> list[Exchange]:
    return [exchange(f"e{n}", url=f"http://www.test/{n % 7}", at_ms=n) for n in range(count)]


def test_each_is_read_again_as_it_was_and_few_are_held() -> None:
    seen = many(2 * HELD + 10)
    asked: list[str] = []
    by_id = {e.id: e for e in seen}

    def lookup(names: Sequence[str]) -> Iterable[Exchange]:
        asked.extend(names)
        return (by_id[name] for name in names)

    known = Exchanges(seen, lookup)
    assert (len(known), asked) == (len(seen), [])
    assert list(known) == seen
    assert len(known._held) <= HELD
    assert [known.position(e) for e in (seen[0], seen[HELD], seen[-1])] == [0, HELD, len(seen) - 1]
    assert known[len(seen) - 1] is known[-1 + len(seen)]


def test_exchanges_at_one_moment_are_told_apart() -> None:
    seen = [exchange(f"e{n}", at_ms=5) for n in range(9)]
    known = Exchanges(seen, lambda names: [e for e in seen if e.id in names])
    assert [known.position(e) for e in seen] == list(range(9))
    with pytest.raises(LookupError):
        known.position(exchange("e99"))


def test_events_are_let_go() -> None:
    long = Exchange(id="e1", source="a", protocol="HTTP/1.1", events=(Event(kind="text", client=True, data=b"x"),))
    assert Exchanges([long])[0].events == ()


@pytest.mark.parametrize(
    ("says", "page", "status", "sends"),
    [
        ({"Content-Type": "text/html"}, "<script>location = '/x'</script>", 403, True),
        ({"Content-Type": "text/html"}, '<META HTTP-EQUIV="refresh" content="0;url=/x">', 200, True),
        ({"Content-Type": "text/html"}, "<p>Forbidden</p>", 403, False),
        ({"Content-Type": "application/json"}, '{"location": 1}', 200, False),
        ({"Refresh": "0; url=/x"}, "", 200, True),
        ({"Content-Type": "text/html", "Location": "/x"}, "<p>Moved</p>", 302, True),
    ],
)
def test_answers_that_may_send_a_client_on_are_known(says: dict[str, str], page: str, status: int, sends: bool) -> None:
    seen = exchange("e1", says=says, page=page, status=status)
    known = Exchanges([seen], content=lambda _, body: body.data)
    assert bool(known.flags[0] & SENDS_ON) is sends


@pytest.mark.parametrize(
    ("location", "leads"), [("/x", True), ("http://www.test:80/x#y", True), ("/y", False), ("", False), ("//[", False)]
)
def test_it_is_known_where_an_answer_redirects_to(location: str, leads: bool) -> None:
    others = [exchange(f"e{n}", status=302, says={"Location": f"/{n}"}) for n in range(3)]
    seen = [*others, exchange("e4", status=302, says={"Location": location}), exchange("e5", url="http://www.test/x")]
    assert Exchanges(seen).leads(3, 4) is leads


def test_a_page_whose_bytes_are_elsewhere_may_send_on() -> None:
    seen = exchange("e1", says={"Content-Type": "text/html"}, page="<p>Forbidden</p>")
    assert Exchanges([seen]).flags[0] & SENDS_ON


@pytest.mark.parametrize(
    ("status", "passed_at_ms", "over"),
    [
        (403, [50], True),
        (403, [-50], False),
        (403, [-50, 50], False),
        (403, [-200_000, 50], True),
        (403, [200_000], False),
        (401, [200_000], True),
        (401, [-50], False),
        (403, [], False),
    ],
)
def test_a_denial_is_overcome_by_the_same_request_that_passes_soon(
    status: int, passed_at_ms: list[int], over: bool
) -> None:
    times = sorted([(0, status), *((at, 200) for at in passed_at_ms)])
    known = Exchanges([exchange(f"e{n}", at_ms=at, status=code) for n, (at, code) in enumerate(times)])
    denied = times.index((0, status))
    assert overcome(known, [denied]) == ({denied} if over else set())


def test_another_client_or_program_overcomes_nothing() -> None:
    others: list[Callable[[], Exchange]] = [
        lambda: exchange("e2", at_ms=9, status=200, client="192.0.2.11:4"),
        lambda: exchange("e2", at_ms=9, status=200, asks={"User-Agent": "curl"}),
        lambda: exchange("e2", at_ms=9, status=200, method="HEAD"),
    ]
    for other in others:
        assert overcome(Exchanges([exchange("e1"), other()]), [0]) == set()
    assert overcome(Exchanges([exchange("e1"), exchange("e2", at_ms=9, status=200)]), [0]) == {0}


def test_siblings_are_of_that_host_alone_the_same_path_first() -> None:
    seen = [exchange("e0", url="http://www.test/a/far", at_ms=0)]
    seen += [exchange(f"e{n}", url=f"http://www.test/{n}/b", at_ms=n) for n in range(1, 200)]
    seen += [exchange("other", url="http://else.test/a/far", at_ms=200), exchange("e201", at_ms=201, status=None)]
    seen.append(exchange("denied", url="http://www.test/a/far", at_ms=202))
    found = Siblings(Exchanges(seen), [len(seen) - 1]).of(seen[-1], same_server=False)
    assert [s.whole.id for s in found] == ["e0", *(f"e{n}" for n in range(177, 200))]


def test_the_correlator_reads_a_trace_that_holds_nothing() -> None:
    with Trace() as trace:
        assert len(Exchanges(trace.exchanges(), trace.exchanges_named)) == 0


def test_forms_are_told_apart_up_to_a_bound_and_looked_at_beyond_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "FORMS", 1)
    page = {"Server": "nginx", "ETag": '"65f1-2a"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    seen = [exchange(f"e{n}", at_ms=n, status=200, says=says) for n, says in enumerate((page, {"Set-Cookie": "a=b"}))]
    seen.append(exchange("denied", at_ms=9))
    known = Exchanges(seen)
    assert [*known.form] == [0, -1, -1]
    found = Siblings(known, [2]).of(seen[-1], same_server=False)
    assert [s.form.kind for s in found] == ["file", "application"]
    assert [s.form for s in found] == [form_of(s.whole.response) for s in found if s.whole.response]
