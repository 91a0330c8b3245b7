"""Packets as columns: what the transport stage gets from the capture stage, one block at a time."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray


class Packets(msgspec.Struct, frozen=True):
    """The TCP and UDP packets of one block of a capture: arrays of equal length, in capture order.

    Tunnels are unwrapped: addresses are the innermost ones. IPv4 is held as IPv4-mapped IPv6.
    """

    number: NDArray[np.int64]
    """packet number in the capture, from 1"""
    time_ns: NDArray[np.int64]
    protocol: NDArray[np.uint8]
    """6 TCP, 17 UDP"""
    src: NDArray[np.uint64]
    """shape (n, 2): high and low half of the address, in host order"""
    dst: NDArray[np.uint64]
    sport: NDArray[np.uint16]
    dport: NDArray[np.uint16]
    seq: NDArray[np.uint32]
    """0 for UDP, like the next three"""
    ack: NDArray[np.uint32]
    flags: NDArray[np.uint8]
    """CWR ECE URG ACK PSH RST SYN FIN, FIN lowest"""
    window: NDArray[np.uint16]
    ttl: NDArray[np.uint8]
    offset: NDArray[np.int64]
    """where the payload starts in the capture's bytes; -1-k: it lies in `extra[k]` (fragments joined, slow path)"""
    length: NDArray[np.int32]
    """payload bytes captured"""
    wire: NDArray[np.int32]
    """payload bytes sent; more than `length` where the snapshot length cut"""
    extra: Mapping[int, bytes]
    bytes_read: int
    """position in the source after this block, for progress"""

    def __len__(self) -> int:
        return len(self.number)
