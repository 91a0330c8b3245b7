"""Whose connections are whose, where several processes list one capture."""

from __future__ import annotations

import numpy as np

from tracer.capture.packets import Packets
from tracer.transport.columns import Rows, flow_keys

BUCKETS = 1024
PACKET_COST = 300
"""a packet costs about as much as so many bytes"""


def deal(bucket: Rows, length: Rows, of: int) -> Rows:
    """Whose each bucket is, so that everybody has as much to read of this block: the largest first, each to whoever has
    least. `bucket` and `length` are the packets'."""
    weight = np.bincount(bucket, weights=length + PACKET_COST, minlength=BUCKETS)
    whose, loads = np.zeros(BUCKETS, np.int64), [0.0] * of
    for i in np.argsort(-weight, kind="stable").tolist():
        least = loads.index(min(loads))
        whose[i] = least
        loads[least] += weight[i] + 1
    return whose


def shares(packets: Packets) -> Rows:
    """The bucket of each packet, the same for all of a connection; of a UDP flow that of the end with the lower port,
    since a QUIC client may go on from elsewhere (RFC 9000 section 9)."""
    key, _ = flow_keys(packets, np.arange(len(packets)))
    udp = packets.protocol == 17
    if udp.any():
        lower = packets.sport[udp] < packets.dport[udp]
        host = np.where(lower, packets.src[udp, 1], packets.dst[udp, 1])
        key[udp] = host.astype(np.uint64) ^ np.minimum(packets.sport[udp], packets.dport[udp]).astype(np.uint64)
    buckets: Rows = (key % np.uint64(BUCKETS)).astype(np.int64)
    return buckets
