"""HPACK header blocks (RFC 7541), read by an observer: bounded, and honest after bytes were lost.

The tables and the Huffman code come from `hpack`; the walk is our own, since a block that points into a table
whose beginning was not captured must cost the fields it points at, not the block. The newest entry has the lowest
index (section 2.3.3), so entries added after a loss keep their right numbers.
"""

from __future__ import annotations

from collections import deque
from functools import cache, lru_cache

from tracer.model.http import Headers

TABLE_LIMIT = 1 << 20
"""bytes of dynamic table, whatever a peer asks for"""
LIST_LIMIT = 1 << 20
"""bytes of one header list"""
EXPANSION, FREE = 200, 64 << 20
"""bytes of header lists that a byte of header blocks may stand for on one connection; so many more for nothing. Header
lists of browsers are 100 times their blocks at most; a bomb's are 4000 times (CVE-2016-6581)"""
STATIC = 61
"""entries of the static table (RFC 7541 appendix A)"""


class BlockError(ValueError):
    """The block breaks the format: nothing after the break can be read."""


@cache
def _static() -> tuple[tuple[bytes, bytes], ...]:
    """The static table (RFC 7541 appendix A)."""
    from hpack.table import HeaderTable

    return tuple((bytes(name), bytes(value)) for name, value in HeaderTable.STATIC_TABLE)


class HeaderDecoder:
    """The decoding state of one direction."""

    def __init__(self, whole: bool = True) -> None:
        self.static = _static()
        self.entries: deque[tuple[bytes, bytes]] = deque()
        self.size = 0
        self.limit = 4096
        self.allowed = FREE
        """bytes of header lists that may still come"""
        self.whole = whole
        """the table was followed from the start of the connection"""

    def lose(self) -> None:
        """A block was not seen: what the table held before is not known any more."""
        self.entries.clear()
        self.size = 0
        self.whole = False

    def decode(self, data: bytes) -> tuple[Headers, int]:
        """(fields in order, how many point at entries that were not captured); raises BlockError."""
        fields: list[tuple[bytes, bytes]] = []
        at, total, unknown, end, static = 0, 0, 0, len(data), self.static
        while at < end:
            first = data[at]
            field: tuple[bytes, bytes] | None
            if 0x80 < first <= 0x80 + STATIC:
                field = static[first - 0x81]
                at += 1
            elif first & 0x80:
                index, at = prefixed(data, at, 7)
                field = self._entry(index)
            elif first & 0x60 == 0x20:
                limit, at = prefixed(data, at, 5)
                self._resize(limit)
                continue
            else:
                adding = first & 0x40
                index, at = prefixed(data, at, 6 if adding else 4)
                field, at = self._literal(data, at, index)
                if adding:
                    self._add(field)
            if field is None:
                unknown += 1
                continue
            total += len(field[0]) + len(field[1]) + 32
            if total > LIST_LIMIT:
                raise BlockError(f"a header list of more than {LIST_LIMIT} bytes")
            fields.append(field)
        self.allowed += EXPANSION * end - total
        if self.allowed < 0:
            self.allowed = 0
            raise BlockError(f"header lists of {EXPANSION} times the size of their blocks")
        return tuple(fields), unknown

    def _literal(self, data: bytes, at: int, index: int) -> tuple[tuple[bytes, bytes] | None, int]:
        name: bytes | None
        if 0 < index <= STATIC:
            name = self.static[index - 1][0]
        elif index:
            entry = self._entry(index)
            name = entry[0] if entry else None
        else:
            name, at = _string(data, at)
        value, at = _string(data, at)
        return (None if name is None else (name, value)), at

    def _entry(self, index: int) -> tuple[bytes, bytes] | None:
        if not index:
            raise BlockError("index 0 (RFC 7541 section 6.1)")
        if index <= STATIC:
            return self.static[index - 1]
        place = index - STATIC - 1
        if place < len(self.entries):
            return self.entries[place]
        if self.whole:
            raise BlockError(f"index {index} beyond the table (RFC 7541 section 2.3.3)")
        return None

    def _add(self, field: tuple[bytes, bytes] | None) -> None:
        """Unknown entries take a place as well, so that later indices stay right."""
        entry = field or (b"", b"")
        self.entries.appendleft(entry)
        self.size += len(entry[0]) + len(entry[1]) + 32
        self._evict()

    def _resize(self, limit: int) -> None:
        self.limit = min(limit, TABLE_LIMIT)
        self._evict()

    def _evict(self) -> None:
        while self.size > self.limit and self.entries:
            name, value = self.entries.pop()
            self.size -= len(name) + len(value) + 32


def prefixed(data: bytes, at: int, bits: int) -> tuple[int, int]:
    """(value, place after it) (RFC 7541 section 5.1)."""
    if at >= len(data):
        raise BlockError("an integer that is missing")
    mask = (1 << bits) - 1
    value = data[at] & mask
    at += 1
    if value < mask:
        return value, at
    shift = 0
    while True:
        if at >= len(data) or shift > 28:
            raise BlockError("an integer that is cut or too long (RFC 7541 section 5.1)")
        byte = data[at]
        at += 1
        value += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """(string, place after it) (RFC 7541 section 5.2)."""
    if at >= len(data):
        raise BlockError("a string that is missing")
    packed = data[at] & 0x80
    length, at = prefixed(data, at, 7)
    raw = data[at : at + length]
    if len(raw) < length:
        raise BlockError("a string that ends after its block")
    return (unpack(raw) if packed else raw), at + length


@lru_cache(maxsize=16384)
def unpack(data: bytes) -> bytes:
    """Huffman-coded bytes decoded (RFC 7541 appendix B); the same strings come again and again."""
    from hpack.exceptions import HPACKDecodingError
    from hpack.huffman_table import decode_huffman

    try:
        return decode_huffman(data)
    except HPACKDecodingError as error:
        raise BlockError("a broken Huffman string") from error
