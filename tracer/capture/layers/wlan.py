"""IEEE 802.11 data frames, and the headers that monitoring cards put in front of them."""

from __future__ import annotations

from .frame import Frame, Malformed, Next, Table

_LLC = Next(Table.ETHER, 0)
_PADDED = 0x20
_HAS_FCS = 0x10


def radiotap(frame: Frame) -> Next | None:
    """Radiotap header (radiotap.org), then 802.11; its flags tell of padding and a frame check sequence."""
    size = frame.little_u16(2)
    if size < 8:
        raise Malformed
    flags = _radiotap_flags(frame, size)
    frame.need(size)
    frame.at += size
    if flags & _HAS_FCS:
        frame.limit(frame.sent - 4)
    return _data(frame, bool(flags & _PADDED))


def _radiotap_flags(frame: Frame, size: int) -> int:
    """The flags field, which comes after the bit maps and the time where that is present."""
    present = frame.little_u32(4)
    at, more = 8, present
    while more & 0x80000000 and at + 4 <= size:
        more = frame.little_u32(at)
        at += 4
    if not present & 2:
        return 0
    if present & 1:
        at += (-at & 7) + 8
    return frame.u8(at) if at < size else 0


def prism(frame: Frame) -> Next | None:
    """Prism header, or the AVS one that some drivers send under the same name."""
    size = frame.little_u32(4)
    if frame.u32() & 0xFFFFF000 == 0x80211000:
        size = frame.u32(4)
    return _skip(frame, size)


def avs(frame: Frame) -> Next | None:
    """AVS header."""
    return _skip(frame, frame.u32(4))


def _skip(frame: Frame, size: int) -> Next | None:
    if size < 8:
        raise Malformed
    frame.need(size)
    frame.at += size
    return _data(frame, False)


def wlan(frame: Frame) -> Next | None:
    """802.11 without anything in front."""
    return _data(frame, False)


def _data(frame: Frame, padded: bool) -> Next | None:
    """The LLC header in a data frame that is neither empty, encrypted nor a fragment (IEEE 802.11 section 9.3.2)."""
    control = frame.little_u16()
    subtype = control >> 4 & 15
    if control >> 2 & 3 != 2 or subtype & 4 or control & 0x4000:
        return None
    size = 30 if control & 0x0300 == 0x0300 else 24
    aggregated = False
    if control & 0x0400 or frame.little_u16(22) & 15:
        return None
    if subtype & 8:
        aggregated = bool(frame.u8(size) & 0x80)
        size += 2 + (4 if control & 0x8000 else 0)
    if padded:
        size += -size & 3
    frame.need(size)
    frame.at += size
    return _aggregate(frame) if aggregated else _LLC


def _aggregate(frame: Frame) -> Next | None:
    """The first frame of an A-MSDU; the others wait in `frame.later`."""
    at = frame.at
    while at + 14 <= frame.end:
        size = int.from_bytes(frame.data[at + 12 : at + 14])
        frame.later.append((_LLC, at + 14, at + 14 + size))
        at += 14 + size
        at += -(at - frame.at) & 3
    return None
