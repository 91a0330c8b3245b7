"""The exchanges of a trace as the correlator knows them: a few columns of each, the whole when it is asked for."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Protocol, overload

from msgspec.structs import replace

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange
from tracer.model.tls import Handshake

from .columns import Columns

HELD = 2048
"""exchanges that were asked for last and are held whole"""


class ById[T](Protocol):
    """Values of a trace, by id."""

    def get(self, name: str, /) -> T | None: ...
    def fetch(self, names: Iterable[str], /) -> None: ...


class Kept[T: (Connection, Handshake)]:
    """Values that are read when they are asked for; those that were read last are kept."""

    def __init__(self, read: Callable[[Sequence[str]], Iterable[T]] = lambda _: ()) -> None:
        self._read: Callable[[Sequence[str]], Iterable[T]] = read
        self._kept: dict[str, T | None] = {}

    def get(self, name: str, /) -> T | None:
        """The value; None where there is none."""
        if name and name not in self._kept:
            self.fetch((name,))
        return self._kept[name] if name else None

    def fetch(self, names: Iterable[str], /) -> None:
        """Read these together: for who will ask for each of a few (not more than HELD)."""
        missing = [*dict.fromkeys(name for name in names if name not in self._kept)]
        if len(self._kept) + len(missing) > HELD:
            for old in [*self._kept][: HELD // 2]:
                del self._kept[old]
        self._kept.update(dict.fromkeys(missing))
        self._kept.update((value.id, value) for value in self._read(missing))


class Exchanges(Columns, Sequence[Exchange]):
    """In time order. `lookup` reads some again, by id; without it all are held. `content` gives the bytes of a page."""

    def __init__(
        self,
        exchanges: Iterable[Exchange],
        lookup: Callable[[Sequence[str]], Iterable[Exchange]] | None = None,
        content: Callable[[str, Body], bytes | None] | None = None,
    ) -> None:
        super().__init__(content)
        self._lookup = lookup
        self._held: dict[int, Exchange] = {}
        self._at: dict[str, int] = {}
        self.take(exchanges if lookup is not None else map(self._hold, count(), exchanges))

    @overload
    def __getitem__(self, position: int) -> Exchange: ...
    @overload
    def __getitem__(self, position: slice) -> list[Exchange]: ...
    def __getitem__(self, position: int | slice) -> Exchange | list[Exchange]:
        if isinstance(position, slice):
            return [self[p] for p in range(*position.indices(len(self)))]
        held = self._held.get(position)
        if held is None:
            if not 0 <= position < len(self) or self._lookup is None:
                raise IndexError(position)
            self.fetch((position,))
            held = self._held.get(position)
            if held is None:
                raise LookupError(f"exchange {self.name(position)} is no longer in the trace")
        return held

    def __iter__(self) -> Iterator[Exchange]:
        return (self[position] for position in range(len(self)))

    def fetch(self, positions: Iterable[int]) -> None:
        """Hold these for a while, read together: for who will ask for each of a few (not more than HELD)."""
        missing = {self.name(p): p for p in positions if p not in self._held}
        if missing and self._lookup is not None:
            for exchange in self._lookup([*missing]):
                self._hold(missing[exchange.id], exchange)

    def hold(self, exchanges: Iterable[Exchange]) -> None:
        """Hold all of them from now on; they are given in the same order."""
        self._lookup = None
        for position, exchange in enumerate(exchanges):
            self._hold(position, exchange)

    def position(self, exchange: Exchange) -> int:
        """Where the exchange is; raises LookupError when it is none of these."""
        at = self._at.get(exchange.id)
        if at is not None:
            return at
        start = exchange.timing.start_ns if exchange.timing.start_ns is not None else exchange.timing.response_start_ns
        low = bisect_left(self.time, start) if start is not None else 0
        for around in (range(low, len(self)), range(low)):
            for position in around:
                if self.name(position) == exchange.id:
                    self._hold(position, exchange)
                    return position
        raise LookupError(exchange.id)

    def _hold(self, position: int, exchange: Exchange) -> Exchange:
        if self._lookup is not None and len(self._held) >= HELD:
            for old in [*self._held][: HELD // 2]:
                del self._at[self._held.pop(old).id]
        held = self._held[position] = _lean(exchange)
        self._at[exchange.id] = position
        return held


def _lean(exchange: Exchange) -> Exchange:
    """Without what no rule reads, and may be large."""
    return replace(exchange, events=(), interim=()) if exchange.events or exchange.interim else exchange


def path_of(exchange: Exchange) -> str:
    """Path of the request without its query."""
    return path_in(exchange.request.url) if exchange.request else "/"


@lru_cache(8192)  # neighbours are asked again and again
def path_in(url: str) -> str:
    """Path of a URL without its query."""
    return "/" + url.partition("://")[2].partition("/")[2].partition("#")[0].partition("?")[0]
