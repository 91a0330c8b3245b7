"""Runs a search against a real server, within limits: a budget, a pace, and an eye for signs of rate limiting."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from .asked import Ask
from .change import apply
from .door import Answer
from .outcome import Seen, see
from .search import CONFIRMING, EnoughError, Experiment, Finding, Search

_SLOW_NS = 1_000_000_000
_SLOWER = 3
"""answers in a row, each slower than the one before, the last one four times slower than the first answers"""
_FIRST = 2
"""answers that say how fast the server is"""
_SILENT = 2
"""requests in a row without an answer"""


class Sends(Protocol):
    def send(self, ask: Ask) -> Answer: ...


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the user allows."""

    budget: int = 40
    """requests in all"""
    pace_ns: int = 250_000_000
    """nanoseconds from one request to the next"""


class Hunt:
    """One run of a search."""

    def __init__(
        self,
        ask: Ask,
        sender: Sends,
        limits: Limits,
        told: Callable[[int, Experiment, Seen], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._ask, self._sender, self._limits, self._told, self._sleep = ask, sender, limits, told, sleep
        self.sent = 0
        self.answers: list[Answer] = []
        self.interrupted = False
        self._spare = 0
        self._took: list[int] = []
        self._silent = 0
        self._last_ns: int | None = None

    def run(self, search: Search) -> Finding:
        """Send what the search asks for until it has found something or may not go on."""
        asking = search.run()
        try:
            experiment = next(asking)
            while True:
                try:
                    self._may_go_on()
                    seen = self._send(experiment)
                except EnoughError as enough:
                    self._spare = enough.spare
                    experiment = asking.throw(enough)
                except KeyboardInterrupt:
                    self.interrupted = True
                    experiment = asking.throw(EnoughError("interrupted"))
                else:
                    experiment = asking.send(seen)
        except StopIteration as stop:
            finding: Finding = stop.value
            return finding

    def _may_go_on(self) -> None:
        if self._spare:
            self._spare -= 1
            return
        if self.sent >= max(self._limits.budget - CONFIRMING, 1):
            spare = CONFIRMING if self._limits.budget - self.sent >= CONFIRMING else 0
            raise EnoughError(f"the budget of {self._limits.budget} requests is used up", spare)
        if self._silent >= _SILENT:
            raise EnoughError("the server does not answer any more")
        latest = self._took[-_SLOWER:]
        if (
            len(self._took) >= _FIRST + _SLOWER
            and latest == sorted(latest)
            and latest[-1] > max(_SLOW_NS, 4 * max(self._took[:_FIRST]))
        ):
            raise EnoughError("the answers come slower and slower, as of a server that begins to limit")

    def _send(self, experiment: Experiment) -> Seen:
        if self._last_ns is not None:
            wait = self._limits.pace_ns - (time.monotonic_ns() - self._last_ns)
            if wait > 0:
                self._sleep(wait / 1e9)
        self._last_ns = time.monotonic_ns()
        answer = self._sender.send(apply(self._ask, experiment.changes))
        self.sent += 1
        self.answers.append(answer)
        seen = see(answer)
        self._silent = self._silent + 1 if seen.status is None and not seen.refused else 0
        if seen.took_ns:
            self._took.append(seen.took_ns)
        if self._told:
            self._told(self.sent, experiment, seen)
        return seen
