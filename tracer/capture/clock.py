"""Time stamps of pcapng in nanoseconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .records import Interface

_SECOND = 10**9
LATEST = 2**63 // _SECOND - 1
"""the last whole second that fits 64 bits of nanoseconds; later times are held to it"""


def to_ns(stamps: NDArray[np.uint64], interface: Interface) -> NDArray[np.int64]:
    """Nanoseconds since the epoch for counts of this interface's clock (if_tsresol, if_tsoffset)."""
    power = interface.resolution & 0x7F
    if interface.resolution & 0x80:
        seconds, ns = _from_binary(stamps, power)
    else:
        seconds, ns = _from_decimal(stamps, power)
    whole = np.minimum(seconds, np.uint64(LATEST)).astype(np.int64)
    if interface.offset_s:
        whole = np.clip(whole + max(-LATEST, min(interface.offset_s, LATEST)), 0, LATEST)
    return whole * _SECOND + ns.astype(np.int64)


def _from_decimal(stamps: NDArray[np.uint64], power: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    if power > 19:  # 64 bits of these do not make a second
        zero = np.zeros_like(stamps)
        return zero, zero if power > 28 else stamps // np.uint64(10 ** min(power - 9, 19))
    unit = np.uint64(10**power)
    seconds = stamps // unit
    rest = stamps - seconds * unit
    ns = rest * np.uint64(10 ** (9 - power)) if power <= 9 else rest // np.uint64(10 ** (power - 9))
    return seconds, ns


def _from_binary(stamps: NDArray[np.uint64], power: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    if power >= 64:
        seconds = np.zeros_like(stamps)
        rest = stamps >> np.uint64(power - 32) if power < 96 else seconds
    else:
        seconds = stamps >> np.uint64(power)
        rest = stamps & np.uint64((1 << power) - 1)
        rest = rest >> np.uint64(power - 32) if power > 32 else rest << np.uint64(32 - power)
    return seconds, (rest * np.uint64(_SECOND)) >> np.uint64(32)
