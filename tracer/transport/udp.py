"""UDP datagrams to QUIC conversations, found by content on any port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import numpy as np

from tracer.capture.packets import Packets
from tracer.model.problem import Problem, Severity

from .columns import flow_keys
from .conversation import Context
from .flow import address
from .stream import Buffer, Mark

IDLE_NS = 900 * 1_000_000_000
SHORTEST_ID = 4
"""bytes of a connection id from which it tells one connection from another"""
MOST_IDS = 100_000
HTTPS, SHORT = 443, 0x40
"""the port where flows are looked at; the first two bits of a short header (RFC 9000 section 17.3)"""
MOST_LATE, ENOUGH = 10_000, 3
"""flows noted, and datagrams that it takes"""
VERSIONS = (0x00000001, 0x6B3343CF, 0x709A50C4, 0x54303530, 0x54303531)
"""QUIC 1 (RFC 9000), 2 (RFC 9369) and its draft number, Google's T050 and T051"""
FAMILIES = (0xFF0000, 0xFACEB0)
"""the versions' upper 24 bits: the drafts of the IETF, Facebook's mvfst"""


class DatagramConversation(Protocol):
    chosen: dict[bytes, bool]
    """connection ids -> whether the client is addressed by them"""
    context: Context

    def datagram(self, client: bool, data: bytes, mark: Mark) -> None: ...
    def close(self) -> None: ...


def begins_quic(data: bytes) -> bool:
    """A long header packet of a version that is known: form and fixed bit, version, a connection id of legal length
    (RFC 8999 section 5.1, RFC 9000 section 17.2)."""
    if len(data) < 7 or data[0] & 0xC0 != 0xC0 or data[5] > 20:
        return False
    version = int.from_bytes(data[1:5])
    return version in VERSIONS or version >> 8 in FAMILIES or version & 0x0F0F0F0F == 0x0A0A0A0A


class _Flow:
    """One path of a connection; after a migration it has several."""

    __slots__ = ("client_high", "conversation", "known", "last_ns")

    def __init__(self, conversation: DatagramConversation, client_high: bool) -> None:
        self.conversation = conversation
        self.client_high = client_high
        self.known = 0
        """connection ids that were noted"""
        self.last_ns = 0


class Datagrams:
    """All UDP flows of a source that speak QUIC."""

    def __init__(self, base: Buffer, context: Callable[[str, str, str | None], Context]) -> None:
        self.base = base
        self.context = context
        self.flows: dict[int, _Flow] = {}
        self.by_id: dict[bytes, DatagramConversation] = {}
        """which connection a packet from elsewhere belongs to (RFC 9000 section 9)"""
        self.lengths: set[int] = set()
        self.now = 0
        self.conversation: Any = None
        self.looked = False
        self.late: dict[int, tuple[int, int]] = {}
        """flows of short headers only -> first packet, datagrams"""

    def feed(self, packets: Packets) -> None:
        """Hand every datagram of a QUIC flow on, in capture order."""
        udp = np.flatnonzero((packets.protocol == 17) & (packets.wire > 0))
        if not len(udp):
            return
        if not self.looked:
            self.looked = True
            self.conversation = _load()
        if self.conversation is None:
            return
        key, high = flow_keys(packets, udp)
        self.now = max(self.now, int(packets.time_ns[udp[-1]]))
        columns = [getattr(packets, n)[udp].tolist() for n in ("number", "time_ns", "offset", "length")]
        for k, from_high, row, number, time_ns, offset, length in zip(
            key.tolist(), high.tolist(), udp.tolist(), *columns, strict=True
        ):
            data = packets.extra[-1 - offset][:length] if offset < 0 else bytes(self.base[offset : offset + length])
            flow = self.flows.get(k)
            if flow is None:
                moved = self._moved(data, from_high)
                if moved is None and not begins_quic(data):
                    if data[:1] and data[0] & 0xC0 == SHORT and HTTPS in (packets.sport[row], packets.dport[row]):
                        self._note_late(k, number)
                    continue
                flow = self.flows[k] = moved or self._open(packets, row, from_high, number)
                if moved is not None:
                    self._tell_move(packets, row, flow, from_high, number)
            flow.last_ns = time_ns
            flow.conversation.datagram(from_high == flow.client_high, data, Mark(number, time_ns))
            self._note_ids(flow)

    def _note_late(self, key: int, number: int) -> None:
        if key in self.late or len(self.late) < MOST_LATE:
            first, count = self.late.get(key, (number, 0))
            self.late[key] = first, count + 1

    def _tell_late(self) -> None:
        """Flows that look like QUIC whose beginning is not in the capture: nothing of them can be read, with or without
        keys, as the hello names the keys and short headers hardly tell anything."""
        found = [first for first, count in self.late.values() if count >= ENOUGH]
        if not found:
            return
        context = self.context("", "", None)
        flows = f"{len(found)} UDP flows look" if len(found) > 1 else "1 UDP flow looks"
        context.sink.problem(
            Problem(
                code="quic.joined-late",
                severity=Severity.NOTE,
                text=f"{flows} like QUIC that began before the capture, of which nothing can be read",
                source=context.source,
                packet=min(found),
                reference="RFC 9000 section 17.3",
            )
        )

    def _note_ids(self, flow: _Flow) -> None:
        chosen = flow.conversation.chosen
        if len(chosen) > flow.known:
            for name in list(chosen)[flow.known :]:
                if len(name) >= SHORTEST_ID and len(self.by_id) < MOST_IDS:
                    self.by_id[name] = flow.conversation
                    self.lengths.add(len(name))
            flow.known = len(chosen)

    def _moved(self, data: bytes, from_high: bool) -> _Flow | None:
        """Another path of a connection that is known, by the connection id of a packet with a short header."""
        if not data or data[0] & 0x80:
            return None
        for length in self.lengths:
            conversation = self.by_id.get(data[1 : 1 + length])
            if conversation is not None:
                to_client = conversation.chosen[data[1 : 1 + length]]
                flow = _Flow(conversation, from_high != to_client)
                flow.known = len(conversation.chosen)
                return flow
        return None

    def _tell_move(self, packets: Packets, row: int, flow: _Flow, from_high: bool, number: int) -> None:
        columns = (packets.src, packets.sport) if from_high == flow.client_high else (packets.dst, packets.dport)
        place = address(int(columns[0][row, 0]), int(columns[0][row, 1]), int(columns[1][row]))
        context: Context = flow.conversation.context
        context.sink.problem(
            Problem(
                code="quic.migrated",
                severity=Severity.NOTE,
                text=f"the client {context.client} went on from {place}, in the same connection {context.connection}",
                source=context.source,
                packet=number,
                reference="RFC 9000 section 9",
            )
        )

    def _open(self, packets: Packets, row: int, high: bool, number: int) -> _Flow:
        """The sender of the first packet is the client, unless it speaks from the port of HTTPS."""
        sport, dport = int(packets.sport[row]), int(packets.dport[row])
        ends = (
            address(int(packets.src[row, 0]), int(packets.src[row, 1]), sport),
            address(int(packets.dst[row, 0]), int(packets.dst[row, 1]), dport),
        )
        answers = sport == 443 and dport != 443
        client, server = ends[::-1] if answers else ends
        context = self.context(client, server, None)
        context.connection = f"{context.prefix}c{number}"
        conversation = cast(DatagramConversation, self.conversation(context, self.base))
        return _Flow(conversation, high != answers)

    def sweep(self) -> None:
        """Close flows that were silent for long."""
        idle = [k for k, f in self.flows.items() if self.now - f.last_ns > IDLE_NS]
        gone = {id(f.conversation): f.conversation for f in map(self.flows.pop, idle)}
        for flow in self.flows.values():
            gone.pop(id(flow.conversation), None)
        for conversation in gone.values():
            conversation.close()
        if gone:
            self.by_id = {name: c for name, c in self.by_id.items() if id(c) not in gone}

    def finish(self) -> None:
        """The capture is over."""
        for conversation in {id(f.conversation): f.conversation for f in self.flows.values()}.values():
            conversation.close()
        self._tell_late()
        self.flows.clear()
        self.by_id.clear()


def _load() -> Any:
    """The QUIC conversation, where it is part of this installation."""
    from tracer.http.detect import load

    return load("quic")
