"""A frame while it is unwrapped, and the words in which its layers say what comes next."""

from __future__ import annotations

import enum
from struct import Struct
from typing import NamedTuple

_U16 = Struct(">H").unpack_from
_U32 = Struct(">I").unpack_from
_L16 = Struct("<H").unpack_from
_L32 = Struct("<I").unpack_from


class Table(enum.Enum):
    """Which numbers name the next layer."""

    LINK = "link"
    """LINKTYPE_ values; 1 Ethernet, 9 PPP, 101 IP of either version, 105 IEEE 802.11"""
    ETHER = "ether"
    """EtherTypes; values below 0x600 are lengths, and an LLC header follows"""
    IP = "ip"
    PPP = "ppp"
    PORT = "port"
    """UDP ports of tunnels"""


class Next(NamedTuple):
    """The layer that begins where the frame stands now."""

    table: Table
    number: int


class Short(Exception):  # noqa: N818
    """A header goes past the captured bytes."""


class Malformed(Exception):  # noqa: N818
    """A header contradicts itself."""


class Transport(NamedTuple):
    """A TCP or UDP header that was found, with the addresses around it."""

    protocol: int
    src: tuple[int, int]
    dst: tuple[int, int]
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    ttl: int
    at: int
    """where the payload begins in `data`"""
    length: int
    wire: int
    data: bytes
    joined: bool
    """`data` are joined fragments, not the frame itself"""


class Frame:
    """Captured bytes and how far they are understood."""

    __slots__ = ("at", "data", "dst", "end", "found", "joined", "later", "number", "sent", "src", "time_ns", "ttl")

    def __init__(self, data: bytes, original: int, number: int, time_ns: int) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        """captured bytes end here"""
        self.sent = max(original, len(data))
        """the bytes that were sent end here"""
        self.number = number
        self.time_ns = time_ns
        self.src = (0, 0)
        self.dst = (0, 0)
        self.ttl = 0
        self.joined = False
        self.found: Transport | None = None
        self.later: list[tuple[Next, int, int]] = []
        """further layers inside this frame: (what, begin, end)"""

    def need(self, size: int) -> None:
        """Raise Short unless `size` more bytes are there."""
        if self.at + size > self.end:
            raise Short

    def u8(self, offset: int = 0) -> int:
        self.need(offset + 1)
        return self.data[self.at + offset]

    def u16(self, offset: int = 0) -> int:
        self.need(offset + 2)
        value: int = _U16(self.data, self.at + offset)[0]
        return value

    def u32(self, offset: int = 0) -> int:
        self.need(offset + 4)
        value: int = _U32(self.data, self.at + offset)[0]
        return value

    def little_u16(self, offset: int = 0) -> int:
        self.need(offset + 2)
        value: int = _L16(self.data, self.at + offset)[0]
        return value

    def little_u32(self, offset: int = 0) -> int:
        self.need(offset + 4)
        value: int = _L32(self.data, self.at + offset)[0]
        return value

    def limit(self, end: int) -> None:
        """What follows was sent up to `end`, if the layers around it are that long; padding does not count."""
        self.sent = min(self.sent, end)
        self.end = min(self.end, end)
