"""Reading length-prefixed structures (RFC 8446 section 3): small combinators over bytes, never past the end."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator


class ShortError(ValueError):
    """The bytes end before the structure does."""


class Cursor:
    """A place in some bytes."""

    __slots__ = ("at", "data", "end")

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def __len__(self) -> int:
        return self.end - self.at

    def take(self, n: int) -> bytes:
        """Exactly `n` bytes; raises ShortError."""
        if n > self.end - self.at:
            raise ShortError(f"{n} bytes wanted, {self.end - self.at} there")
        data = self.data[self.at : self.at + n]
        self.at += n
        return data

    def number(self, n: int) -> int:
        """A big-endian number of `n` bytes."""
        return int.from_bytes(self.take(n))

    def opaque(self, n: int) -> bytes:
        """Bytes behind a length of `n` bytes."""
        return self.take(self.number(n))

    def inside(self, n: int) -> Cursor:
        """A cursor over what stands behind a length of `n` bytes."""
        return Cursor(self.opaque(n))

    def rest(self) -> bytes:
        return self.take(len(self))


def items[T](cursor: Cursor, read: Callable[[Cursor], T]) -> Iterator[T]:
    """What `read` finds until the cursor's end; a last piece that is cut is left out."""
    while len(cursor):
        try:
            yield read(cursor)
        except ShortError:
            return


def numbers(data: bytes, size: int = 2) -> tuple[int, ...]:
    """The bytes as big-endian numbers of `size` bytes."""
    if size == 2:
        return struct.unpack(f">{len(data) // 2}H", data[: len(data) & ~1])
    return tuple(int.from_bytes(data[i : i + size]) for i in range(0, len(data) - size + 1, size))
