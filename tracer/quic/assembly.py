"""Pieces with offsets to bytes in order: CRYPTO and STREAM data, bounded."""

from __future__ import annotations

from bisect import insort

from tracer.transport.stream import Mark

HELD = 4 << 20
"""bytes held behind a hole"""
MOST_HELD = 4096
"""pieces held behind a hole"""


class Assembly:
    """One direction of one stream; the copy seen first wins."""

    def __init__(self) -> None:
        self.next = 0
        self.final: int | None = None
        """length of the whole, once known"""
        self._held: list[tuple[int, bytes, Mark]] = []
        self._holding = 0

    def add(self, offset: int, data: bytes, mark: Mark, fin: bool = False) -> list[tuple[bytes, Mark, int]]:
        """What is in order now: (bytes, where from, bytes missing before them)."""
        if fin:
            self.final = offset + len(data)
        if offset + len(data) > self.next and data:
            insort(self._held, (offset, data, mark), key=lambda piece: piece[0])
            self._holding += len(data)
        out = self._drain(force=False)
        while self._holding > HELD or len(self._held) > MOST_HELD:
            out += self._drain(force=True)
        return out

    def give_up(self) -> list[tuple[bytes, Mark, int]]:
        """What is held behind holes, the holes told."""
        out = []
        while self._held:
            out += self._drain(force=True)
        return out

    def _drain(self, force: bool) -> list[tuple[bytes, Mark, int]]:
        out = []
        done = 0
        for offset, data, mark in self._held:
            if offset > self.next and not force:
                break
            done += 1
            self._holding -= len(data)
            missing = max(0, offset - self.next)
            data = data[max(0, self.next - offset) :]
            if data:
                out.append((data, mark, missing))
                self.next += missing + len(data)
            force = False
        del self._held[:done]
        return out

    @property
    def is_over(self) -> bool:
        return self.final is not None and self.next >= self.final
