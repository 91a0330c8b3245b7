"""Ids that were given out: how many values of one kind began in one packet."""

from __future__ import annotations

_PAGE = 12
"""packets of a page, as a power of two"""


class Given:
    """A bit for a packet, as long as the capture is read: nothing is forgotten, and no id is given out twice."""

    def __init__(self) -> None:
        self._pages: dict[tuple[str, int], bytearray] = {}
        self._more: dict[tuple[str, int], int] = {}
        """of the few packets in which several began: how many"""

    def count(self, kind: str, packet: int) -> int:
        """1 for the first value of that kind that begins in the packet, then 2, …"""
        page = self._pages.get((kind, packet >> _PAGE))
        if page is None:
            page = self._pages[kind, packet >> _PAGE] = bytearray(1 << (_PAGE - 3))
        at, bit = (packet & ((1 << _PAGE) - 1)) >> 3, 1 << (packet & 7)
        if not page[at] & bit:
            page[at] |= bit
            return 1
        number = self._more[kind, packet] = self._more.get((kind, packet), 1) + 1
        return number
