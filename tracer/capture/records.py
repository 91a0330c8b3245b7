"""Captured frames before anything in them is read."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from .view import Offsets


class Interface(msgspec.Struct, frozen=True):
    """Where frames were captured: one per pcap file, one per Interface Description Block of a pcapng section."""

    link: int
    """LINKTYPE_ value"""
    snaplen: int = 0
    """0: no limit"""
    name: str = ""
    fcs: int = 0
    """bytes of frame check sequence at the end of each frame, where the file says so"""
    resolution: int = 6
    """if_tsresol: negative power of 10, or of 2 with the top bit set"""
    offset_s: int = 0
    """if_tsoffset: seconds to add"""


class Records(msgspec.Struct, frozen=True):
    """Frames of one block: arrays of equal length in capture order, numbered without gaps from `first`."""

    first: int
    offset: Offsets
    """offset of the record (or block) that holds the frame"""
    start: Offsets
    """offset of the frame's first byte"""
    captured: Offsets
    original: Offsets
    time_ns: NDArray[np.int64]
    interface: NDArray[np.int64]
    """index into the reader's `interfaces`, which counts through all sections"""

    def __len__(self) -> int:
        return len(self.start)


class Record(msgspec.Struct, frozen=True):
    """One frame, looked at singly."""

    number: int
    time_ns: int
    data: bytes
    """as captured"""
    original: int
    """length on the wire"""
    interface: Interface
    comment: str = ""


class NotACapture(ValueError):  # noqa: N818
    """The bytes are no pcap or pcapng; the message is one sentence that says what they are."""
