"""Link layers that whole blocks of frames can be read of at once: where the network layer begins, and what it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .view import Offsets, View

IPV4, IPV6 = 0x0800, 0x86DD
OTHER = 0
"""neither IP nor anything IP is known to hide in"""
SLOW = 1
"""has to be looked at singly; like every EtherType below 0x600"""
VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
HIDING = (0x8847, 0x8848, 0x8864, 0x6558, 0x880B, 0x8863, 0x88E7, 0x894F, 0x8926, 0x8909, 0x893F, 0x88BE, 0x22EB)
"""EtherTypes that may carry IP further in: MPLS, PPPoE, Ethernet, PPP, PBB, NSH, VN-Tag, CMD, E-Tag, ERSPAN"""
PAST = 36
"""bytes of a frame the functions here may look at"""

Found = tuple[NDArray[np.uint16], Offsets]
"""EtherType (or one of the values above) and offset of the network layer, for each frame"""


def _ethernet(view: View, start: Offsets) -> Found:
    return view.array(">u2")[start + 12], start + 14


def _raw(view: View, start: Offsets) -> Found:
    version = view.array("u1")[start] >> 4
    return np.where(version == 4, IPV4, np.where(version == 6, IPV6, SLOW)).astype(np.uint16), start


def _null(view: View, start: Offsets) -> Found:
    family = view.array("<u4")[start]
    family = np.where(family > 0xFFFF, family.byteswap(), family)
    kind = np.where(family == 2, IPV4, np.where(np.isin(family, (10, 24, 28, 30)), IPV6, OTHER))
    return kind.astype(np.uint16), start + 4


def _sll(view: View, start: Offsets) -> Found:
    return view.array(">u2")[start + 14], start + 16


def _sll2(view: View, start: Offsets) -> Found:
    return view.array(">u2")[start], start + 20


def _ppp(view: View, start: Offsets) -> Found:
    short = view.array(">u2")[start] != 0xFF03  # address and control left out (RFC 1661 section 6.6)
    at = start + np.where(short, 0, 2)
    protocol = view.array(">u2")[at]
    kind = np.where(protocol == 0x0021, IPV4, np.where(protocol == 0x0057, IPV6, SLOW))
    return kind.astype(np.uint16), at + 2


FAST: dict[int, Callable[[View, Offsets], Found]] = {
    0: _null,
    1: _ethernet,
    9: _ppp,
    12: _raw,
    14: _raw,
    101: _raw,
    108: _null,
    113: _sll,
    228: _raw,
    229: _raw,
    276: _sll2,
}
"""by LINKTYPE_ value"""


def read_links(view: View, start: Offsets, link: int) -> Found:
    """EtherType and network layer of frames of one link type, VLAN tags passed."""
    reader = FAST.get(link)
    if reader is None:
        return np.full(len(start), SLOW, np.uint16), start
    kind, at = reader(view, start)
    odd = np.flatnonzero((kind != IPV4) & (kind != IPV6))
    if not len(odd):
        return kind, at
    kind, at = kind.astype(np.uint16), at
    for _ in range(4):
        tagged = odd[np.isin(kind[odd], VLAN_TAGS)]
        if not len(tagged):
            break
        kind[tagged] = view.array(">u2")[at[tagged] + 2]
        at[tagged] += 4
    rest = kind[odd]
    slow = (rest < 0x600) & (rest != OTHER) | np.isin(rest, HIDING + VLAN_TAGS)
    ip = (rest == IPV4) | (rest == IPV6)
    kind[odd] = np.where(ip, rest, np.where(slow, SLOW, OTHER))
    return kind, at
