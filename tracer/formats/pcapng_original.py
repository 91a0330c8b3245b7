"""The frames that carried chosen exchanges, as they were captured: for traces that are written without redaction."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

from tracer.model.http import Exchange

from .tcp_synthesis import endpoint
from .writing import Options, Readable, chosen

_MAPPED = 0xFFFF << 32
_End = tuple[int, int, int]
"""high and low half of the address (IPv4 mapped into IPv6), port"""


class Original(NamedTuple):
    number: int
    time_ns: int
    data: bytes
    length: int
    """on the wire"""
    link: int
    snaplen: int


class Plan(NamedTuple):
    """What to take from one capture file."""

    path: str
    ends: set[tuple[_End, _End]]
    exchanges: set[str]


def plan(trace: Readable, options: Options) -> dict[str, Plan]:
    """By source name, the connections of chosen exchanges whose capture files are still there."""
    if getattr(trace, "redactor", None) is not None:  # frames cannot be redacted
        return {}
    paths = {s.name: s.path for s in trace.sources() if s.kind in ("pcap", "pcapng") and s.path}
    plans: dict[str, Plan] = {}
    for exchange in chosen(trace, options):
        path = paths.get(exchange.source)
        ends = ends_of(exchange)
        if path and ends and os.path.isfile(path):
            kept = plans.setdefault(exchange.source, Plan(path, set(), set()))
            kept.ends.update((ends, ends[::-1]))
            kept.exchanges.add(exchange.id)
    return plans


def ends_of(exchange: Exchange) -> tuple[_End, _End] | None:
    one, two = _end(exchange.client), _end(exchange.server)
    return (one, two) if one and two else None


def _end(name: str | None) -> _End | None:
    found = endpoint(name)
    if found is None:
        return None
    version, packed, port = found
    number = int.from_bytes(packed, "big") if version == 6 else _MAPPED | int.from_bytes(packed, "big")
    return number >> 64, number & (1 << 64) - 1, port


def frames(wanted: Plan) -> Iterator[Original | bytes]:
    """Every frame of the planned connections in capture order, and key logs inside the capture before their block."""
    from tracer.capture.capture import Capture
    from tracer.capture.pcapng_blocks import KEY_LOG

    capture, secrets = Capture.open(wanted.path), 0
    for packets in capture.blocks():
        for kind, data in capture.secrets[secrets:]:
            secrets += 1
            if kind == KEY_LOG:
                yield bytes(data)
        for number in packets_between(packets, wanted.ends):
            record = capture.record(number)
            interface = record.interface
            yield Original(number, record.time_ns, record.data, record.original, interface.link, interface.snaplen)


def packets_between(packets: Any, ends: set[tuple[_End, _End]]) -> list[int]:
    import numpy as np

    ports = np.array(sorted({end[2] for pair in ends for end in pair}), np.uint16)
    near = np.flatnonzero(np.isin(packets.sport, ports) & np.isin(packets.dport, ports))
    found: list[int] = []
    last = 0
    for number, source, target, sport, dport in zip(
        packets.number[near].tolist(),
        packets.src[near].tolist(),
        packets.dst[near].tolist(),
        packets.sport[near].tolist(),
        packets.dport[near].tolist(),
        strict=True,
    ):
        if number != last and ((source[0], source[1], sport), (target[0], target[1], dport)) in ends:
            found.append(number)
            last = number
    return found
