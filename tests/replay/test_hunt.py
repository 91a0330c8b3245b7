"""A search keeps to its limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from tests.replay.asks import ask_from, recorded
from tracer.model.verdict import Cause
from tracer.redact import Redactor
from tracer.replay import parts
from tracer.replay.asked import Ask
from tracer.replay.door import Answer
from tracer.replay.hunt import Hunt, Limits
from tracer.replay.search import Conclusion, Finding, Search, ordered

RAW = b"GET /p?a=1&b=2&c=3 HTTP/1.1\r\nHost: a.test\r\nCookie: d=4; e=5\r\nX-F: 6\r\n\r\n"
REFUSAL = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class _Wire:
    """Answers in turn, the last one for ever."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self._answers = iter(answers)
        self._last = Answer()

    def send(self, ask: Ask) -> Answer:
        self._last = next(self._answers, self._last)
        return self._last


def _answer(raw: bytes = REFUSAL, took_ns: int = 1_000_000) -> Answer:
    return Answer(exchange=recorded(b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", raw), took_ns=took_ns)


def _hunt(
    answers: Iterable[Answer], budget: int = 40, sleep: Callable[[float], None] | None = None
) -> tuple[Hunt, Finding]:
    ask = ask_from(RAW)
    limits = Limits(budget=budget, pace_ns=0 if sleep is None else 2 * 10**9)
    hunt = Hunt(ask, _Wire(answers), limits, sleep=sleep or (lambda _: None))
    found = ordered(parts.groups(ask, Redactor()), Cause.UNKNOWN)
    return hunt, hunt.run(Search(found, [*parts.segments(ask)]))


def test_the_pace_is_kept() -> None:
    waits: list[float] = []
    hunt, _ = _hunt([_answer()], sleep=waits.append)
    assert len(waits) == hunt.sent - 1
    assert all(1.5 < wait <= 2 for wait in waits)


def test_the_last_two_of_a_budget_confirm_what_was_found() -> None:
    """Three parameters pass together at the third request; there is no budget left to part them."""
    no, yes = _answer(), _answer(FINE)
    hunt, finding = _hunt([no, no, yes, no, yes], budget=5)
    assert hunt.sent == 5
    assert (finding.conclusion, finding.confirmed, finding.minimal) == (Conclusion.FOUND, True, False)
    assert len(finding.changes) == 3


def test_answers_that_become_slower_and_slower_end_it() -> None:
    def slower() -> Iterator[Answer]:
        for n in range(100):
            yield _answer(took_ns=10**7 if n < 2 else 10**9 * n)

    hunt, finding = _hunt(slower())
    assert finding.conclusion is Conclusion.STOPPED
    assert "slower" in finding.stopped
    assert hunt.sent == 5


def test_a_server_that_falls_silent_is_left_alone() -> None:
    hunt, finding = _hunt([_answer(), _answer(), Answer(error="the connection broke")])
    assert (finding.conclusion, hunt.sent) == (Conclusion.STOPPED, 4)


def test_an_interruption_keeps_what_was_found() -> None:
    def interrupted() -> Iterator[Answer]:
        yield from (_answer(), _answer(), _answer(FINE))
        raise KeyboardInterrupt

    hunt, finding = _hunt(interrupted())
    assert hunt.interrupted
    assert (finding.conclusion, finding.confirmed) == (Conclusion.FOUND, False)


def test_changes_are_made_on_the_request_that_was_recorded() -> None:
    seen: list[bytes] = []

    class Keeps(_Wire):
        def send(self, ask: Ask) -> Answer:
            seen.append(ask.target)
            return super().send(ask)

    ask = msgspec.structs.replace(ask_from(RAW))
    hunt = Hunt(ask, Keeps([_answer()]), Limits(budget=6, pace_ns=0))
    hunt.run(Search(ordered(parts.groups(ask, Redactor()), Cause.UNKNOWN)))
    assert seen[:3] == [b"/p?a=1&b=2&c=3", b"/p?a=1&b=2&c=3", b"/p"]
