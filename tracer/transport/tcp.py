"""Blocks of packets to connections: flows grouped with vectors, segments put in order one flow at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracer.capture.packets import Packets

from .columns import flow_keys
from .conversation import Conversation
from .flow import Flow, address, guess_client
from .half import Half
from .runs import Runs, find_runs
from .stream import Buffer, Mark

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CHANGES = 16
"""changes of TTL that are noted of one side"""
IDLE_NS = 900 * 1_000_000_000
FORGET_NS = 120 * 1_000_000_000
"""how long an ended connection is remembered, so that late copies of its packets do not begin another one"""

Open = Callable[["Flow"], Conversation | None]


class Ended(NamedTuple):
    """What is remembered of a connection that is over."""

    next: tuple[int | None, int | None]
    """sequence numbers after the last bytes of each side"""
    time_ns: int


class Resume(NamedTuple):
    """A connection that somebody else read up to here."""

    key: int
    ends: tuple[str, str]
    base: tuple[int, int]
    """sequence numbers of the next bytes of client and server"""
    swapped: bool
    ended: bool
    packet: int
    time_ns: int


def _by_side(resume: Resume) -> tuple[int, int]:
    return resume.base[::-1] if resume.swapped else resume.base


class Tracker:
    """All open TCP connections of one source."""

    def __init__(
        self,
        buffer: Buffer,
        prefix: str,
        begin: Callable[[Flow], Conversation | None],
        end: Callable[[Flow], None],
    ) -> None:
        self.buffer = buffer
        self.prefix = prefix
        self.begin = begin
        self.end = end
        self.flows: dict[Any, Flow] = {}
        self.ended: dict[int, Ended] = {}
        self.now = 0

    def feed(self, packets: Packets) -> None:
        tcp = np.flatnonzero(packets.protocol == 6)
        if not len(tcp):
            return
        key, high = flow_keys(packets, tcp)
        order = np.argsort(key, kind="stable")
        key_sorted = key[order]
        cuts = np.flatnonzero(np.r_[True, key_sorted[1:] != key_sorted[:-1]]).tolist()
        cuts.append(len(order))
        rows = tcp[order]
        side = high[order].astype(np.int8).tolist()
        columns = [
            getattr(packets, n)[rows].tolist()
            for n in ("number", "time_ns", "seq", "ack", "flags", "offset", "length", "wire", "ttl")
        ]
        keys = key_sorted.tolist()
        names = ("flags", "seq", "wire", "length", "offset", "number", "time_ns")
        runs = find_runs(key_sorted, high[order], *(getattr(packets, n)[rows] for n in names))
        self.now = max(self.now, int(packets.time_ns[tcp].max()))
        lowest, highest = _bounds_of_ttl(packets, rows, high[order], cuts[:-1])
        for i, start in enumerate(cuts[:-1]):
            flow = self.flows.get(keys[start])
            if flow is None:
                if keys[start] in self.ended:
                    start = self._pass_late(keys[start], side, columns, start, cuts[i + 1])
                    if start == cuts[i + 1]:
                        continue
                flow = self._open(keys[start], packets, int(rows[start]), side[start], columns, start)
            if flow.packets or lowest[0][i] < highest[0][i] or lowest[1][i] < highest[1][i]:
                for s in (0, 1):
                    known = flow.ttls[s][-1][1] if flow.ttls[s] else flow.ttl[s]
                    if lowest[s][i] <= highest[s][i] and not (lowest[s][i] == highest[s][i] == (known or lowest[s][i])):
                        _note_ttls(flow, s, side, columns, start, cuts[i + 1])
            self._flow(flow, side, columns, start, cuts[i + 1], packets, runs)

    def _open(self, key: int, packets: Packets, row: int, side: int, columns: list[list[int]], at: int) -> Flow:
        ends = [
            address(int(packets.src[row, 0]), int(packets.src[row, 1]), int(packets.sport[row])),
            address(int(packets.dst[row, 0]), int(packets.dst[row, 1]), int(packets.dport[row])),
        ]
        if side:
            ends.reverse()
        mark = Mark(columns[0][at], columns[1][at])
        flow = self.flows[key] = Flow(key, self._new_id(mark), (ends[0], ends[1]), self.buffer, mark)
        return flow

    def _pass_late(self, key: int, side: list[int], columns: list[list[int]], start: int, stop: int) -> int:
        """The first row that is more than a late copy of what an ended connection sent."""
        ended = self.ended[key]
        _, times, seqs, _, flags, _, _, wires, _ = columns
        for i in range(start, stop):
            number = ended.next[side[i]]
            new = number is None or (seqs[i] + wires[i] - number) & 0xFFFFFFFF not in range(1, 1 << 31)
            if flags[i] & (SYN | ACK) == SYN or (wires[i] and not new) or times[i] - ended.time_ns > FORGET_NS:
                del self.ended[key]
                return i
        return stop

    def resume(self, resume: Resume, converse: Callable[[Flow], Conversation] | None) -> None:
        """Go on with a connection that somebody else read so far."""
        if resume.ended:
            self.ended[resume.key] = Ended(_by_side(resume), resume.time_ns)
            return
        mark = Mark(resume.packet, resume.time_ns)
        flow = self.flows[resume.key] = Flow(resume.key, self._new_id(mark), resume.ends, self.buffer, mark)
        flow.halves[0].base, flow.halves[1].base = _by_side(resume)
        flow.swapped = resume.swapped
        flow.late = False
        if converse is not None:
            flow.conversation = converse(flow)
            flow.started = True

    def keys(self) -> list[int]:
        """Keys of all connections that are open here, or were not long ago."""
        return [*self.flows, *self.ended]

    def _new_id(self, first: Mark) -> str:
        """`c12`: a packet begins one connection at most."""
        return f"{self.prefix}c{first.packet}"

    def _flow(
        self,
        flow: Flow,
        sides: list[int],
        columns: list[list[int]],
        start: int,
        stop: int,
        packets: Packets,
        runs: Runs,
    ) -> None:
        number, times, seqs, acks, flags, offsets, lengths, wires, ttls = columns
        buffer, extra = self.buffer, packets.extra
        smooth = False
        following = start
        while (i := following) < stop:
            following = i + 1
            flag, side, wire = flags[i], sides[i], wires[i]
            if smooth and not flag & (SYN | FIN | RST):
                half = flow.halves[side]
                if not wire or (seqs[i] == half.due and lengths[i] == wire and offsets[i] >= 0):
                    if wire:
                        run, following = runs.at(i)
                        half.extend(run, buffer)
                    flow.packets += following - i
                    flow.last_ns = times[following - 1]
                    continue
            if flag & SYN:
                flow = self._syn(flow, side, seqs[i], flag, Mark(number[i], times[i]))
            half = flow.halves[side]
            if len(flow.answers) > 1 and flag & (SYN | ACK) == ACK and acks[i] in flow.answers:
                other = flow.halves[1 - side]
                if not other.next:
                    other.base = acks[i]
            flow.packets += 1
            flow.last_ns = times[i]
            if flow.ttl[side] is None:
                flow.ttl[side] = ttls[i]
            if (
                flow.synack_ns is not None
                and flow.client_rtt is None
                and not flag & SYN
                and flag & ACK
                and side == (1 if flow.swapped else 0)
            ):
                flow.client_rtt = times[i] - flow.synack_ns
            if wire:
                if half.base is None:
                    half.base = seqs[i]
                if flow.halves[1 - side].held:
                    flow.halves[1 - side].confirm(acks[i], times[i])
                seq = (seqs[i] + 1) & 0xFFFFFFFF if flag & SYN else seqs[i]
                if wire == 1 and half.next and half.offset(seq) == half.next - 1:
                    continue  # a keep-alive probe: its byte is garbage
                mark = Mark(number[i], times[i])
                if offsets[i] < 0:
                    piece = extra[-1 - offsets[i]]
                    half.add(seq, lengths[i], wire, piece, 0, mark)
                else:
                    half.add(seq, lengths[i], wire, buffer, offsets[i], mark)
            if flag & FIN:
                if half.base is None:
                    half.base = seqs[i]
                half.fin = half.offset((seqs[i] + wires[i]) & 0xFFFFFFFF)
                flow.closed = flow.closed or f"fin{side}"
            elif flag & RST:
                flow.closed = flow.closed or f"rst{side}"
                for h in flow.halves:
                    h.fin = h.next
            smooth = flow.is_smooth
        self._advance(flow)
        if all(h.fin is not None and h.next >= h.fin and not h.held for h in flow.halves):
            self._close(flow)

    def _syn(self, flow: Flow, side: int, seq: int, flag: int, mark: Mark) -> Flow:
        """Note who began; a SYN with another number on a used flow is a new connection on the same ports."""
        known, base = flow.isn[side], flow.halves[side].base
        if known is None:
            other = not flag & ACK and base is not None and flow.halves[side].offset((seq + 1) & 0xFFFFFFFF) != 0
        else:
            other = known != seq and bool(flow.closed or not flag & ACK)
        if other:
            self._close(flow)
            flow = self.flows[flow.key] = Flow(flow.key, self._new_id(mark), flow.ends, self.buffer, mark)
        flow.isn[side] = seq
        half = flow.halves[side]
        if half.base is None:
            half.base = (seq + 1) & 0xFFFFFFFF
        if flag & ACK:
            flow.answers.add((seq + 1) & 0xFFFFFFFF)
            flow.swapped = side == 0
            if flow.syn_ns is not None and flow.rtt is None:
                flow.rtt = mark.time_ns - flow.syn_ns
            flow.synack_ns = flow.synack_ns or mark.time_ns
        else:
            flow.swapped = side == 1
            flow.late = False
            flow.syn_ns = flow.syn_ns or mark.time_ns
        return flow

    def _advance(self, flow: Flow) -> None:
        if flow.swapped is None:
            flow.swapped = guess_client(flow)
            if flow.swapped is None:
                return
        if not flow.started:
            if not (flow.client.bytes or flow.server.bytes):
                return
            flow.conversation = self.begin(flow)
            flow.started = True
        for half in flow.halves:
            half.stream.waiting = bool(half.held)
        if flow.conversation is not None:
            flow.conversation.advance()

    def _close(self, flow: Flow) -> None:
        for half in flow.halves:
            while half.give_up():
                pass
            half.stream.closed = True
        if flow.swapped is None:
            flow.swapped = guess_client(flow) or False
        self._advance(flow)
        self.end(flow)
        if self.flows.get(flow.key) is flow:
            del self.flows[flow.key]
        if flow.closed:
            self.ended[flow.key] = Ended((_next(flow.halves[0]), _next(flow.halves[1])), flow.last_ns)

    def sweep(self) -> None:
        """Close what has been idle for long, so that state does not grow with the capture."""
        for flow in [f for f in self.flows.values() if self.now - f.last_ns > IDLE_NS]:
            self._close(flow)
        for key in [k for k, e in self.ended.items() if self.now - e.time_ns > FORGET_NS]:
            del self.ended[key]

    def finish(self) -> None:
        """The capture is over: close everything, the oldest first."""
        for flow in sorted(self.flows.values(), key=lambda f: f.first.packet):
            self._close(flow)


def _bounds_of_ttl(
    packets: Packets, rows: NDArray[np.int64], high: NDArray[np.bool_], cuts: list[int]
) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]:
    """Per side and connection the lowest and highest TTL of packets that begin, carry bytes or reset (255, 0: none)."""
    ttl, telling = packets.ttl[rows], (packets.wire[rows] > 0) | ((packets.flags[rows] & (SYN | RST)) > 0)
    of = [telling & (high == side) for side in (False, True)]
    lowest = [np.minimum.reduceat(np.where(mine, ttl, np.uint8(255)), cuts).tolist() for mine in of]
    highest = [np.maximum.reduceat(np.where(mine, ttl, np.uint8(0)), cuts).tolist() for mine in of]
    return (lowest[0], lowest[1]), (highest[0], highest[1])


def _note_ttls(flow: Flow, which: int, side: list[int], columns: list[list[int]], start: int, stop: int) -> None:
    """From which packet on that side's packets come with another TTL."""
    number, _, _, _, flags, _, _, wires, ttls = columns
    noted, known = flow.ttls[which], flow.ttl[which]
    known = noted[-1][1] if noted else known
    for i in range(start, stop):
        if side[i] != which:
            continue
        if known is not None and ttls[i] != known and (wires[i] or flags[i] & RST) and len(noted) < CHANGES:
            noted.append((number[i], ttls[i]))
        if known is None or wires[i] or flags[i] & RST:
            known = ttls[i]


def _next(half: Half) -> int | None:
    """Sequence number after the last byte."""
    return None if half.base is None else (half.base + half.next) & 0xFFFFFFFF
