"""IPv4, IPv6, TCP and UDP."""

from __future__ import annotations

from ..columns import MAPPED
from ..fragments import Fragments, Key
from .frame import Frame, Malformed, Next, Table, Transport

_U64 = (1 << 64) - 1
_CARRIERS = frozenset((4, 6, 17, 41, 47, 51, 97, 137))
"""protocols whose fragments are worth joining: TCP, UDP and tunnels"""


def ipv4(frame: Frame, fragments: Fragments) -> Next | None:
    """RFC 791; a fragment goes on when its datagram is complete."""
    first, total, flags = frame.u8(), frame.u16(2), frame.u16(6)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20 or 0 < total < header:
        raise Malformed
    frame.need(header)
    frame.ttl, protocol = frame.u8(8), frame.u8(9)
    frame.src, frame.dst = (0, MAPPED | frame.u32(12)), (0, MAPPED | frame.u32(16))
    if total:
        frame.limit(frame.at + total)
    identification = frame.u16(4)
    frame.at += header
    if flags & 0x3FFF:
        if protocol not in _CARRIERS:
            return None
        key = (frame.src, frame.dst, identification, protocol)
        if not _join(frame, fragments, key, (flags & 0x1FFF) * 8, bool(flags & 0x2000)):
            return None
    return Next(Table.IP, protocol)


def ipv6(frame: Frame, fragments: Fragments) -> Next | None:
    """RFC 8200 with its extension headers."""
    if frame.u8() >> 4 != 6:
        raise Malformed
    frame.need(40)
    payload, protocol, frame.ttl = frame.u16(4), frame.u8(6), frame.u8(7)
    frame.src, frame.dst = _address(frame, 8), _address(frame, 24)
    frame.at += 40
    if payload:
        frame.limit(frame.at + payload)
    while protocol in (0, 43, 60, 135, 139, 140):
        protocol, size = frame.u8(), (frame.u8(1) + 1) * 8
        frame.need(size)
        frame.at += size
    if protocol == 44:
        return _fragment(frame, fragments)
    return Next(Table.IP, protocol)


def _fragment(frame: Frame, fragments: Fragments) -> Next | None:
    """RFC 8200 section 4.5."""
    protocol, flags, identification = frame.u8(), frame.u16(2), frame.u32(4)
    frame.at += 8
    key = (frame.src, frame.dst, identification, -1)
    if flags & 0xFFF9 and not _join(frame, fragments, key, flags & 0xFFF8, bool(flags & 1)):
        return None
    while protocol in (0, 43, 60):
        protocol, size = frame.u8(), (frame.u8(1) + 1) * 8
        frame.need(size)
        frame.at += size
    return Next(Table.IP, protocol)


def _address(frame: Frame, offset: int) -> tuple[int, int]:
    value = int.from_bytes(frame.data[frame.at + offset : frame.at + offset + 16])
    return value >> 64, value & _U64


def _join(frame: Frame, fragments: Fragments, key: Key, offset: int, more: bool) -> bool:
    """Whether this fragment completed its datagram, which then takes the frame's place."""
    data = frame.data[frame.at : frame.end]
    joined = fragments.add(key, offset, data, more, frame.number, frame.time_ns)
    if joined is None:
        return False
    frame.data, frame.at, frame.end, frame.sent, frame.joined = joined, 0, len(joined), len(joined), True
    return True


def authentication(frame: Frame) -> Next | None:
    """IPsec AH (RFC 4302), which hides nothing."""
    protocol, size = frame.u8(), (frame.u8(1) + 2) * 4
    frame.need(size)
    frame.at += size
    return Next(Table.IP, protocol)


def tcp(frame: Frame) -> Next | None:
    """RFC 9293 section 3.1."""
    frame.need(20)
    header = (frame.u8(12) >> 4) * 4
    body = frame.at + header
    if header < 20 or body > frame.sent:
        raise Malformed
    frame.found = Transport(
        6,
        frame.src,
        frame.dst,
        frame.u16(),
        frame.u16(2),
        frame.u32(4),
        frame.u32(8),
        frame.u8(13),
        frame.u16(14),
        frame.ttl,
        body,
        max(0, frame.end - body),
        frame.sent - body,
        frame.data,
        frame.joined,
    )
    return None


def udp(frame: Frame) -> Next | None:
    """RFC 768; a port that tunnels use leads on."""
    frame.need(8)
    size = frame.u16(4)
    if size >= 8:
        frame.limit(frame.at + size)
    sport, dport = frame.u16(), frame.u16(2)
    frame.at += 8
    if frame.at > frame.sent:
        raise Malformed
    frame.found = Transport(
        17,
        frame.src,
        frame.dst,
        sport,
        dport,
        0,
        0,
        0,
        0,
        frame.ttl,
        frame.at,
        max(0, frame.end - frame.at),
        frame.sent - frame.at,
        frame.data,
        frame.joined,
    )
    return Next(Table.PORT, dport << 16 | sport)
