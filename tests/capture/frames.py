"""Frames and capture files made byte by byte, and captures read back as plain rows."""

from __future__ import annotations

import io
import ipaddress
from collections.abc import Sequence
from struct import pack
from typing import NamedTuple

from tracer.capture.capture import Capture
from tracer.capture.source import open_source
from tracer.model.problem import Problem

A, B = "10.0.0.1", "10.0.0.2"
A6, B6 = "2001:db8::1", "2001:db8::2"
T0 = 1_700_000_000 * 10**9
MACS = bytes.fromhex("02000000000202000000000a")[:12]


def tcp(
    payload: bytes = b"", sport: int = 4000, dport: int = 80, seq: int = 1, options: bytes = b"", flags: int = 0x18
) -> bytes:
    return pack(">HHIIBBHHH", sport, dport, seq, 7, (20 + len(options)) << 2, flags, 512, 0, 0) + options + payload


def udp(payload: bytes = b"", sport: int = 4000, dport: int = 443) -> bytes:
    return pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ipv4(
    payload: bytes,
    protocol: int = 6,
    src: str = A,
    dst: str = B,
    options: bytes = b"",
    total: int | None = None,
    fragment: int = 0,
    ident: int = 1,
) -> bytes:
    header = 20 + len(options)
    size = header + len(payload) if total is None else total
    fixed = pack(">BBHHHBBH", 0x40 | header >> 2, 0, size, ident, fragment, 61, protocol, 0)
    return fixed + ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed + options + payload


def ipv6(payload: bytes, following: int = 6, src: str = A6, dst: str = B6, size: int | None = None) -> bytes:
    fixed = pack(">IHBB", 6 << 28, len(payload) if size is None else size, following, 60)
    return fixed + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + payload


def ethernet(payload: bytes, kind: int = 0x0800) -> bytes:
    return MACS + pack(">H", kind) + payload


class Written(NamedTuple):
    """One frame for a capture file."""

    data: bytes
    time_ns: int = T0
    original: int | None = None


def pcap(
    frames: Sequence[Written | bytes], link: int = 1, order: str = "<", magic: int = 0xA1B23C4D, snaplen: int = 262144
) -> bytes:
    """A pcap file; frames given as bytes are one millisecond apart."""
    units = 10**6 if magic in (0xA1B2C3D4, 0xA1B2CD34) else 10**9
    longer = magic in (0xA1B2CD34, 0xA1B23CD4)
    parts = [pack(order + "IHHIIII", magic, 2, 4, 0, 0, snaplen, link)]
    for count, given in enumerate(frames):
        data, time_ns, original = given if isinstance(given, Written) else Written(given, T0 + count * 10**6)
        seconds, rest = divmod(time_ns, 10**9)
        length = len(data) if original is None else original
        parts.append(pack(order + "IIII", seconds, rest * units // 10**9, len(data), length))
        if longer:
            parts.append(pack(order + "IHBB", 1, 0x0800, 0, 0))
        parts.append(data)
    return b"".join(parts)


class Seen(NamedTuple):
    """One row of `Packets` with its payload."""

    number: int
    time_ns: int
    protocol: int
    src: str
    dst: str
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    ttl: int
    payload: bytes
    wire: int


class Outcome(NamedTuple):
    """All that came of one capture."""

    rows: list[Seen]
    problems: list[Problem]
    capture: Capture

    @property
    def codes(self) -> list[str]:
        return [problem.code for problem in self.problems]


def _address(high: int, low: int) -> str:
    address = ipaddress.IPv6Address(high << 64 | low)
    return str(address.ipv4_mapped or address)


def rows_of(capture: Capture) -> list[Seen]:
    """The remaining packets of a capture."""
    rows = []
    base = capture.base
    for block in capture.blocks():
        for i in range(len(block)):
            offset, length = int(block.offset[i]), int(block.length[i])
            payload = block.extra[-1 - offset] if offset < 0 else bytes(base[offset : offset + length])
            assert len(payload) == length
            rows.append(
                Seen(
                    int(block.number[i]),
                    int(block.time_ns[i]),
                    int(block.protocol[i]),
                    _address(*block.src[i].tolist()),
                    _address(*block.dst[i].tolist()),
                    int(block.sport[i]),
                    int(block.dport[i]),
                    int(block.seq[i]),
                    int(block.ack[i]),
                    int(block.flags[i]),
                    int(block.window[i]),
                    int(block.ttl[i]),
                    payload,
                    int(block.wire[i]),
                )
            )
    return rows


def read(data: bytes, block: int = 64 << 20) -> Outcome:
    """Everything in these bytes, given as a stream."""
    capture = Capture(open_source(io.BytesIO(data), "t"), block)
    rows = rows_of(capture)
    return Outcome(rows, capture.take_problems(), capture)
