"""QUIC packet headers (RFC 9000 section 17, RFC 9369 section 3) and variable-length integers (section 16)."""

from __future__ import annotations

import enum
from typing import NamedTuple

from .versions import V2


class Kind(enum.Enum):
    INITIAL = "initial"
    ZERO_RTT = "0-rtt"
    HANDSHAKE = "handshake"
    RETRY = "retry"
    NEGOTIATION = "version-negotiation"
    ONE_RTT = "1-rtt"


_V1_KINDS = (Kind.INITIAL, Kind.ZERO_RTT, Kind.HANDSHAKE, Kind.RETRY)
_V2_KINDS = (Kind.RETRY, Kind.INITIAL, Kind.ZERO_RTT, Kind.HANDSHAKE)


class Header(NamedTuple):
    kind: Kind
    version: int
    dcid: bytes
    scid: bytes
    number_at: int
    """where the packet number starts, from the packet's first byte"""
    end: int
    """where the packet ends in the datagram"""


class PacketError(ValueError):
    """The bytes are no QUIC packet."""


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """(value, place after it); raises PacketError."""
    if at >= len(data):
        raise PacketError("a number that is missing")
    size = 1 << (data[at] >> 6)
    if at + size > len(data):
        raise PacketError("a number that is cut")
    return int.from_bytes(data[at : at + size]) & ((1 << (8 * size - 2)) - 1), at + size


def read_header(data: bytes, start: int, short_cid: int) -> Header:
    """The header of the packet at `start`; `short_cid` is the length of connection ids in short headers.

    The fixed bit is not looked at: peers that agreed to may send anything there (RFC 9287)."""
    if start >= len(data):
        raise PacketError("no packet")
    first = data[start]
    if not first & 0x80:
        end = start + 1 + short_cid
        if end > len(data):
            raise PacketError("a connection id that is cut")
        return Header(Kind.ONE_RTT, 0, data[start + 1 : end], b"", 1 + short_cid, len(data))
    version = int.from_bytes(data[start + 1 : start + 5])
    at = start + 5
    ids = []
    for _ in range(2):
        if at >= len(data) or data[at] > 20 or at + 1 + data[at] > len(data):
            raise PacketError("a connection id that is cut")
        ids.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    if version == 0:
        return Header(Kind.NEGOTIATION, 0, ids[0], ids[1], 0, len(data))
    kind = (_V2_KINDS if version == V2 else _V1_KINDS)[first >> 4 & 3]
    if kind is Kind.RETRY:
        return Header(kind, version, ids[0], ids[1], 0, len(data))
    if kind is Kind.INITIAL:
        length, at = read_varint(data, at)
        at += length
    length, at = read_varint(data, at)
    if at + length > len(data):
        raise PacketError("a packet longer than its datagram")
    return Header(kind, version, ids[0], ids[1], at - start, at + length)
