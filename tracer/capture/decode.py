"""Frames to columns, thousands at a time: the common link layers, IPv4, IPv6, TCP and UDP.

What is not common is left for `unwrap`, which looks at single frames: `decode` says which those are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .columns import MAPPED, Columns
from .link import IPV4, IPV6, PAST, SLOW, read_links
from .view import Offsets, View

_BATCH = 16384
"""frames at a time, so that what is looked at stays in the processor's cache"""
TAIL = PAST + 60 + 20 + 16
"""frames that begin this close to the end of the buffer are looked at singly: fields are read before their
place is checked, and no read may leave the buffer"""
_TCP, _UDP = 6, 17
_SLOW_PROTOCOLS = np.zeros(256, bool)
_SLOW_PROTOCOLS[[4, 41, 47, 51, 97, 137]] = True
"""IPv4, IPv6, GRE, AH, Ethernet and MPLS inside IP"""
_EXTENSIONS = np.zeros(256, bool)
_EXTENSIONS[[0, 43, 60]] = True
"""hop-by-hop options, routing, destination options: same shape (RFC 8200 section 4)"""
_SLOW_EXTENSIONS = np.zeros(256, bool)
_SLOW_EXTENSIONS[[44, 135, 139, 140]] = True
"""fragment, mobility, HIP, shim6"""
TUNNEL_PORTS = (4789, 8472, 4790, 6081, 2152, 3544, 4754, 1701, 6635, 37008)
"""VXLAN, VXLAN on Linux, VXLAN-GPE, GENEVE, GTP-U, Teredo, GRE, L2TP, MPLS, TZSP"""
_IS_TUNNEL = np.zeros(65536, bool)
_IS_TUNNEL[list(TUNNEL_PORTS)] = True

_V4 = np.dtype({
    "names": ["vhl", "total", "fragment", "ttl", "protocol", "src", "dst"],
    "formats": ["u1", ">u2", ">u2", "u1", "u1", ">u4", ">u4"],
    "offsets": [0, 2, 6, 8, 9, 12, 16],
    "itemsize": 20,
})  # fmt: skip
_V6 = np.dtype({
    "names": ["vhl", "payload", "next", "hops", "src", "dst"],
    "formats": ["u1", ">u2", "u1", "u1", (">u8", 2), (">u8", 2)],
    "offsets": [0, 4, 6, 7, 8, 24],
    "itemsize": 40,
})  # fmt: skip
_L4 = np.dtype({
    "names": ["sport", "dport", "seq", "length", "ack", "doff", "flags", "window"],
    "formats": [">u2", ">u2", ">u4", ">u2", ">u4", "u1", "u1", ">u2"],
    "offsets": [0, 2, 4, 4, 8, 12, 13, 14],
    "itemsize": 20,
})  # fmt: skip


class _Network:
    """IP packets of one version: arrays of equal length."""

    def __init__(self, index: Offsets, size: int) -> None:
        self.index = index
        self.src = np.empty((size, 2), np.uint64)
        self.dst = np.empty((size, 2), np.uint64)
        self.protocol: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.ttl: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.at: Offsets = np.empty(0, np.int64)
        """where the transport layer begins"""
        self.end: Offsets = np.empty(0, np.int64)
        """where the IP packet ends, as sent"""
        self.slow: NDArray[np.bool_] = np.empty(0, np.bool_)


def _read_v4(view: View, index: Offsets, at: Offsets, sent_end: Offsets) -> _Network:
    net = _Network(index, len(index))
    fields = view.rows(at, _V4)
    vhl = fields["vhl"]
    header = (vhl & 15).astype(np.int64) * 4
    total = fields["total"].astype(np.int64)
    net.protocol, net.ttl = fields["protocol"], fields["ttl"]
    net.at = at + header
    net.end = np.minimum(at + total, sent_end)
    unset = total == 0  # segmentation offload: the real length is known to the network card only
    if unset.any():
        net.end[unset] = sent_end[unset]
    net.src[:, 0] = net.dst[:, 0] = 0
    net.src[:, 1] = fields["src"]
    net.dst[:, 1] = fields["dst"]
    net.src[:, 1] |= np.uint64(MAPPED)
    net.dst[:, 1] |= np.uint64(MAPPED)
    net.slow = (fields["fragment"] & 0x3FFF) != 0
    net.slow |= (vhl >> 4 != 4) | (header < 20)
    return net


def _read_v6(view: View, index: Offsets, at: Offsets, sent_end: Offsets) -> _Network:
    net = _Network(index, len(index))
    fields = view.rows(at, _V6)
    net.src[:] = fields["src"]
    net.dst[:] = fields["dst"]
    net.protocol, net.ttl = fields["next"].copy(), fields["hops"]
    payload = fields["payload"].astype(np.int64)
    net.at = at + 40
    net.end = np.minimum(net.at + payload, sent_end)
    unset = payload == 0
    if unset.any():
        net.end[unset] = sent_end[unset]
    net.slow = fields["vhl"] >> 4 != 6
    _pass_extensions(view, net)
    net.slow |= _SLOW_EXTENSIONS[net.protocol] | _EXTENSIONS[net.protocol] & (net.at + 60 > net.end)
    return net


def _pass_extensions(view: View, net: _Network) -> None:
    """Move over extension headers (RFC 8200 section 4); a row with more than eight becomes slow."""
    rows = np.flatnonzero(_EXTENSIONS[net.protocol])
    for _ in range(8):
        if not len(rows):
            return
        at = net.at[rows]
        inside = at + 2 <= np.minimum(net.end[rows], view.size - 60)
        net.slow[rows[~inside]] = True
        rows, at = rows[inside], at[inside]
        net.protocol[rows] = view.array("u1")[at]
        net.at[rows] = at + (view.array("u1")[at + 1].astype(np.int64) + 1) * 8
        rows = rows[_EXTENSIONS[net.protocol[rows]]]
    net.slow[rows] = True


class Frames(NamedTuple):
    """Frames of one link type: columns of equal length."""

    number: Offsets
    start: Offsets
    captured: Offsets
    original: Offsets
    time_ns: NDArray[np.int64]


def decode(
    view: View,
    number: Offsets,
    start: Offsets,
    captured: Offsets,
    original: Offsets,
    time_ns: NDArray[np.int64],
    link: int,
) -> tuple[list[Columns], list[Offsets]]:
    """Columns of the TCP and UDP packets among frames of one link type, and indices of the frames to look at singly."""
    parts: list[Columns] = []
    slow: list[Offsets] = []
    whole = int(np.searchsorted(start, view.size - TAIL, "right"))
    for low in range(0, whole, _BATCH):
        high = min(low + _BATCH, whole)
        batch = slice(low, high)
        found, odd = _decode_batch(
            view, number[batch], start[batch], captured[batch], original[batch], time_ns[batch], link
        )
        parts.extend(found)
        slow.append(odd + low)
    slow.extend(np.arange(low, min(low + _BATCH, len(start))) for low in range(whole, len(start), _BATCH))
    return parts, slow


def _decode_batch(
    view: View,
    number: Offsets,
    start: Offsets,
    captured: Offsets,
    original: Offsets,
    time_ns: NDArray[np.int64],
    link: int,
) -> tuple[list[Columns], Offsets]:
    kind, at = read_links(view, start, link)
    taken_end = start + captured
    sent_end = start + np.maximum(captured, original)
    slow = [np.flatnonzero(kind == SLOW)]
    parts = []
    for version, read in ((IPV4, _read_v4), (IPV6, _read_v6)):
        index = np.flatnonzero(kind == version)
        if not len(index):
            continue
        every = len(index) == len(start)
        net = read(view, index, at if every else at[index], sent_end if every else sent_end[index])
        columns, odd = _read_transport(view, net, taken_end if every else taken_end[index])
        if len(odd):
            slow.append(index[odd])
        if columns:
            parts.append(columns)
    found = _in_order(parts)
    for columns in found:
        rows = columns["number"]
        columns["number"] = number[rows]
        columns["time_ns"] = time_ns[rows]
    return found, np.concatenate(slow)


def _in_order(parts: list[Columns]) -> list[Columns]:
    """IPv4 and IPv6 packets as one part in capture order."""
    if len(parts) < 2:
        return parts
    order = np.argsort(np.concatenate([p["number"] for p in parts]).astype(np.uint16), kind="stable")
    return [{name: np.concatenate([p[name] for p in parts])[order] for name in parts[0]}]


def _read_transport(view: View, net: _Network, taken_end: Offsets) -> tuple[Columns | None, Offsets]:
    """Columns (`number` is still the index in the batch) and rows of `net` that have to be looked at singly."""
    tcp = net.protocol == _TCP
    udp = net.protocol == _UDP
    good = tcp | udp
    good &= ~net.slow
    good &= net.at + np.where(tcp, 20, 8) <= np.minimum(taken_end, view.size - 20)
    rows = np.flatnonzero(good)
    every = len(rows) == len(good)
    at = net.at if every else net.at[rows]
    fields = view.rows(at, _L4)
    tcp = tcp if every else tcp[rows]
    dport = fields["dport"].astype(np.uint16)
    sport = fields["sport"].astype(np.uint16)
    header = (fields["doff"] >> 4).astype(np.int64) * 4
    end = net.end if every else net.end[rows]
    taken = taken_end if every else taken_end[rows]
    plain_tcp = bool(tcp.all())
    if not plain_tcp:
        header[~tcp] = 8
        size = fields["length"].astype(np.int64)
        end = np.where(~tcp & (size >= 8), np.minimum(end, at + size), end)
    body = at + header
    wire = end - body
    length = np.minimum(end, taken) - body
    fine = wire >= 0
    fine &= header >= np.where(tcp, 20, 8) if not plain_tcp else header >= 20
    if not plain_tcp:
        fine &= tcp | ~(_IS_TUNNEL[dport] | _IS_TUNNEL[sport])
    odd = _find_odd(net, good, rows, fine)
    keep: slice | Offsets = slice(None)
    if not fine.all():
        keep = np.flatnonzero(fine)
    if every and isinstance(keep, slice):
        picked: slice | Offsets = keep
    else:
        picked = rows[keep]
    tcp = tcp[keep]
    columns: Columns = {
        "number": net.index[picked],
        "protocol": net.protocol[picked],
        "src": net.src[picked],
        "dst": net.dst[picked],
        "sport": sport[keep],
        "dport": dport[keep],
        "seq": fields["seq"][keep].astype(np.uint32),
        "ack": fields["ack"][keep].astype(np.uint32),
        "flags": fields["flags"][keep],
        "window": fields["window"][keep].astype(np.uint16),
        "ttl": net.ttl[picked],
        "offset": body[keep],
        "length": np.maximum(length[keep], 0).astype(np.int32),
        "wire": wire[keep].astype(np.int32),
    }
    if not plain_tcp:
        for name in ("seq", "ack", "flags", "window"):
            columns[name] = np.where(tcp, columns[name], 0).astype(columns[name].dtype)
    return (columns if len(columns["number"]) else None), odd


def _find_odd(net: _Network, good: NDArray[np.bool_], rows: Offsets, fine: NDArray[np.bool_]) -> Offsets:
    """Rows that may still be, or hide, a TCP or UDP packet: fragments, tunnels, headers cut short or impossible."""
    known = (net.protocol == _TCP) | (net.protocol == _UDP) | _SLOW_PROTOCOLS[net.protocol] | net.slow
    odd = known & ~good
    odd[rows[~fine]] = True
    return np.flatnonzero(odd)
