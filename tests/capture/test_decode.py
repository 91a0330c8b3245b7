"""What whole blocks are decoded to is what single frames are."""

from __future__ import annotations

import random
from struct import pack
from typing import Any

import numpy as np
import pytest

from tests.capture.frames import (
    A6,
    B6,
    T0,
    A,
    B,
    Written,
    ethernet,
    ipv4,
    ipv6,
    pcap,
    read,
    tcp,
    udp,
)
from tracer.capture import decode as module

FILL = Written(bytes(400), T0)
"""a frame that is nothing, so that the ones before it lie far enough from the end for the fast way"""
HOP = bytes([6, 1]) + bytes(14)
FRAMES = {
    "plain": (1, ethernet(ipv4(tcp(b"hello")))),
    "padded": (1, ethernet(ipv4(tcp(b"hello"))) + bytes(11)),
    "options": (1, ethernet(ipv4(tcp(b"hello", options=bytes(12)), options=bytes(8)))),
    "vlan": (1, ethernet(b"\0\x05\x08\0" + ipv4(tcp(b"hello")), 0x8100)),
    "three vlans": (1, ethernet(b"\0\x05\x81\0\0\x06\x81\0\0\x07\x08\0" + ipv4(tcp(b"hello")), 0x88A8)),
    "offload": (1, ethernet(ipv4(tcp(b"hello"), total=0))),
    "ipv6": (1, ethernet(ipv6(tcp(b"hello")), 0x86DD)),
    "ipv6 extension": (1, ethernet(ipv6(HOP + tcp(b"hello"), 0), 0x86DD)),
    "two extensions": (1, ethernet(ipv6(bytes([60, 0]) + bytes(6) + HOP + tcp(b"hello"), 43), 0x86DD)),
    "udp": (1, ethernet(ipv4(udp(b"hello"), 17)) + bytes(9)),
    "raw": (101, ipv4(tcp(b"hello"))),
    "raw 6": (12, ipv6(tcp(b"hello"))),
    "loopback": (0, pack("<I", 2) + ipv4(tcp(b"hello"))),
    "loopback swapped": (0, pack(">I", 30) + ipv6(tcp(b"hello"))),
    "openbsd loopback": (108, pack(">I", 2) + ipv4(tcp(b"hello"))),
    "cooked": (113, pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + ipv4(tcp(b"hello"))),
    "cooked 2": (276, pack(">HHIHBB8s", 0x86DD, 0, 1, 1, 0, 6, bytes(8)) + ipv6(tcp(b"hello"))),
    "ppp": (9, b"\xff\x03\x00\x21" + ipv4(tcp(b"hello"))),
    "ppp short": (9, b"\x00\x57" + ipv6(tcp(b"hello"))),
}


SIXES = {"ipv6", "ipv6 extension", "two extensions", "raw 6", "loopback swapped", "cooked 2", "ppp short"}


@pytest.mark.parametrize("name", FRAMES)
def test_a_common_frame_is_decoded_alike_fast_and_singly(name: str) -> None:
    link, frame = FRAMES[name]
    fast = read(pcap([Written(frame), FILL], link=link)).rows[0]
    alone = read(pcap([Written(frame)], link=link)).rows[0]
    assert fast == alone
    assert (fast.src, fast.dst) == ((A6, B6) if name in SIXES else (A, B))
    assert (fast.sport, fast.dport) == (4000, 443 if name == "udp" else 80)
    assert (fast.payload, fast.wire) == (b"hello", 5)
    assert fast.ttl == (60 if name in SIXES else 61)
    if name != "udp":
        assert (fast.seq, fast.ack, fast.flags, fast.window) == (1, 7, 0x18, 512)


def test_the_common_frames_take_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []

    def spy(*given: Any) -> Any:
        parts, slow = real(*given)
        left.extend(np.concatenate(slow).tolist())
        return parts, slow

    real = module.decode
    monkeypatch.setattr("tracer.capture.capture.decode", spy)
    for link, frame in FRAMES.values():
        left.clear()
        read(pcap([Written(frame), FILL], link=link))
        assert 0 not in left


def test_rows_keep_capture_order_when_versions_and_ways_are_mixed() -> None:
    tunnelled = ethernet(ipv4(ipv4(tcp(b"in")), 4))
    frames = [FRAMES["ipv6"][1], tunnelled, FRAMES["plain"][1], FRAMES["ipv6"][1], FRAMES["udp"][1]] * 3
    assert [row.number for row in read(pcap(frames)).rows] == list(range(1, 16))


def test_a_length_field_beyond_the_frame_is_held_to_the_frame() -> None:
    for after in ([], [FILL]):
        row = read(pcap([Written(ethernet(ipv4(tcp(b"hello"), total=1500))), *after])).rows[0]
        assert (row.payload, row.wire) == (b"hello", 5)


def test_damaged_headers_are_decoded_alike_fast_and_singly() -> None:
    chance = random.Random(22)
    for _ in range(1200):
        link, frame = chance.choice(list(FRAMES.values()))
        broken = bytearray(frame)
        for _ in range(chance.randint(1, 3)):
            broken[chance.randrange(min(len(broken), 70))] = chance.choice(
                (0, 4, 6, 17, 41, 255, chance.randrange(256))
            )
        cut = chance.choice((len(broken), chance.randrange(len(broken))))
        written = Written(bytes(broken[:cut]), T0, len(broken))
        fast = read(pcap([written, FILL], link=link)).rows
        alone = read(pcap([written], link=link)).rows
        assert fast == alone, (link, written)
