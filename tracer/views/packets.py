"""The packets of one connection, read from its capture again: what was repeated, what is missing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tracer.formats.pcapng_original import ends_of, packets_between
from tracer.model.http import Exchange

MOST = 5000
"""packets of one connection shown"""
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_WRAP = 1 << 32
_NEAR_NS = 1_000_000_000
"""a capture and what was read from it agree about the time but for rounding"""


class PacketLine(NamedTuple):
    """One packet of the ladder."""

    number: int
    time_ns: int
    client: bool
    """sent by the client"""
    flags: int
    seq: int | None
    """relative to the first seen of this direction; None for UDP"""
    ack: int | None
    length: int
    """payload bytes on the wire"""
    note: str = ""
    """`retransmission`, `200 bytes missing before it`, `out of order`, `keep-alive`, `window closed`"""

    @property
    def signs(self) -> str:
        """`SYN ACK`; `data` or `ACK` for what is nothing special."""
        names = [name for bit, name in ((SYN, "SYN"), (FIN, "FIN"), (RST, "RST")) if self.flags & bit]
        if self.flags & ACK and (names or not self.length):
            names.append("ACK")
        return " ".join(names) or "data"


class NoPacketsError(Exception):
    """Why there are none to show."""


class CaptureMissingError(NoPacketsError):
    """The capture is not where the trace says, or the trace does not say where: somebody may know."""


def ladder(
    trace: Any, exchange: Exchange, go_on: Callable[[int, int | None], bool], path: str | None = None
) -> tuple[PacketLine, ...]:
    """The packets of the exchange's connection, in capture order, at most MOST.

    `go_on` gets bytes read and their total, and says whether to read on. `path` is where the user says that the
    capture is. Raises NoPacketsError.
    """
    source = next((s for s in trace.sources() if s.name == exchange.source), None)
    if source is None or source.kind not in ("pcap", "pcapng"):
        raise NoPacketsError(f"a source of kind {source.kind if source else 'unknown'} has no packets")
    path = path or source.path
    if path is None:
        raise CaptureMissingError("a saved trace holds what was said, not the packets that carried it")
    if not os.path.isfile(path):
        raise CaptureMissingError("the capture it was read from is no longer there")
    ends = ends_of(exchange)
    if ends is None:
        raise NoPacketsError("the addresses of this connection are not known")
    connection = trace.connection(exchange.connection) if exchange.connection else None
    until = connection.end_ns if connection is not None else None
    lines = tuple(_read(path, ends, until, go_on))
    if connection is not None and not any(_during(line, connection) for line in lines):
        raise CaptureMissingError("no packet of this connection is in that capture")
    return lines


def _during(line: PacketLine, connection: Any) -> bool:
    begin, end = connection.start_ns, connection.end_ns
    return (begin is None or line.time_ns >= begin - _NEAR_NS) and (end is None or line.time_ns <= end + _NEAR_NS)


def _read(path: str, ends: Any, until: int | None, go_on: Callable[[int, int | None], bool]) -> Iterator[PacketLine]:
    from tracer.capture.capture import Capture

    capture = Capture.open(path)
    sides = {True: _Side(), False: _Side()}
    found = 0
    for packets in capture.blocks():
        numbers = set(packets_between(packets, {ends, ends[::-1]}))
        if numbers:
            for row in _rows(packets, numbers):
                client = row[-1] == ends[0]
                yield _line(row, client, sides[client])
                found += 1
                if found >= MOST:
                    return
        late = until is not None and len(packets) and int(packets.time_ns[0]) > until + 10**9
        if late or not go_on(capture.bytes_read, capture.bytes_total):
            return


def _rows(packets: Any, numbers: set[int]) -> Iterator[tuple[Any, ...]]:
    import numpy as np

    at = np.flatnonzero(np.isin(packets.number, np.fromiter(numbers, np.int64)))
    columns = [
        getattr(packets, name)[at].tolist()
        for name in ("number", "time_ns", "protocol", "flags", "seq", "ack", "window", "wire", "src", "sport")
    ]
    last = 0
    for number, time_ns, protocol, flags, seq, ack, window, wire, address, port in zip(*columns, strict=True):
        if number != last:
            last = number
            yield number, time_ns, protocol, flags, seq, ack, window, wire, (address[0], address[1], port)


class _Side:
    """One direction: where its bytes begin, what was seen, what is next."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.first_ack: int | None = None
        self.next = 0
        self.missing: list[tuple[int, int]] = []


def _line(row: tuple[Any, ...], client: bool, side: _Side) -> PacketLine:
    number, time_ns, protocol, flags, seq, ack, window, wire, _ = row
    if protocol != 6:
        return PacketLine(number, time_ns, client, 0, None, None, wire)
    if side.first is None:
        side.first, side.next = seq, 0
    if side.first_ack is None and flags & ACK:
        side.first_ack = ack
    relative = (seq - side.first + (1 << 31)) % _WRAP - (1 << 31)
    length = wire + bool(flags & SYN) + bool(flags & FIN)
    note = _note(side, relative, length, wire, flags)
    if not window and flags & ACK and not flags & RST:
        note = "; ".join(filter(None, (note, "window closed")))
    answered = (ack - (side.first_ack or 0)) % _WRAP if flags & ACK else None
    return PacketLine(number, time_ns, client, flags, relative, answered, wire, note)


def _note(side: _Side, relative: int, length: int, wire: int, flags: int) -> str:
    end = relative + length
    if relative > side.next and length:
        missing = relative - side.next
        side.missing.append((side.next, relative))
        side.next = end
        return f"{missing} bytes missing before it"
    if length and end <= side.next:
        for hole in side.missing:
            if hole[0] <= relative < hole[1]:
                side.missing.remove(hole)
                side.missing += [part for part in ((hole[0], relative), (end, hole[1])) if part[0] < part[1]]
                return "out of order, or sent again: it fills a gap"
        return "keep-alive" if wire <= 1 and end == side.next and not flags & (SYN | FIN) else "retransmission"
    side.next = max(side.next, end)
    return ""
