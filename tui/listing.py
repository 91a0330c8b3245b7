"""The rows of a trace in time order, by position: what the timeline draws from."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class Row(NamedTuple):
    """What one line of the timeline shows."""

    id: str
    method: str
    status: int | None
    host: str
    target: str
    start_ns: int | None
    response_ns: int | None
    end_ns: int | None
    denied: bool

    @property
    def duration_ns(self) -> int | None:
        """From the request's first byte to the response's last; None where one of them is unknown."""
        return self.end_ns - self.start_ns if self.start_ns is not None and self.end_ns is not None else None


class Listing(Protocol):
    """Rows by position, cheap for any number of them."""

    begin_ns: int
    end_ns: int

    def __len__(self) -> int: ...
    def row(self, at: int) -> Row: ...
    def position(self, exchange: str) -> int | None:
        """Where the exchange with this id stands."""
        ...

    def next_denial(self, at: int, step: int) -> int | None:
        """Position of the next (step 1) or previous (-1) denied exchange, going round; None when there is none."""
        ...
