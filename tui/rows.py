"""The lines of the timeline: refused handshakes first, then the exchanges in time order."""

from __future__ import annotations

from typing import Any

from tracer.model.verdict import Verdict
from tracer.store.listing import Listing, Row


class Rows:
    """A listing with the denials that never became an exchange in front of it; by position, like `Listing`."""

    def __init__(self, trace: Any, only: frozenset[str] | None = None) -> None:
        self._listing = Listing(trace, only=only)
        refused = [v for v in trace.verdicts() if v.status is None and trace.exchange(v.exchange) is None]
        self._refused = [_row(v) for v in refused]
        times = [row.start_ns for row in self._refused if row.start_ns is not None]
        known = [self._listing.begin_ns] if len(self._listing) else []
        self.begin_ns = min(times + known, default=0)
        self.end_ns = max([*times, self._listing.end_ns], default=self.begin_ns)

    def __len__(self) -> int:
        return len(self._refused) + len(self._listing)

    @property
    def exchanges(self) -> int:
        return len(self._listing)

    def row(self, at: int) -> Row:
        """The row at a position."""
        first = len(self._refused)
        return self._refused[at] if at < first else self._listing.row(at - first)

    def position(self, name: str) -> int | None:
        """Where the exchange or handshake with this id stands."""
        for at, row in enumerate(self._refused):
            if row.id == name:
                return at
        found = self._listing.position(name)
        return None if found is None else found + len(self._refused)

    def next_denial(self, at: int, step: int) -> int | None:
        """Position of the next (1) or previous (-1) denial, going round; None when there is none."""
        first = len(self._refused)
        if 0 <= at + step < first:
            return at + step
        found = self._listing.next_denial(at - first, step)
        if found is None:
            return (at + step) % first if first else None
        goes_round = (found + first <= at) if step > 0 else (found + first >= at)
        if goes_round and first:
            return 0 if step > 0 else first - 1
        return found + first


def _row(verdict: Verdict) -> Row:
    host = (verdict.url or "").removeprefix("https://").rstrip("/")
    return Row(
        id=verdict.exchange,
        method="TLS",
        status=None,
        host=host or None,
        target="  handshake refused",
        start_ns=verdict.time_ns,
        response_ns=None,
        end_ns=verdict.time_ns,
        denied=True,
        url=verdict.url,
        client=None,
        server=verdict.hop.address,
        protocol="TLS",
        size=None,
    )
