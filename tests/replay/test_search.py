"""The search, without a network: servers are predicates over the request that they get."""

from __future__ import annotations

from collections.abc import Callable, Generator

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.replay.asks import CALM, ask_from
from tracer.model.verdict import Cause
from tracer.redact import Redactor
from tracer.replay import parts
from tracer.replay.asked import Ask
from tracer.replay.change import apply
from tracer.replay.minimise import minimise
from tracer.replay.narrow import MOST, pieces
from tracer.replay.outcome import Result, Seen, judge
from tracer.replay.search import Conclusion, EnoughError, Finding, Search, ordered

DENIED, PASSED = Seen(status=403, words=frozenset(("no",))), Seen(status=200, words=frozenset(("yes",)))


def _run(search: Search, server: Callable[[tuple[object, ...]], Seen], budget: int = 1000) -> tuple[Finding, int]:
    asking = search.run()
    sent = 0
    experiment = next(asking)
    try:
        while True:
            if sent >= budget:
                experiment = asking.throw(EnoughError("the budget is used up"))
                continue
            sent += 1
            experiment = asking.send(server(experiment.changes))
    except StopIteration as stop:
        return stop.value, sent


def _asked(items: tuple[int, ...], needed: set[frozenset[int]]) -> tuple[tuple[int, ...], int]:
    """What `minimise` finds where one of the `needed` sets must be wholly there, and how often it asked."""
    count = 0

    def works(part: tuple[int, ...]) -> Generator[None, None, bool]:
        nonlocal count
        count += 1
        yield
        return any(one <= set(part) for one in needed)

    asking = minimise(items, works)
    try:
        while True:
            next(asking)
    except StopIteration as stop:
        return stop.value, count


@CALM
@given(st.data())
def test_what_is_found_works_and_nothing_of_it_can_be_left_out(data: st.DataObject) -> None:
    items = tuple(range(data.draw(st.integers(1, 30))))
    sets = st.frozensets(st.sampled_from(items), min_size=1, max_size=4)
    needed = data.draw(st.sets(sets, min_size=1, max_size=4))
    found, _ = _asked(items, needed)
    assert any(one <= set(found) for one in needed)
    for item in found:
        assert not any(one <= set(found) - {item} for one in needed)


@CALM
@given(st.integers(2, 64), st.data())
def test_one_of_many_is_found_in_logarithmic_time(size: int, data: st.DataObject) -> None:
    needed = frozenset((data.draw(st.integers(0, size - 1)),))
    found, count = _asked(tuple(range(size)), {needed})
    assert set(found) == needed
    assert count <= 2 * size.bit_length()


_FIELDS = st.lists(st.sampled_from("ABCDEFGHIJ"), unique=True, max_size=8)


def _request(query: list[str], cookies: list[str], headers: list[str]) -> Ask:
    lines = ["GET /p?" + "&".join(f"q{n}=v{n}" for n in query) + " HTTP/1.1", "Host: a.test", "User-Agent: t"]
    lines += [f"X-{n}: v{n}" for n in headers]
    lines += ["Cookie: " + "; ".join(f"c{n}=v{n}" for n in cookies)] if cookies else []
    return ask_from("\r\n".join(lines).encode() + b"\r\n\r\n")


def _text(ask: Ask) -> bytes:
    return b" ".join((ask.target, *(f.name + b":" + f.value for f in ask.fields)))


@CALM
@given(_FIELDS, _FIELDS, _FIELDS, st.data())
def test_what_a_server_forbids_is_found_within_the_budget(
    query: list[str], cookies: list[str], headers: list[str], data: st.DataObject
) -> None:
    """One or two parts are forbidden, each for itself: both must go, and nothing else."""
    ask = _request(query, cookies, headers)
    tokens = [*(f"q{n}=v{n}" for n in query), *(f"c{n}=v{n}" for n in cookies), *(f"X-{n}:v{n}" for n in headers)]
    if not tokens:
        return
    bad = data.draw(st.lists(st.sampled_from(tokens), unique=True, min_size=1, max_size=2))

    def server(changes: tuple[object, ...]) -> Seen:
        got = _text(apply(ask, changes))  # type: ignore[arg-type]
        return DENIED if any(token.encode() in got for token in bad) else PASSED

    search = Search(ordered(parts.groups(ask, Redactor()), Cause.UNKNOWN))
    finding, sent = _run(search, server, 40)
    assert finding.conclusion is Conclusion.FOUND
    assert finding.confirmed
    assert finding.minimal
    assert {c.name[-1] for c in finding.changes} == {token.partition("=")[0].partition(":")[0][-1] for token in bad}
    assert len(finding.changes) == len(bad)
    assert sent <= 40


def test_a_passing_request_is_not_searched() -> None:
    finding, sent = _run(Search([]), lambda _: PASSED)
    assert (finding.conclusion, sent) == (Conclusion.NOT_REPRODUCED, 2)


def test_answers_that_change_by_themselves_are_told() -> None:
    answers = iter([DENIED, PASSED, DENIED, PASSED, DENIED])
    finding, sent = _run(Search([]), lambda _: next(answers))
    assert (finding.conclusion, sent) == (Conclusion.UNSTABLE, 5)


def _search() -> tuple[Ask, Search]:
    ask = _request(["A", "B"], [], ["C"])
    return ask, Search(ordered(parts.groups(ask, Redactor()), Cause.UNKNOWN), [*parts.segments(ask)])


@pytest.mark.parametrize(
    "sign", [Seen(status=429), Seen(status=503, retry_after=True), Seen(status=403, challenge=True)]
)
def test_the_first_sign_of_rate_limiting_ends_it(sign: Seen) -> None:
    _, search = _search()
    answers = iter([DENIED, DENIED, sign])
    finding, sent = _run(search, lambda _: next(answers))
    assert (finding.conclusion, sent) == (Conclusion.STOPPED, 3)
    assert "limit" in finding.stopped


@pytest.mark.parametrize("before", [1, 3])
def test_it_ends_wherever_the_limit_begins(before: int) -> None:
    """While the denial is looked at, and while what was found is confirmed."""
    answers = iter([DENIED, DENIED, PASSED][:before] + [PASSED] * (before == 3) + [Seen(status=429)])
    _, search = _search()
    finding, sent = _run(search, lambda _: next(answers))
    assert "limit" in finding.stopped
    assert not finding.confirmed
    assert sent == before + (before == 3) + 1


def test_a_denial_that_is_a_rate_limit_is_not_searched() -> None:
    _, search = _search()
    finding, sent = _run(search, lambda _: Seen(status=429))
    assert (finding.conclusion, sent) == (Conclusion.STOPPED, 2)


def test_a_passing_that_does_not_pass_again_is_not_confirmed() -> None:
    answers = iter([DENIED, DENIED, PASSED, PASSED, DENIED, DENIED])
    _, search = _search()
    finding, _ = _run(search, lambda changes: next(answers))
    assert not finding.confirmed


def test_another_page_with_the_same_status_is_no_pass() -> None:
    other = Seen(status=403, server="nginx", words=frozenset(["quite", "another", "page"]))
    assert judge(other, Seen(status=403, server="cdn", words=frozenset(["request", "blocked"]))) is Result.OTHER


def test_a_403_that_becomes_a_401_without_credentials_says_that_the_caller_is_known() -> None:
    ask = ask_from(b"GET /p HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer abcdefgh12345\r\n\r\n")
    search = Search(ordered(parts.groups(ask, Redactor()), Cause.UNKNOWN))
    finding, _ = _run(
        search,
        lambda changes: DENIED if apply(ask, changes).get(b"authorization") else Seen(status=401),  # type: ignore[arg-type]
    )
    assert (finding.conclusion, finding.deduced) == (Conclusion.NOTHING, Cause.INSUFFICIENT_SCOPE)


@pytest.mark.parametrize(
    ("denied", "found"),
    [
        (lambda path: path.startswith("/a/private/"), "/a/private/"),
        (lambda path: path.endswith(".sql"), ".sql"),
        (lambda path: path == "/a/private/x1.sql", "/a/private/x1.sql"),
        (lambda path: path.startswith("/a/"), "/a/"),
    ],
)
def test_the_part_of_the_path_that_decides_is_named(denied: Callable[[str], bool], found: str) -> None:
    ask = ask_from(b"GET /a/private/x1.sql HTTP/1.1\r\nHost: a.test\r\n\r\n")
    search = Search([], [*parts.segments(ask)])

    def server(changes: tuple[object, ...]) -> Seen:
        return DENIED if denied(apply(ask, changes).target.decode()) else Seen(status=404)  # type: ignore[arg-type]

    finding, _ = _run(search, server)
    assert [c.name for c in finding.changes] == [found]


@given(st.lists(st.sampled_from(["select", "a", "b", "%27", "+", "-", "union", "x1"]), min_size=1, max_size=20))
@CALM
def test_the_part_of_a_value_that_is_denied_is_found(words: list[str]) -> None:
    value = "+".join(words)
    ask = ask_from(f"GET /p?n=1&q={value}+evil+{value} HTTP/1.1\r\nHost: a.test\r\n\r\n".encode())

    def server(changes: tuple[object, ...]) -> Seen:
        return DENIED if b"evil" in apply(ask, changes).target else PASSED  # type: ignore[arg-type]

    search = Search(ordered(parts.groups(ask, Redactor()), Cause.UNKNOWN), narrow=True)
    finding, sent = _run(search, server)
    assert b"evil" in finding.enough
    assert len(finding.enough) < len(value) + 12
    assert finding.confirmed
    assert sent <= 40


@given(st.binary())
@CALM
def test_pieces_are_the_whole_value(value: bytes) -> None:
    assert b"".join(pieces(value)) == value
    assert len(pieces(value)) <= MOST
