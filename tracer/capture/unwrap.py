"""Single frames to packets, through any number of layers: what `decode` leaves over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from .columns import Row
from .fragments import Fragments
from .layers import link, network, tunnel, wlan
from .layers.frame import Frame, Malformed, Next, Short, Table, Transport
from .notes import Notes

_MOST_LAYERS = 64


class Unwrapper:
    """Layers and what they need to remember: fragments, and how often what was not understood."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._fragments = Fragments(self._lose)
        self._tables = _make_tables(self._fragments)

    def rows(
        self,
        data: bytes,
        original: int,
        link_type: int,
        number: int,
        time_ns: int,
        offset: int,
        extra: dict[int, bytes],
    ) -> Iterator[Row]:
        """The TCP or UDP packets (one, but for aggregates) in a frame that lies at `offset`."""
        frame = Frame(data, original, number, time_ns)
        first: Next | None = Next(Table.LINK, link_type)
        if link_type not in self._tables[Table.LINK]:
            first = self._ask_scapy(frame, link_type)
        self._walk(frame, first)
        if frame.found:
            yield _make_row(frame, frame.found, offset, extra)
        for layer, begin, end in frame.later:
            part = Frame(data, original, number, time_ns)
            part.at = begin
            part.limit(end)
            self._walk(part, layer)
            if part.found:
                yield _make_row(part, part.found, offset, extra)

    def finish(self) -> None:
        """Tell of fragments whose others never came."""
        self._fragments.finish()

    def _walk(self, frame: Frame, layer: Next | None) -> None:
        """Go from layer to layer; the innermost TCP or UDP header ends up in `frame.found`."""
        try:
            for _ in range(_MOST_LAYERS):
                if layer is None:
                    return
                step = self._step(layer)
                if step is None:
                    return
                layer = step(frame)
            self._notes.count("packet.nested", "in more layers than are followed", frame.number)
        except Short:
            if not frame.found:
                self._notes.count("packet.short", "cut short inside a header", frame.number)
        except Malformed:
            if not frame.found:
                self._notes.count("packet.malformed", "with a header that contradicts itself", frame.number)

    def _step(self, layer: Next) -> Callable[[Frame], Next | None] | None:
        table = self._tables[layer.table]
        if layer.table is Table.PORT:
            return table.get(layer.number >> 16) or table.get(layer.number & 0xFFFF)
        if layer.table is Table.ETHER and layer.number < 0x600:
            return link.llc
        return table.get(layer.number)

    def _lose(self, number: int) -> None:
        self._notes.count("ip.fragments", "of fragments of a datagram that never became complete", number)

    def _ask_scapy(self, frame: Frame, link_type: int) -> Next | None:
        """IP inside a link layer that is not known here, where scapy knows it."""
        from . import foreign

        try:
            found = foreign.find_ip(frame.data, link_type)
        except foreign.Unknown as reason:
            self._notes.count("packet.link-type", f"of link type {link_type}, {reason}", frame.number)
            return None
        if found is None:
            return None
        frame.at = found
        return Next(Table.LINK, 101)


def _make_row(frame: Frame, found: Transport, offset: int, extra: dict[int, bytes]) -> Row:
    at = offset + found.at
    if found.joined:
        key = len(extra)
        extra[key] = found.data[found.at : found.at + found.length]
        at = -1 - key
    return Row(
        frame.number,
        frame.time_ns,
        found.protocol,
        found.src,
        found.dst,
        found.sport,
        found.dport,
        found.seq,
        found.ack,
        found.flags,
        found.window,
        found.ttl,
        at,
        found.length,
        found.wire,
    )


def _make_tables(fragments: Fragments) -> dict[Table, dict[int, Any]]:
    ipv4 = partial(network.ipv4, fragments=fragments)
    ipv6 = partial(network.ipv6, fragments=fragments)
    return {
        Table.LINK: _LINKS,
        Table.ETHER: _ETHER_TYPES | {0x0800: ipv4, 0x86DD: ipv6},
        Table.IP: _IP_PROTOCOLS | {4: ipv4, 41: ipv6},
        Table.PPP: {0x0021: ipv4, 0x0057: ipv6, 0x0281: link.mpls, 0x0283: link.mpls},
        Table.PORT: _UDP_PORTS,
    }


_LINKS = {
    0: link.null,
    1: link.ethernet,
    6: link.token_ring,
    9: link.ppp,
    10: link.fddi,
    12: link.ip,
    14: link.ip,
    50: link.ppp_serial,
    51: link.pppoe,
    101: link.ip,
    104: link.hdlc,
    105: wlan.wlan,
    107: link.frame_relay,
    108: link.null,
    109: link.enc,
    113: link.sll,
    117: link.pflog,
    119: wlan.prism,
    127: wlan.radiotap,
    163: wlan.avs,
    166: link.ppp_with_direction,
    192: link.packet_info,
    197: link.erf,
    204: link.ppp_with_direction,
    228: link.ip,
    229: link.ip,
    239: link.nflog,
    240: link.net_analyzer,
    258: link.packet_tap,
    276: link.sll2,
}
_ETHER_TYPES = {
    0x22EB: tunnel.erspan3,
    0x6558: link.ethernet,
    0x8100: link.vlan,
    0x880B: link.ppp,
    0x883E: tunnel.wccp,
    0x8847: link.mpls,
    0x8848: link.mpls,
    0x8864: link.pppoe,
    0x88A8: link.vlan,
    0x88E7: link.backbone,
    0x8909: link.skip_tag(6),
    0x8926: link.skip_tag(4),
    0x893F: link.skip_tag(6),
    0x894F: link.nsh,
    0x9100: link.vlan,
    0x9200: link.vlan,
}
_IP_PROTOCOLS = {
    6: network.tcp,
    17: network.udp,
    47: tunnel.gre,
    51: network.authentication,
    97: tunnel.ether_ip,
    137: link.mpls,
}
_UDP_PORTS = {
    1701: tunnel.l2tp,
    2152: tunnel.gtp,
    3544: tunnel.teredo,
    4754: tunnel.gre,
    4789: tunnel.vxlan,
    4790: tunnel.vxlan_gpe,
    6081: tunnel.geneve,
    6635: link.mpls,
    8472: tunnel.vxlan,
    37008: tunnel.tzsp,
}
