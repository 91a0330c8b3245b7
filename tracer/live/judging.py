"""Verdicts as denials happen: each denial is judged among the exchanges around it, a bounded number of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from tracer.correlate import correlate
from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange
from tracer.model.tls import Handshake
from tracer.model.verdict import Verdict
from tracer.opening import bug
from tracer.store.coding import is_denial
from tracer.store.listing import Follower
from tracer.store.trace import Trace, Where

from .conversion import NAME
from .interception import refused_by_client, through_proxy

AROUND = 400
"""exchanges before a denial that are looked at with it"""
HOLD = 1.5
"""seconds in which a 401 or 407 may still be overcome by the same client"""
MOST = 5000
"""denials that wait; further ones are judged when the trace is read"""
_MAYBE = frozenset({400, 503})


class Judge:
    """`consider` every exchange, `work` now and then."""

    def __init__(self, trace: Trace, tell: Callable[[Verdict], None]) -> None:
        self._trace = trace
        self._tell = tell
        self._waiting: dict[str, float] = {}
        self._handshakes = Follower(trace, from_now=True, tables=("handshake",))

    def consider(self, exchange: Exchange) -> None:
        """Remember it when it may be a denial."""
        response = exchange.response
        if response is None or not (is_denial(exchange) or response.status in _MAYBE or _upgrade(exchange)):
            return
        if len(self._waiting) < MOST:
            self._waiting[exchange.id] = time.monotonic() + (HOLD if response.status in (401, 407) else 0.0)

    def work(self, final: bool = False) -> None:
        """Judge what has waited long enough, and handshakes that were refused since."""
        now = time.monotonic()
        due = frozenset(i for i, when in self._waiting.items() if final or when <= now)
        fresh = [h for h in self._handshakes.news() if isinstance(h, Handshake)]
        refused = frozenset(h.id for h in fresh if any(not a.client and a.level == 2 for a in h.alerts))
        try:
            for verdict in self._verdicts(due | refused):
                self._found(through_proxy(verdict, self._client_side(verdict)))
            for handshake in fresh:
                found = refused_by_client(handshake)
                if found is not None and self._trace.verdict_on(handshake.id) is None:
                    self._found(found)
        finally:
            for i in due:
                del self._waiting[i]

    def _found(self, verdict: Verdict) -> None:
        self._trace.verdict(verdict)
        self._tell(verdict)

    def _client_side(self, verdict: Verdict) -> Handshake | None:
        """The client's handshake with the proxy, where there is a proxy and TLS."""
        exchange = self._trace.exchange(verdict.exchange)
        name = exchange.extra.get("mitm.client-tls.handshake") if exchange else None
        return self._trace.handshake(name) if name else None

    def _verdicts(self, wanted: frozenset[str]) -> Iterator[Verdict]:
        if not wanted:
            return
        try:
            yield from correlate(_Around(self._trace), only=wanted)
        except Exception:  # a fault here must not cost the recording
            self._trace.problem(bug("judge.bug", NAME, "a denial could not be judged"))


class _Around:
    """The latest part of a trace, as the correlator reads one."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def exchanges(self) -> Iterator[Exchange]:
        return self._trace.exchanges(self._latest("exchange"))

    def handshakes(self) -> Iterator[Handshake]:
        return self._trace.handshakes(self._latest("handshake"))

    def connections(self) -> Iterator[Connection]:
        return self._trace.connections(self._latest("connection"))

    def _latest(self, table: str) -> Where:
        found = self._trace.select(f"SELECT n FROM {table} ORDER BY n DESC LIMIT 1 OFFSET {AROUND}")
        return Where("n > ?", (found[0][0] if found else 0,))

    def exchanges_named(self, names: Sequence[str], /) -> Iterator[Exchange]:
        return self._trace.exchanges_named(names)

    def handshakes_named(self, names: Sequence[str], /) -> Iterator[Handshake]:
        return self._trace.handshakes_named(names)

    def connections_named(self, names: Sequence[str], /) -> Iterator[Connection]:
        return self._trace.connections_named(names)

    def content(self, source: str, body: Body) -> bytes | None:
        return self._trace.content(source, body)


def _upgrade(exchange: Exchange) -> bool:
    return bool(exchange.request and exchange.request.get("upgrade"))
