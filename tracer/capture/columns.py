"""Columns of packets in the making, from whole blocks or row by row."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .packets import Packets

MAPPED = 0xFFFF << 32
"""low half of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2), without the IPv4 part"""


class Row(NamedTuple):
    """One TCP or UDP packet, as `Packets` has them."""

    number: int
    time_ns: int
    protocol: int
    src: tuple[int, int]
    dst: tuple[int, int]
    sport: int
    dport: int
    seq: int
    ack: int
    flags: int
    window: int
    ttl: int
    offset: int
    length: int
    wire: int


_KINDS: dict[str, Any] = {
    "number": np.int64,
    "time_ns": np.int64,
    "protocol": np.uint8,
    "src": np.uint64,
    "dst": np.uint64,
    "sport": np.uint16,
    "dport": np.uint16,
    "seq": np.uint32,
    "ack": np.uint32,
    "flags": np.uint8,
    "window": np.uint16,
    "ttl": np.uint8,
    "offset": np.int64,
    "length": np.int32,
    "wire": np.int32,
}
Columns = dict[str, NDArray[Any]]


def from_rows(rows: list[Row]) -> Columns:
    """The rows as columns."""
    parts: list[Any] = list(zip(*rows, strict=True)) or [() for _ in _KINDS]
    columns = {name: np.array(part, kind) for (name, kind), part in zip(_KINDS.items(), parts, strict=True)}
    for name in ("src", "dst"):
        columns[name] = columns[name].reshape(-1, 2)
    return columns


def join(parts: list[Columns], extra: dict[int, bytes], bytes_read: int) -> Packets:
    """All parts as one block, in the order of packet numbers."""
    joined = parts[0]
    if len(parts) > 1:
        joined = {name: np.concatenate([part[name] for part in parts]) for name in _KINDS}
    number = joined["number"]
    if len(parts) > 1 and (number[1:] < number[:-1]).any():
        order = np.argsort(number, kind="stable")
        joined = {name: column[order] for name, column in joined.items()}
    return Packets(**joined, extra=extra, bytes_read=bytes_read)
