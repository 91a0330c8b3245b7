"""Tunnels: GRE and its relatives over IP, VXLAN and its relatives over UDP."""

from __future__ import annotations

from .frame import Frame, Malformed, Next, Table
from .link import by_tunnel_protocol

_ETHERNET = Next(Table.LINK, 1)


def gre(frame: Frame) -> Next | None:
    """RFC 2784 with RFC 2890's key and sequence number, or PPTP's version 1 (RFC 2637 section 4.1)."""
    flags, protocol = frame.u16(), frame.u16(2)
    if flags & 0x4000:
        return None  # source routing, never seen in use
    version, numbered = flags & 7, flags & 0x1000
    size = 4 + sum(4 for bit in (0x8000, 0x2000, 0x1000) if flags & bit)
    if version == 1:
        size += 4 if flags & 0x0080 else 0
        frame.need(size)
        frame.at += size
        return Next(Table.LINK, 9) if frame.at < frame.sent else None
    frame.need(size)
    frame.at += size
    if protocol == 0x88BE:
        return _erspan(frame, bool(numbered))
    return Next(Table.ETHER, protocol)


def _erspan(frame: Frame, numbered: bool) -> Next | None:
    """A mirrored Ethernet frame: type I has no header of its own, type II eight bytes (draft-foschiano-erspan)."""
    if numbered:
        frame.need(8)
        frame.at += 8
    return _ETHERNET


def erspan3(frame: Frame) -> Next | None:
    """Type III: twelve bytes, and eight more when the last bit says so."""
    size = 20 if frame.u8(11) & 1 else 12
    frame.need(size)
    frame.at += size
    return _ETHERNET


def wccp(frame: Frame) -> Next | None:
    """WCCP redirection: version 2 puts four bytes before the IP packet."""
    if frame.u8() >> 4 != 4:
        frame.at += 4
    return Next(Table.LINK, 101)


def ether_ip(frame: Frame) -> Next | None:
    """RFC 3378: two bytes, then an Ethernet frame."""
    if frame.u8() >> 4 != 3:
        return None
    frame.at += 2
    return _ETHERNET


def vxlan(frame: Frame) -> Next | None:
    """RFC 7348 section 5."""
    if not frame.u8() & 0x08:
        return None
    frame.need(8)
    frame.at += 8
    return _ETHERNET


def vxlan_gpe(frame: Frame) -> Next | None:
    """VXLAN that says what it carries (draft-ietf-nvo3-vxlan-gpe)."""
    inner = frame.u8(3) if frame.u8() & 0x04 else 3
    frame.need(8)
    frame.at += 8
    return by_tunnel_protocol(inner)


def geneve(frame: Frame) -> Next | None:
    """RFC 8926 section 3.4."""
    first, protocol = frame.u8(), frame.u16(2)
    if first >> 6:
        return None
    size = 8 + (first & 0x3F) * 4
    frame.need(size)
    frame.at += size
    return Next(Table.ETHER, protocol)


def gtp(frame: Frame) -> Next | None:
    """GTP-U, version 1, carrying a packet of a user (3GPP TS 29.281 section 5)."""
    flags = frame.u8()
    if flags & 0xF0 != 0x30 or frame.u8(1) != 0xFF:
        return None
    frame.need(8)
    frame.at += 8
    if flags & 7:
        extension = frame.u8(3) if flags & 4 else 0
        frame.at += 4
        while extension:
            size = frame.u8() * 4
            if not size:
                raise Malformed
            extension = frame.u8(size - 1)
            frame.at += size
    return Next(Table.LINK, 101)


def teredo(frame: Frame) -> Next | None:
    """RFC 4380 section 5.1.1: indications of authentication and origin, then IPv6."""
    if frame.u16() == 1:
        size = 13 + frame.u8(2) + frame.u8(3)
        frame.need(size)
        frame.at += size
    if frame.u16() == 0:
        frame.need(8)
        frame.at += 8
    return Next(Table.ETHER, 0x86DD) if frame.u8() >> 4 == 6 else None


def l2tp(frame: Frame) -> Next | None:
    """RFC 2661 section 3.1: data messages of version 2."""
    flags = frame.u16()
    if flags & 0x8000 or flags & 15 != 2:
        return None
    size = 6 + (2 if flags & 0x4000 else 0) + (4 if flags & 0x0800 else 0)
    if flags & 0x0200:
        size += 2 + frame.u16(size)
    frame.need(size)
    frame.at += size
    return Next(Table.LINK, 9)


def tzsp(frame: Frame) -> Next | None:
    """TaZmen Sniffer Protocol: tags, then Ethernet or 802.11."""
    protocol = frame.u16(2)
    if frame.u8() != 1 or frame.u8(1) > 1:
        return None
    frame.at += 4
    while (tag := frame.u8()) != 1:
        frame.at += 1 if tag == 0 else 2 + frame.u8(1)
    frame.at += 1
    return {1: _ETHERNET, 18: Next(Table.LINK, 105)}.get(protocol)
