"""A TCP conversation made of nothing: IP packets with right lengths, numbers and checksums (RFC 9293, 791, 8200)."""

from __future__ import annotations

import ipaddress
import struct
from typing import NamedTuple

_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_SEGMENT = 1380
_STEP = 1_000

Endpoint = tuple[int, bytes, int]
"""IP version, packed address, port"""


class Frame(NamedTuple):
    data: bytes
    time_ns: int
    comment: str = ""


def endpoint(name: str | None) -> Endpoint | None:
    """`10.0.0.1:443` or `[::1]:443` taken apart; None for names and for nothing."""
    host, _, port = (name or "").rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        return None
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None
    return address.version, address.packed, int(port)


class Conversation:
    """Both directions; each call returns the packets it takes, at times that never go back."""

    def __init__(self, client: Endpoint, server: Endpoint, number: int) -> None:
        self._ends = (server, client)
        self._next = [0x20000000 + number * 0x10001 & 0xFFFFFFFF, 0x10000000 + number * 0x10001 & 0xFFFFFFFF]
        self._now = 0
        self._ident = 0

    def open(self, at_ns: int) -> list[Frame]:
        """SYN, SYN-ACK, ACK just before `at_ns`."""
        self._now = max(at_ns - 4 * _STEP, 0)
        return [self._packet(True, _SYN), self._packet(False, _SYN | _ACK), self._packet(True, _ACK)]

    def send(self, data: bytes, client: bool, at_ns: int, comment: str = "") -> list[Frame]:
        """The data in segments from one side, each burst acknowledged by the other."""
        self._now = max(self._now, at_ns - _STEP)
        frames = []
        for start in range(0, len(data), _SEGMENT):
            part = data[start : start + _SEGMENT]
            flags = _ACK | (_PSH if start + _SEGMENT >= len(data) else 0)
            frames.append(self._packet(client, flags, part, comment if start == 0 else ""))
            if start // _SEGMENT % 16 == 15:
                frames.append(self._packet(not client, _ACK))
        frames.append(self._packet(not client, _ACK))
        return frames

    def close(self, reset: bool) -> list[Frame]:
        """FIN from the server and from the client; or a reset by the server."""
        if reset:
            return [self._packet(False, _RST | _ACK)]
        return [self._packet(False, _FIN | _ACK), self._packet(True, _FIN | _ACK), self._packet(False, _ACK)]

    def _packet(self, client: bool, flags: int, data: bytes = b"", comment: str = "") -> Frame:
        self._now += _STEP
        self._ident = self._ident + 1 & 0xFFFF
        source, target = self._ends[client], self._ends[not client]
        acknowledged = self._next[not client] if flags & _ACK else 0
        segment = struct.pack(
            "!HHIIBBHHH", source[2], target[2], self._next[client], acknowledged, 5 << 4, flags, 65535, 0, 0
        )
        segment += data
        length = len(segment)
        pseudo = (
            source[1]
            + target[1]
            + (struct.pack("!BBH", 0, 6, length) if source[0] == 4 else struct.pack("!II", length, 6))
        )
        segment = segment[:16] + struct.pack("!H", _checksum(pseudo + segment)) + segment[18:]
        self._next[client] = self._next[client] + len(data) + bool(flags & (_SYN | _FIN)) & 0xFFFFFFFF
        return Frame(_internet(source, target, segment, self._ident), self._now, comment)


def _internet(source: Endpoint, target: Endpoint, segment: bytes, ident: int) -> bytes:
    if source[0] == 6:
        return struct.pack("!IHBB", 6 << 28, len(segment), 6, 64) + source[1] + target[1] + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), ident, 0x4000, 64, 6, 0) + source[1] + target[1]
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + segment


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
