"""Packets as columns: picking rows, joining blocks, and one number per flow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracer.capture.packets import Packets

Rows = NDArray[np.int64]
COLUMNS = tuple(name for name in Packets.__struct_fields__ if name not in ("extra", "bytes_read"))
_M1, _M2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


def take(packets: Packets, rows: Rows) -> Packets:
    """The packets at `rows`."""
    picked = {name: getattr(packets, name)[rows] for name in COLUMNS}
    return Packets(**picked, extra=packets.extra, bytes_read=packets.bytes_read)


def join(first: Packets, second: Packets) -> Packets:
    """Both, one after the other. Payloads outside the capture's bytes (`extra`) stay those of the second."""
    joined = {name: np.concatenate((getattr(first, name), getattr(second, name))) for name in COLUMNS}
    return Packets(**joined, extra=second.extra, bytes_read=second.bytes_read)


def flow_keys(packets: Packets, rows: Rows) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """(a number that both directions of a flow share, whether the sender is the end that sorts higher)."""
    a = _mix(packets.src[rows], packets.sport[rows])
    b = _mix(packets.dst[rows], packets.dport[rows])
    return a + b, a > b


def _mix(address: NDArray[np.uint64], port: NDArray[np.uint16]) -> NDArray[np.uint64]:
    """A 64-bit hash of address and port."""
    value: NDArray[np.uint64] = (address[:, 0] * _M2 + address[:, 1]) * _M1 + port.astype(np.uint64) * _M2
    value ^= value >> np.uint64(29)
    value *= _M1
    return value ^ (value >> np.uint64(32))


def among(values: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each value is one of those wanted; as `numpy.isin` tells, which loads masked arrays to do so."""
    if not len(wanted):
        return np.zeros(len(values), np.bool_)
    ordered = np.sort(wanted)
    found: NDArray[np.bool_] = ordered[np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)] == values
    return found
