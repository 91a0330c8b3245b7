"""One TCP connection: both of its directions while it is open, who began it, and what its packets tell of it."""

from __future__ import annotations

import ipaddress
from typing import Any

from tracer.model.connection import Connection

from .conversation import Conversation
from .half import Half
from .stream import Buffer, Mark


def address(high: int, low: int, port: int) -> str:
    """`10.0.0.1:80` or `[::1]:80`."""
    if high == 0 and low >> 32 == 0xFFFF:
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}:{port}"
    return f"[{ipaddress.IPv6Address(high << 64 | low)}]:{port}"


class Flow:
    """One TCP connection while it is open. `a` is the side that sorts lower; `client` says which one began."""

    __slots__ = (
        "answers",
        "asked",
        "buffer",
        "client_rtt",
        "closed",
        "conversation",
        "ends",
        "first",
        "halves",
        "id",
        "isn",
        "key",
        "last_ns",
        "late",
        "packets",
        "rtt",
        "started",
        "swapped",
        "syn_ns",
        "synack_ns",
        "ttl",
        "ttls",
    )

    def __init__(self, key: Any, id: str, ends: tuple[str, str], buffer: Buffer, first: Mark) -> None:  # noqa: A002
        self.key = key
        self.id = id
        self.ends = ends
        self.buffer = buffer
        self.halves = (Half(buffer), Half(buffer))
        self.first = first
        self.last_ns = first.time_ns
        self.packets = 0
        self.swapped: bool | None = None
        """side 1 is the client"""
        self.conversation: Conversation | None = None
        self.started = False
        self.closed: str | None = None
        self.isn: list[int | None] = [None, None]
        self.syn_ns: int | None = None
        self.synack_ns: int | None = None
        self.rtt: int | None = None
        self.client_rtt: int | None = None
        self.ttl: list[int | None] = [None, None]
        self.ttls: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        """per side where its TTL changed: (packet, TTL)"""
        self.late = True
        self.asked = False
        self.answers: set[int] = set()
        """first sequence numbers that SYN-ACKs offered: when there are several, the client's ACK names the one"""

    @property
    def is_smooth(self) -> bool:
        """Nothing is open but what comes next: a segment in order needs no more than to be added."""
        return (
            all(half.base is not None and not half.held for half in self.halves)
            and None not in self.ttl
            and (self.synack_ns is None or self.client_rtt is not None)
            and len(self.answers) < 2
        )

    @property
    def client(self) -> Half:
        return self.halves[1 if self.swapped else 0]

    @property
    def server(self) -> Half:
        return self.halves[0 if self.swapped else 1]


def guess_client(flow: Flow) -> bool | None:
    """Which side began, from what it said, else from the ports; None while neither said anything."""
    from tracer.http.detect import speaks_first

    for swapped in (False, True):
        half = flow.halves[1 if swapped else 0]
        said = speaks_first(half.stream.peek(64))
        if said is not None:
            return swapped if said else not swapped
    if not (flow.halves[0].bytes or flow.halves[1].bytes):
        return None
    ports = [int(end.rsplit(":", 1)[1]) for end in flow.ends]
    return ports[0] < ports[1]


def connection_of(flow: Flow, source: str, conversation: Conversation | None) -> Connection:
    """What the flow's packets tell of the connection."""
    ends = flow.ends[::-1] if flow.swapped else flow.ends
    closed = None
    if flow.closed:
        who = "client" if (flow.closed[-1] == "1") == bool(flow.swapped) else "server"
        closed = f"{who}-{flow.closed[:3]}"
    ttl = flow.ttl[::-1] if flow.swapped else flow.ttl
    lost = sum(max(0, h.next - h.bytes) for h in flow.halves)
    context = getattr(conversation, "context", None)
    return Connection(
        id=flow.id,
        source=source,
        client=ends[0],
        server=ends[1],
        announced=context.announced if context else None,
        start_ns=flow.first.time_ns,
        end_ns=flow.last_ns,
        rtt_ns=flow.rtt,
        client_rtt_ns=flow.client_rtt,
        client_ttl=ttl[0],
        server_ttl=ttl[1],
        server_ttls=tuple(flow.ttls[0 if flow.swapped else 1]),
        client_bytes=flow.client.bytes,
        server_bytes=flow.server.bytes,
        packets=flow.packets,
        lost=lost,
        joined_late=flow.late,
        closed=closed,
        protocol=getattr(conversation, "protocol", None),
    )
