"""IP datagrams from their fragments.

Where fragments overlap, the bytes that arrived first are kept. A datagram that is not complete a minute after its
first fragment is given up (RFC 8200 section 4.5), as is the oldest when there are too many; each of those is
counted for `ip.fragments`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

Key = tuple[tuple[int, int], tuple[int, int], int, int]
"""source, destination, identification, protocol"""

_MOST_DATAGRAMS = 4096
_MOST_BYTES = 64 << 20
_MOST_SIZE = 1 << 16
_LIFETIME_NS = 60 * 10**9
_REPEAT_NS = 10**9
"""fragments of a datagram that was complete this short a time ago are copies"""


class _Datagram:
    """Pieces of one datagram, ascending and apart."""

    __slots__ = ("held", "number", "pieces", "starts", "time_ns", "total")

    def __init__(self, number: int, time_ns: int) -> None:
        self.number = number
        self.time_ns = time_ns
        self.starts: list[int] = []
        self.pieces: list[bytes] = []
        self.held = 0
        self.total: int | None = None

    def add(self, start: int, data: bytes) -> None:
        """Keep those of the bytes that were not there yet."""
        end = start + len(data)
        at = start
        index = max(0, bisect_right(self.starts, start) - 1)
        while at < end:
            while index < len(self.starts) and self.starts[index] + len(self.pieces[index]) <= at:
                index += 1
            if index < len(self.starts) and self.starts[index] <= at:
                at = self.starts[index] + len(self.pieces[index])
                continue
            stop = min(end, self.starts[index]) if index < len(self.starts) else end
            self.starts.insert(index, at)
            self.pieces.insert(index, data[at - start : stop - start])
            self.held += stop - at
            at = stop


class Fragments:
    """Datagrams that are not complete yet."""

    def __init__(self, lose: Callable[[int], None]) -> None:
        self._lose = lose
        """called with the first packet's number of each datagram that is given up"""
        self._open: dict[Key, _Datagram] = {}
        self._done: dict[Key, int] = {}
        self._held = 0

    def add(self, key: Key, start: int, data: bytes, more: bool, number: int, time_ns: int) -> bytes | None:
        """The payload of the datagram when this fragment completes it."""
        if start + len(data) > _MOST_SIZE or not data or self._is_copy(key, time_ns):
            return None
        datagram = self._open.get(key)
        if datagram is not None and time_ns - datagram.time_ns > _LIFETIME_NS:
            self._drop(key)
            datagram = None
        if datagram is None:
            datagram = self._open[key] = _Datagram(number, time_ns)
        before = datagram.held
        datagram.add(start, data)
        self._held += datagram.held - before
        if not more and datagram.total is None:
            datagram.total = start + len(data)
        if datagram.total is not None and datagram.held >= datagram.total:
            return self._complete(key, datagram, time_ns)
        while len(self._open) > _MOST_DATAGRAMS or self._held > _MOST_BYTES:
            self._drop(next(iter(self._open)))
        return None

    def finish(self) -> None:
        """Give up what is still not complete."""
        for key in list(self._open):
            self._drop(key)

    def _is_copy(self, key: Key, time_ns: int) -> bool:
        done = self._done.get(key)
        return done is not None and 0 <= time_ns - done < _REPEAT_NS

    def _complete(self, key: Key, datagram: _Datagram, time_ns: int) -> bytes:
        del self._open[key]
        self._held -= datagram.held
        self._done.pop(key, None)
        self._done[key] = time_ns
        if len(self._done) > _MOST_DATAGRAMS:
            del self._done[next(iter(self._done))]
        return b"".join(datagram.pieces)[: datagram.total]

    def _drop(self, key: Key) -> None:
        datagram = self._open.pop(key)
        self._held -= datagram.held
        self._lose(datagram.number)
