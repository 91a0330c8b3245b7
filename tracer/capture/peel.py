"""Ethernet frames inside VXLAN or GENEVE, taken out many at a time: whole captures of mirrored traffic are such."""

from __future__ import annotations

import numpy as np

from .decode import TAIL, Frames
from .link import IPV4, read_links
from .view import Offsets, View

_VXLAN = (4789, 8472)
_GENEVE = 6081
_BEFORE = 20 + 8
"""IPv4 without options, UDP"""


def peel(view: View, frames: Frames, link: int) -> tuple[Frames, Offsets]:
    """The inner Ethernet frames, and the indices of the frames they were in. Only plain IPv4 outside is looked at."""
    whole = np.flatnonzero(frames.start <= view.size - 2 * TAIL)
    kind, at = read_links(view, frames.start[whole], link)
    rows = np.flatnonzero(kind == IPV4)
    whole, at = whole[rows], at[rows]
    bytes_at, words_at = view.array("u1"), view.array(">u2")
    plain = (bytes_at[at] == 0x45) & (words_at[at + 6] & 0x3FFF == 0) & (bytes_at[at + 9] == 17)
    whole, at = whole[plain], at[plain]
    port, first = words_at[at + 22], bytes_at[at + _BEFORE]
    vxlan = np.isin(port, _VXLAN) & (first & 8 != 0)
    geneve = (port == _GENEVE) & (first >> 6 == 0) & (words_at[at + _BEFORE + 2] == 0x6558)
    inside = at + _BEFORE + 8 + np.where(geneve, (first & 0x3F).astype(np.int64) * 4, 0)
    taken_end = frames.start[whole] + frames.captured[whole]
    sent_end = frames.start[whole] + np.maximum(frames.original[whole], frames.captured[whole])
    size = words_at[at + 24].astype(np.int64)
    sent_end = np.minimum(sent_end, at + 20 + size)
    sent_end = np.minimum(sent_end, at + words_at[at + 2])
    taken_end = np.minimum(taken_end, sent_end)
    good = np.flatnonzero((vxlan | geneve) & (inside + 14 <= taken_end) & (size >= 8))
    outer, start = whole[good], inside[good]
    inner = Frames(frames.number[outer], start, taken_end[good] - start, sent_end[good] - start, frames.time_ns[outer])
    return inner, outer
