"""The search: a generator that asks for experiments, is told what came of each, and returns a finding.

It knows no network and no clock. First the denial must happen again, twice. Then groups of elements are replaced,
the likeliest first; where that helps, delta debugging finds the few that it takes; what passes must pass again and
what was denied be denied again, or the finding is not confirmed. The path is looked at last, since under another
path almost anything passes.
"""

from __future__ import annotations

import enum
from collections.abc import Generator, Iterable, Sequence

import msgspec

from tracer.model.verdict import Cause

from .change import Change
from .minimise import minimise
from .narrow import pieces, whole_value, with_value
from .outcome import Result, Seen, is_denied, judge
from .parts import Element, Group

WORKS = frozenset((Result.PASSED, Result.REACHED))
_REPEATS = 2
"""how often the denial must happen again"""
NARROWING = 16
"""requests to find the part of a value"""
CONFIRMING = 2
"""requests that confirm a finding"""
_FLAKY_REPEATS = 3
"""further tries when it did not happen each time"""


class Conclusion(enum.StrEnum):
    FOUND = "found"
    NOT_REPRODUCED = "not-reproduced"
    """the request passes now"""
    UNSTABLE = "unstable"
    """denied at one time, not at another, without any change"""
    NOTHING = "nothing-found"
    STOPPED = "stopped"


class EnoughError(Exception):
    """Thrown into the search when no more requests may be sent; the text says why."""

    def __init__(self, text: str, spare: int = 0) -> None:
        super().__init__(text)
        self.spare = spare
        """requests that may still be sent to confirm what was found"""


class Experiment(msgspec.Struct, frozen=True):
    """A request to send: the recorded one with these changes."""

    changes: tuple[Change, ...]
    about: str
    """`as recorded`, the name of a group, `again`"""


class Tried(msgspec.Struct, frozen=True):
    """An experiment and what came of it."""

    experiment: Experiment
    seen: Seen
    result: Result


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What the search found."""

    conclusion: Conclusion
    changes: tuple[Change, ...] = ()
    """the smallest change found that turns the denial into something else"""
    group: str = ""
    adds: bool = False
    """the request lacked something"""
    denied: Seen = Seen()
    passed: Seen = Seen()
    minimal: bool = False
    """nothing of the change can be left out"""
    confirmed: bool = False
    """denied again without it, and passed again with it, after it was found"""
    deduced: Cause | None = None
    """what other answers tell about the cause although nothing passes"""
    stopped: str = ""
    """why it ended before its end"""
    enough: bytes = b""
    """of the value that was found, a part that is denied by itself; as it stood in the request"""
    tried: tuple[Tried, ...] = ()


LIKELY: dict[Cause, tuple[str, ...]] = {
    Cause.WAF_RULE: ("query", "form", "json", "body", "cookies", "agent", "headers"),
    Cause.CLIENT_DENIED: ("agent", "usual", "tls", "version"),
    Cause.REFERER_DENIED: ("source", "usual"),
    Cause.CSRF_FAILED: ("passing", "source", "usual", "script", "cookies"),
    Cause.CORS_DENIED: ("source", "method"),
    Cause.METHOD_DENIED: ("method", "content-type"),
    Cause.REQUEST_REJECTED: ("content-type", "usual", "query"),
    Cause.HOST_DENIED: ("host",),
    Cause.CLIENT_CERT_MISSING: ("certificate",),
    Cause.CLIENT_CERT_REJECTED: ("certificate",),
    Cause.CREDENTIALS_MISSING: ("given", "passing", "cookies"),
    Cause.CREDENTIALS_EXPIRED: ("given", "passing", "cookies", "credentials"),
    Cause.CREDENTIALS_INVALID: ("given", "passing", "cookies", "credentials"),
}
"""groups to begin with, by what the judge thinks"""
ORDER = (
    *("certificate", "given", "query", "form", "json", "body", "cookies", "agent", "source", "headers", "content-type"),
    *("passing", "usual", "script", "credentials", "version", "host", "method", "tls"),
)


def ordered(found: Iterable[Group], cause: Cause) -> list[Group]:
    """The groups, the likeliest first."""
    ranks = {name: n for n, name in enumerate(dict.fromkeys((*LIKELY.get(cause, ()), *ORDER)))}
    return sorted(found, key=lambda group: ranks.get(group.name.partition(" ")[0], len(ranks)))


class Search:
    """One search. `run` is the generator."""

    def __init__(self, found: Sequence[Group], path: Sequence[Element] = (), narrow: bool = False) -> None:
        self._groups = found
        self._path = path
        self._narrow = narrow
        self._enough = b""
        self._denial = Seen()
        self._known: dict[frozenset[Change], Result] = {}
        self._tried: list[Tried] = []
        self._best: tuple[tuple[Element, ...], Group] | None = None
        self._passed = Seen()
        self._others: dict[str, Seen] = {}
        """what other denials groups led to"""

    def run(self) -> Generator[Experiment, Seen, Finding]:
        """Ask for experiments until something is known."""
        stopped, spare = "", CONFIRMING
        try:
            ended = yield from self._reproduce()
            if ended is not None:
                return ended
            yield from self._look()
        except EnoughError as enough:
            stopped, spare = str(enough), enough.spare
        if self._best is None:
            return self._end(Conclusion.STOPPED, stopped=stopped) if stopped else self._nothing()
        confirmed, minimal = False, not stopped
        try:
            if spare >= CONFIRMING:
                confirmed, denied_again = yield from self._confirm()
                if not denied_again:
                    return self._end(Conclusion.UNSTABLE)
            if self._narrow and confirmed:
                yield from self._narrow_down()
        except EnoughError as enough:
            stopped = stopped or str(enough)
        return self._found(minimal=minimal, confirmed=confirmed, stopped=stopped)

    # -- is there a denial at all

    def _reproduce(self) -> Generator[Experiment, Seen, Finding | None]:
        answers = []
        for _ in range(_REPEATS):
            answers.append((yield from self._ask((), "as recorded")))
            if answers[-1].status is None and not answers[-1].refused:
                raise EnoughError(f"there is no answer: {answers[-1].error or 'the connection was closed'}")
            if is_denied(answers[-1]):
                self._denial = answers[-1]
        denied = [a for a in answers if is_denied(a)]
        if not denied:
            return self._end(Conclusion.NOT_REPRODUCED, passed=answers[-1])
        if len(denied) < len(answers) or judge(answers[0], answers[1]) is not Result.DENIED:
            for _ in range(_FLAKY_REPEATS):
                yield from self._ask((), "as recorded")
            return self._end(Conclusion.UNSTABLE)
        if self._denial.status == 429 or self._denial.retry_after:
            raise EnoughError("the denial is a rate limit or asks to come back later; more requests would only feed it")
        self._known[frozenset()] = Result.DENIED
        return None

    # -- what makes a difference

    def _look(self) -> Generator[Experiment, Seen, None]:
        for group in self._groups:
            if (yield from self._try_group(group)):
                return
        removing = [g for g in self._groups if not g.adds and g.name.partition(" ")[0] in _TOGETHER]
        if len(removing) > 1:
            together = tuple(e for g in removing for e in g.ways[0])
            if (yield from self._try_group(Group(name="together", ways=(together,)))):
                return
        for element in self._path:
            works = yield from self._works((element,), Group(name="path", ways=((element,),)))
            if works:
                return

    def _try_group(self, group: Group) -> Generator[Experiment, Seen, bool]:
        for way in group.ways:
            if (yield from self._works(way, group)):

                def works(part: tuple[Element, ...]) -> Generator[Experiment, Seen, bool]:
                    return (yield from self._works(part, group))

                yield from minimise(way, works)
                return True
            if self._result(way) is Result.DENIED and not group.every:
                return False
        return False

    def _works(self, elements: tuple[Element, ...], group: Group) -> Generator[Experiment, Seen, bool]:
        """The request with these elements replaced gets through."""
        changes = _changes(elements)
        if (result := self._known.get(frozenset(changes))) is None:
            seen = yield from self._ask(changes, group.name)
            result = self._known[frozenset(changes)] = self._tried[-1].result
            if result is Result.OTHER:
                self._others.setdefault(group.name, seen)
            if result in WORKS:
                self._passed = seen
        if result in WORKS and (self._best is None or len(elements) < len(self._best[0])):
            self._best = elements, group
        return result in WORKS

    def _result(self, elements: tuple[Element, ...]) -> Result | None:
        return self._known.get(frozenset(_changes(elements)))

    # -- is it so

    def _confirm(self) -> Generator[Experiment, Seen, tuple[bool, bool]]:
        """(it is confirmed, the denial happened again)."""
        assert self._best is not None
        denied = yield from self._ask((), "again, as recorded")
        if denied.cached and self._tried[-1].result is Result.PASSED:
            raise EnoughError("since then a cache answers in the server's place")
        denied_again = is_denied(denied) and judge(denied, self._denial) is Result.DENIED
        passed = yield from self._ask(_changes(self._best[0]), "again, changed")
        return denied_again and judge(passed, self._denial) in WORKS, denied_again

    def _narrow_down(self) -> Generator[Experiment, Seen, None]:
        """Delta debugging once more, over the pieces of the value: as few as are still denied."""
        assert self._best is not None
        elements, _ = self._best
        value = whole_value(elements[0].changes[0]) if len(elements) == 1 else None
        if value is None:
            return
        (change,) = elements[0].changes
        asked = 0

        def denied(part: tuple[bytes, ...]) -> Generator[Experiment, Seen, bool]:
            nonlocal asked
            asked += 1
            if asked > NARROWING:
                return False
            yield from self._ask((with_value(change, b"".join(part)),), "part of it")
            if self._tried[-1].result is Result.DENIED:
                self._enough = b"".join(part)
            return self._tried[-1].result is Result.DENIED

        yield from minimise(pieces(value), denied)

    def _ask(self, changes: tuple[Change, ...], about: str) -> Generator[Experiment, Seen, Seen]:
        experiment = Experiment(changes, about)
        seen = yield experiment
        if is_denied(self._denial):
            result = judge(seen, self._denial)
        else:
            result = Result.DENIED if is_denied(seen) else Result.PASSED if seen.status else Result.BROKEN
        self._tried.append(Tried(experiment, seen, result))
        if result is Result.LIMITED:
            raise EnoughError(f"the server begins to limit ({seen}); nothing more is sent")
        return seen

    # -- what is said of it

    def _found(self, *, minimal: bool, confirmed: bool, stopped: str = "") -> Finding:
        assert self._best is not None
        elements, group = self._best
        return Finding(
            conclusion=Conclusion.FOUND,
            changes=_changes(elements),
            group=group.name,
            adds=group.adds,
            denied=self._denial,
            passed=self._passed,
            minimal=minimal or len(elements) == 1,
            confirmed=confirmed,
            stopped=stopped,
            enough=self._enough,
            tried=tuple(self._tried),
        )

    def _nothing(self) -> Finding:
        without = self._others.get("credentials")
        known = self._denial.status == 403 and without is not None and without.status == 401
        return self._end(Conclusion.NOTHING, deduced=Cause.INSUFFICIENT_SCOPE if known else None)

    def _end(
        self, conclusion: Conclusion, *, passed: Seen | None = None, stopped: str = "", deduced: Cause | None = None
    ) -> Finding:
        return Finding(
            conclusion=conclusion,
            denied=self._denial,
            passed=passed or Seen(),
            stopped=stopped,
            deduced=deduced,
            tried=tuple(self._tried),
        )


_TOGETHER = frozenset(("query", "form", "json", "body", "cookies", "agent", "source", "headers", "content-type"))


def _changes(elements: tuple[Element, ...]) -> tuple[Change, ...]:
    return tuple(dict.fromkeys(c for element in elements for c in element.changes))
