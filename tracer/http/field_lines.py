"""Field lines of a QPACK header block, as far as is needed to bound it before it is decoded (RFC 9204 section 4.5)."""

from __future__ import annotations

from .header_blocks import BlockError, prefixed


def references(block: bytes) -> int:
    """How many field lines take a name or a value from a table; lines that cannot be read count until there."""
    count = 0
    try:
        _, at = prefixed(block, 0, 8)
        _, at = prefixed(block, at, 7)
        while at < len(block):
            count, at = _line(block, at, count)
    except BlockError:
        pass
    return count


def _line(block: bytes, at: int, count: int) -> tuple[int, int]:
    first = block[at]
    if first & 0x80:  # indexed, section 4.5.2
        return count + 1, prefixed(block, at, 6)[1]
    if first & 0x40:  # literal with name reference, section 4.5.4
        return count + 1, _string(block, prefixed(block, at, 4)[1], 7)
    if first & 0x20:  # literal with literal name, section 4.5.6
        return count, _string(block, _string(block, at, 3), 7)
    if first & 0x10:  # indexed after the base, section 4.5.3
        return count + 1, prefixed(block, at, 4)[1]
    return count + 1, _string(block, prefixed(block, at, 3)[1], 7)  # name after the base, section 4.5.5


def _string(block: bytes, at: int, bits: int) -> int:
    """The place after a string."""
    length, at = prefixed(block, at, bits)
    return at + length
