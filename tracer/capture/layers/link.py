"""Link layers: Ethernet with its tags, LLC, PPP and HDLC, loopbacks, and the headers capture tools put in front."""

from __future__ import annotations

from .frame import Frame, Malformed, Next, Table

_AF_INET6 = frozenset((10, 24, 28, 30))
"""AF_INET6 on Linux, NetBSD and OpenBSD, FreeBSD, macOS"""
_INSIDE_MPLS = frozenset((0x0800, 0x86DD, 0x8100, 0x88A8, 0x8847, 0x8864))
"""EtherTypes that tell an address that begins with 0 from a control word"""


def ethernet(frame: Frame) -> Next | None:
    """IEEE 802.3 frame, with an EtherType or a length."""
    kind = frame.u16(12)
    frame.at += 14
    return _by_type(frame, kind)


def _by_type(frame: Frame, kind: int) -> Next | None:
    if kind < 0x600 and frame.at + kind <= frame.sent:
        frame.limit(frame.at + kind)
    return Next(Table.ETHER, kind)


def vlan(frame: Frame) -> Next | None:
    """IEEE 802.1Q tag, any number of them."""
    kind = frame.u16(2)
    frame.at += 4
    return _by_type(frame, kind)


def skip_tag(size: int) -> object:
    """A tag of `size` bytes with an EtherType after it: VN-Tag, E-Tag, Cisco MetaData."""

    def tag(frame: Frame) -> Next | None:
        kind = frame.u16(size)
        frame.at += size + 2
        return Next(Table.ETHER, kind)

    return tag


def backbone(frame: Frame) -> Next | None:
    """IEEE 802.1ah service tag, a whole Ethernet frame after it."""
    frame.need(4)
    frame.at += 4
    return Next(Table.LINK, 1)


def llc(frame: Frame) -> Next | None:
    """IEEE 802.2 header; with SNAP an EtherType follows (RFC 1042)."""
    saps = frame.u16()
    if saps == 0xAAAA and frame.u8(2) == 3:
        organisation, kind = frame.u32(2) & 0xFFFFFF, frame.u16(6)
        frame.at += 8
        return Next(Table.ETHER, kind) if organisation in (0, 0xF8) and kind >= 0x600 else None
    if saps == 0x0606 and frame.u8(2) == 3:
        frame.at += 3
        return Next(Table.LINK, 101)
    return None


def mpls(frame: Frame) -> Next | None:
    """A stack of labels (RFC 3032), then IP by its version, or Ethernet with or without control word (RFC 4448)."""
    while not frame.u32() & 0x100:
        frame.at += 4
    frame.at += 4
    version = frame.u8() >> 4
    if version in (4, 6):
        return Next(Table.LINK, 101)
    if version == 0 and frame.u16(12) not in _INSIDE_MPLS:
        frame.at += 4
    return Next(Table.LINK, 1)


def nsh(frame: Frame) -> Next | None:
    """Network Service Header (RFC 8300)."""
    size, inner = (frame.u16() & 0x3F) * 4, frame.u8(3)
    if size < 8:
        raise Malformed
    frame.need(size)
    frame.at += size
    return by_tunnel_protocol(inner)


def by_tunnel_protocol(number: int) -> Next | None:
    """The next protocol numbers NSH and VXLAN-GPE share."""
    known = {
        1: Next(Table.ETHER, 0x0800),
        2: Next(Table.ETHER, 0x86DD),
        3: Next(Table.LINK, 1),
        4: Next(Table.ETHER, 0x894F),
        5: Next(Table.ETHER, 0x8847),
    }
    return known.get(number)


def pppoe(frame: Frame) -> Next | None:
    """PPPoE session packet (RFC 2516 section 4)."""
    if frame.u16() != 0x1100:
        return None
    size = frame.u16(4)
    frame.at += 6
    frame.limit(frame.at + size)
    return Next(Table.LINK, 9)


def ppp(frame: Frame) -> Next | None:
    """PPP, address, control and the upper half of the protocol left out or not (RFC 1661 section 2, RFC 1662)."""
    if frame.u16() == 0xFF03:
        frame.at += 2
    first = frame.u8()
    size = 1 if first & 1 else 2
    number = first if first & 1 else frame.u16()
    frame.at += size
    return Next(Table.PPP, number)


def ppp_serial(frame: Frame) -> Next | None:
    """PPP or Cisco HDLC, told apart by the first byte (LINKTYPE_PPP_HDLC)."""
    return hdlc(frame) if frame.u8() in (0x0F, 0x8F) else ppp(frame)


def ppp_with_direction(frame: Frame) -> Next | None:
    """One byte says who sent it."""
    frame.need(1)
    frame.at += 1
    return ppp(frame)


def hdlc(frame: Frame) -> Next | None:
    """Cisco HDLC: address, control, EtherType."""
    kind = frame.u16(2)
    frame.at += 4
    return Next(Table.ETHER, kind)


def frame_relay(frame: Frame) -> Next | None:
    """Frame Relay with two address bytes (RFC 2427)."""
    if frame.u8(2) != 3:
        kind = frame.u16(2)  # Cisco encapsulation
        frame.at += 4
        return Next(Table.ETHER, kind)
    frame.at += 3
    if frame.u8() == 0:
        frame.at += 1
    number = frame.u8()
    frame.at += 1
    if number in (0xCC, 0x8E):
        return Next(Table.LINK, 101)
    if number == 0x80:
        kind = frame.u16(3)
        frame.at += 5
        return Next(Table.ETHER, kind)
    return None


def null(frame: Frame) -> Next | None:
    """BSD loopback: address family in the byte order of the machine that captured."""
    family = frame.little_u32()
    if family > 0xFFFF:
        family = frame.u32()
    frame.at += 4
    return _by_family(family)


def _by_family(family: int) -> Next | None:
    if family == 2:
        return Next(Table.ETHER, 0x0800)
    return Next(Table.ETHER, 0x86DD) if family in _AF_INET6 else None


def enc(frame: Frame) -> Next | None:
    """OpenBSD IPsec device: family, SPI, flags."""
    family = frame.little_u32()
    if family > 0xFFFF:
        family = frame.u32()
    frame.need(12)
    frame.at += 12
    return _by_family(family)


def pflog(frame: Frame) -> Next | None:
    """BSD packet filter log: its length, padded to four, and the address family come first."""
    size, family = frame.u8(), frame.u8(1)
    frame.at += size + (-size & 3)
    return _by_family(family)


def sll(frame: Frame) -> Next | None:
    """Linux cooked capture."""
    kind = frame.u16(14)
    frame.at += 16
    return Next(Table.ETHER, kind)


def sll2(frame: Frame) -> Next | None:
    """Linux cooked capture, second version."""
    kind = frame.u16()
    frame.need(20)
    frame.at += 20
    return Next(Table.ETHER, kind)


def ip(frame: Frame) -> Next | None:
    """IP of the version it says itself."""
    version = frame.u8() >> 4
    if version == 4:
        return Next(Table.ETHER, 0x0800)
    return Next(Table.ETHER, 0x86DD) if version == 6 else None


def fddi(frame: Frame) -> Next | None:
    """FDDI: frame control and two addresses, then LLC."""
    frame.need(13)
    frame.at += 13
    return Next(Table.ETHER, 0)


def token_ring(frame: Frame) -> Next | None:
    """IEEE 802.5: two addresses, routing information where the source address says so, then LLC."""
    routed = frame.u8(8) & 0x80
    frame.at += 14
    if routed:
        frame.at += frame.u8() & 0x1F
    return Next(Table.ETHER, 0)


def packet_tap(frame: Frame) -> Next | None:
    """Apple's PKTAP: header length, then which link layer follows it."""
    size, link = frame.little_u32(), frame.little_u32(8)
    if size < 12:
        raise Malformed
    frame.at += size
    return Next(Table.LINK, {12: 101, 14: 101}.get(link, link))


def packet_info(frame: Frame) -> Next | None:
    """Per-Packet Information header: its length, then the link type."""
    size, link = frame.little_u16(2), frame.little_u32(4)
    if size < 8:
        raise Malformed
    frame.at += size
    return Next(Table.LINK, link)


def nflog(frame: Frame) -> Next | None:
    """Linux netfilter log: type-length-values, of which type 9 is the packet."""
    family = frame.u8()
    frame.at += 4
    while True:
        size, kind = frame.little_u16(), frame.little_u16(2) & 0x7FFF
        if size < 4:
            raise Malformed
        if kind == 9:
            frame.at += 4
            return _by_family(family)
        frame.at += size + (-size & 3)


def net_analyzer(frame: Frame) -> Next | None:
    """Hilscher netANALYZER: four bytes before an Ethernet frame."""
    frame.need(4)
    frame.at += 4
    return Next(Table.LINK, 1)


def erf(frame: Frame) -> Next | None:
    """Endace extensible record: 16 bytes, extension headers, then what the type says (Ethernet here)."""
    kind = frame.u8(8)
    frame.need(16)
    frame.at += 16
    more = kind
    while more & 0x80:
        more = frame.u8()
        frame.at += 8
    if kind & 0x7F in (2, 11, 16, 20):
        frame.at += 2
        return Next(Table.LINK, 1)
    return Next(Table.LINK, 101) if kind & 0x7F in (22, 23) else None
