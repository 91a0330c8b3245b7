"""Tunnels and link layers: the innermost TCP packet comes out of each."""

from __future__ import annotations

from struct import pack

import pytest

from tests.capture.frames import A6, B6, T0, Written, ethernet, ipv4, ipv6, pcap, read, tcp, udp

INNER4 = ipv4(tcp(b"inner", sport=1234), src="192.168.0.1", dst="192.168.0.2")
INNER6 = ipv6(tcp(b"inner", sport=1234))
IN_ETHERNET = ethernet(INNER4) + bytes(3)
LLC = b"\xaa\xaa\x03\0\0\0\x08\0" + INNER4
MAC = bytes(6)


def over_udp(payload: bytes, port: int) -> bytes:
    return ethernet(ipv4(udp(payload, dport=port), 17))


def over_ip(payload: bytes, protocol: int) -> bytes:
    return ethernet(ipv4(payload, protocol))


def wlan(control: int, tail: bytes, extra: bytes = b"") -> bytes:
    return pack("<HH", control, 0) + MAC * 3 + bytes(2) + extra + tail


def radiotap(frame: bytes, flags: int) -> bytes:
    return pack("<BBHIQB", 0, 0, 17, 3, 99, flags) + frame


LABEL = pack(">I", 0x00010040)
LAST_LABEL = pack(">I", 0x00010140)
PPP = b"\x00\x21" + INNER4
AMSDU = MAC * 2 + pack(">H", len(LLC)) + LLC

ETHERNET = {
    "802.3 with SNAP": ethernet(LLC, len(LLC)) + bytes(4),
    "mpls": ethernet(LABEL + LAST_LABEL + INNER4, 0x8847),
    "mpls with ethernet": ethernet(LAST_LABEL + IN_ETHERNET, 0x8847),
    "mpls with control word": ethernet(LAST_LABEL + bytes(4) + IN_ETHERNET, 0x8847),
    "pppoe": ethernet(pack(">BBHH", 0x11, 0, 7, len(PPP)) + PPP + bytes(6), 0x8864),
    "pppoe in a vlan": ethernet(pack(">HHBBHH", 5, 0x8864, 0x11, 0, 7, len(PPP)) + PPP, 0x8100),
    "backbone": ethernet(bytes(4) + IN_ETHERNET, 0x88E7),
    "network service header": ethernet(bytes([0, 2, 1, 1]) + bytes(4) + INNER4, 0x894F),
    "vn-tag": ethernet(bytes(4) + b"\x08\0" + INNER4, 0x8926),
    "ip in ip": over_ip(INNER4, 4),
    "6 in 4": over_ip(INNER6, 41),
    "4 in 6": ethernet(ipv6(INNER4, 4), 0x86DD),
    "authentication header": over_ip(bytes([4, 4]) + bytes(22) + INNER4, 51),
    "gre": over_ip(pack(">HH", 0, 0x0800) + INNER4, 47),
    "gre with everything": over_ip(pack(">HHIII", 0xB000, 0x86DD, 0, 1, 2) + INNER6, 47),
    "gre ethernet": over_ip(pack(">HHI", 0x2000, 0x6558, 5) + IN_ETHERNET, 47),
    "erspan 1": over_ip(pack(">HH", 0, 0x88BE) + IN_ETHERNET, 47),
    "erspan 2": over_ip(pack(">HHI", 0x1000, 0x88BE, 1) + bytes([0x10]) + bytes(7) + IN_ETHERNET, 47),
    "erspan 3": over_ip(pack(">HHI", 0x1000, 0x22EB, 1) + bytes([0x20]) + bytes(11) + IN_ETHERNET, 47),
    "pptp": over_ip(pack(">HHHHII", 0x3081, 0x880B, 0, 1, 2, 3) + b"\xff\x03" + PPP, 47),
    "ethernet in ip": over_ip(b"\x30\0" + IN_ETHERNET, 97),
    "mpls in ip": over_ip(LAST_LABEL + INNER4, 137),
    "vxlan": over_udp(bytes([8]) + bytes(7) + IN_ETHERNET, 4789),
    "vxlan-gpe": over_udp(bytes([0x0C, 0, 0, 1]) + bytes(4) + INNER4, 4790),
    "geneve": over_udp(bytes([1, 0, 0x65, 0x58]) + bytes(8) + IN_ETHERNET, 6081),
    "gtp-u": over_udp(bytes([0x30, 255, 0, 0]) + bytes(4) + INNER4, 2152),
    "gtp-u with an extension": over_udp(bytes([0x34, 255, 0, 0]) + bytes(7) + b"\x85\x01\0\0\0" + INNER4, 2152),
    "teredo": over_udp(bytes([0, 1, 0, 0]) + bytes(9) + bytes(8) + INNER6, 3544),
    "gre in udp": over_udp(pack(">HH", 0, 0x0800) + INNER4, 4754),
    "l2tp": over_udp(pack(">HHHH", 0x4002, 0, 1, 2) + b"\xff\x03" + PPP, 1701),
    "tzsp": over_udp(bytes([1, 0, 0, 1, 10, 1, 0, 0, 1]) + IN_ETHERNET, 37008),
}
VXLAN = over_udp(bytes([8]) + bytes(7) + IN_ETHERNET, 4789)
NESTED = b"\x00\x21" + ipv4(pack(">HH", 0, 0x6558) + VXLAN, 47)
ETHERNET["vxlan in gre in pppoe"] = ethernet(pack(">BBHH", 0x11, 0, 7, len(NESTED)) + NESTED, 0x8864)
LINKS = {
    "802.11": (105, wlan(0x0108, LLC)),
    "802.11 between access points": (105, wlan(0x0308, LLC, MAC)),
    "802.11 with quality of service": (105, wlan(0x0188, LLC, bytes(2))),
    "802.11 aggregate": (105, wlan(0x0188, AMSDU, b"\x80\0")),
    "radiotap": (127, radiotap(wlan(0x0108, LLC), 0)),
    "radiotap with check sequence": (127, radiotap(wlan(0x0108, LLC) + b"\1\2\3\4", 0x10)),
    "radiotap with padding": (127, radiotap(wlan(0x0188, LLC, bytes(4)), 0x20)),
    "prism": (119, pack("<II", 0x44, 144) + bytes(136) + wlan(0x0108, LLC)),
    "avs": (163, pack(">II", 0x80211001, 64) + bytes(56) + wlan(0x0108, LLC)),
    "ppi": (192, pack("<BBHI", 0, 0, 8, 105) + wlan(0x0108, LLC)),
    "hdlc": (104, b"\x0f\0\x08\0" + INNER4),
    "ppp serial": (50, b"\xff\x03" + PPP),
    "pppoe session": (51, pack(">BBHH", 0x11, 0, 7, len(PPP)) + PPP),
    "ppp with direction": (204, b"\0\xff\x03" + PPP),
    "ppp compressed": (9, b"\x21" + INNER4),
    "frame relay": (107, b"\x18\x41\x03\xcc" + INNER4),
    "ipsec device": (109, pack("<III", 2, 0, 0) + INNER4),
    "packet filter log": (117, bytes([61, 2]) + bytes(62) + INNER4),
    "netfilter log": (239, bytes([2, 0, 0, 0]) + pack("<HHI", 8, 1, 0) + pack("<HH", 4 + len(INNER4), 9) + INNER4),
    "pktap": (258, pack("<III", 108, 1, 1) + bytes(96) + IN_ETHERNET),
    "raw ipv4": (228, INNER4),
    "raw ipv6": (229, INNER6),
    "token ring": (6, bytes(2) + MAC + b"\x80" + bytes(5) + b"\x02\0" + LLC),
    "fddi": (10, bytes(13) + LLC),
    "endace": (197, bytes(8) + b"\x02" + bytes(7) + bytes(2) + IN_ETHERNET),
}


def check(frame: bytes, link: int) -> None:
    for count, filler in ((1, []), (1, [Written(bytes(300), T0)]), (40, [Written(bytes(300), T0)])):
        outcome = read(pcap([Written(frame)] * count + filler, link=link))
        row = outcome.rows[0]
        ends = {("192.168.0.1", "192.168.0.2"), (A6, B6)}
        assert (row.src, row.dst) in ends
        assert (row.sport, row.dport, row.payload, row.wire) == (1234, 80, b"inner", 5)
        assert [again._replace(number=1) for again in outcome.rows] == [row] * count
        assert [again.number for again in outcome.rows] == list(range(1, count + 1))


@pytest.mark.parametrize("name", ETHERNET)
def test_the_innermost_packet_comes_out_of_an_ethernet_frame(name: str) -> None:
    check(ETHERNET[name], 1)


@pytest.mark.parametrize("name", LINKS)
def test_the_packet_comes_out_of_the_link_layer(name: str) -> None:
    link, frame = LINKS[name]
    check(frame, link)


def test_every_frame_of_an_aggregate_is_a_row_of_the_same_packet() -> None:
    second = MAC * 2 + pack(">H", len(LLC)) + LLC.replace(b"inner", b"other")
    body = AMSDU + bytes(-len(AMSDU) & 3) + second
    rows = read(pcap([wlan(0x0188, body, b"\x80\0")], link=105)).rows
    assert [(row.number, row.payload) for row in rows] == [(1, b"inner"), (1, b"other")]


def test_encrypted_empty_and_management_frames_of_802_11_are_no_packets() -> None:
    for control in (0x4108, 0x0148, 0x0080):
        assert read(pcap([wlan(control, LLC)], link=105)).rows == []


def test_a_tunnel_port_with_something_else_in_it_stays_udp() -> None:
    row = read(pcap([over_udp(b"not a tunnel at all", 4789)])).rows[0]
    assert (row.protocol, row.dport, row.payload) == (17, 4789, b"not a tunnel at all")


def test_frames_that_are_neither_tcp_nor_udp_are_no_rows_and_no_problem() -> None:
    arp = ethernet(bytes(28), 0x0806)
    icmp = over_ip(b"\x08\0" + bytes(6), 1)
    outcome = read(pcap([arp, icmp, ethernet(bytes(50), 0x88CC)]))
    assert (outcome.rows, outcome.problems) == ([], [])


def test_headers_cut_short_or_impossible_are_counted_once_per_kind() -> None:
    short = ethernet(ipv4(tcp(b"")))[:44]
    wrong = ethernet(ipv4(tcp(b"")[:12] + b"\x10" + tcp(b"")[13:]))
    outcome = read(pcap([ethernet(INNER4), short, wrong, short, wrong, wrong]))
    assert len(outcome.rows) == 1
    assert [(p.code, p.packet, p.text.split(",")[0][-9:]) for p in outcome.problems] == [
        ("packet.short", 2, "2 packets"),
        ("packet.malformed", 3, "3 packets"),
    ]


def test_layers_without_end_are_given_up() -> None:
    frame = ethernet((b"\0\x01\x81\0") * 300, 0x8100)
    assert read(pcap([frame])).codes == ["packet.nested"]


def test_a_link_type_nobody_knows_is_one_problem_with_a_count() -> None:
    outcome = read(pcap([b"abcdefgh"] * 5, link=4242))
    assert [(p.code, p.packet) for p in outcome.problems] == [("packet.link-type", 1)]
    assert "5 packets" in outcome.problems[0].text


def test_a_link_type_only_scapy_knows_is_read_through_scapy() -> None:
    check(INNER6, 31)


def test_without_scapy_an_unknown_link_type_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracer.capture.foreign._load", lambda: None)
    outcome = read(pcap([b"abcdefgh"], link=4242))
    assert "scapy" in outcome.problems[0].text
