"""WebSocket frames become the events of the exchange that upgraded; wsproto makes the frames."""

from __future__ import annotations

import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection as Peer
from wsproto.connection import ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

from tracer.http.websocket import INFLATED, MOST_EVENTS, WebSocketConversation
from tracer.model.connection import Connection
from tracer.model.http import Event, Exchange, Request, Response
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream


class Kept:
    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def connection(self, connection: Connection) -> None: ...
    def handshake(self, handshake: Handshake) -> None: ...
    def problem(self, problem: Problem) -> None: ...


def upgrade(extensions: bytes = b"") -> Exchange:
    fields = ((b"Sec-WebSocket-Extensions", extensions),) if extensions else ()
    return Exchange(
        id="e1",
        source="a",
        protocol="HTTP/1.1",
        request=Request(method="GET", target="/chat", url="http://h/chat"),
        response=Response(status=101, headers=fields),
    )


def read(*turns: tuple[str, bytes, int], extensions: bytes = b"", step: int = 0) -> Exchange:
    """`turns`: who, bytes, length of the gap before them."""
    kept = Kept()
    client, server = Stream(), Stream()
    context = Context(sink=kept, source="a", connection="c1", client="1.1.1.1:1", server="2.2.2.2:80")
    reader = WebSocketConversation(context, client, server, upgrade(extensions))
    n = 0
    for who, data, gap in turns:
        for low in range(0, len(data), step or len(data) or 1):
            n += 1
            piece = data[low : low + (step or len(data))]
            (client if who == "c" else server).push(piece, Mark(n, n), 0 if low else gap)
            reader.advance()
    client.closed = server.closed = True
    reader.advance()
    (exchange,) = kept.exchanges
    return exchange


def told(exchange: Exchange) -> list[tuple[str, bool, bytes, int | None]]:
    return [(e.kind, e.client, e.data, e.code) for e in exchange.events]


def peers(deflate: bool = False) -> tuple[Any, Any]:
    def extensions() -> list[Any]:
        if not deflate:
            return []
        extension = PerMessageDeflate()
        extension._enabled = True
        return [extension]

    return (
        Peer(ConnectionType.CLIENT, extensions=extensions()),
        Peer(ConnectionType.SERVER, extensions=extensions()),
    )


def frame(opcode: int, data: bytes, final: bool = True, packed: bool = False) -> bytes:
    """An unmasked frame of up to 65,535 bytes."""
    first = bytes((final << 7 | packed << 6 | opcode,))
    return first + (bytes((len(data),)) if len(data) < 126 else b"\x7e" + len(data).to_bytes(2)) + data


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("deflate", [False, True])
def test_messages_of_both_sides_are_read_in_the_order_of_their_packets(deflate: bool, step: int) -> None:
    client, server = peers(deflate)
    turns = [
        ("c", client.send(TextMessage(data="hello " * 40)), 0),
        ("s", server.send(TextMessage(data="hello " * 40)), 0),
        ("c", client.send(BytesMessage(data=b"\x01\x02", message_finished=False)), 0),
        ("c", client.send(Ping(payload=b"alive")), 0),
        ("c", client.send(BytesMessage(data=b"\x03")), 0),
        ("s", server.send(TextMessage(data="hello " * 40)), 0),
        ("s", server.send(CloseConnection(code=1008, reason="no")), 0),
    ]
    exchange = read(*turns, extensions=b"permessage-deflate" if deflate else b"", step=step)
    assert sorted(told(exchange), key=str) == sorted(
        [
            ("text", True, b"hello " * 40, None),
            ("text", False, b"hello " * 40, None),
            ("binary", True, b"\1\2\3", None),
            ("ping", True, b"alive", None),
            ("text", False, b"hello " * 40, None),
            ("close", False, b"no", 1008),
        ],
        key=str,
    )
    assert [e.packet for e in exchange.events] == sorted(e.packet or 0 for e in exchange.events)
    assert exchange.problems == ()


def test_a_close_frame_without_a_code_has_code_1005() -> None:
    assert told(read(("s", frame(8, b""), 0))) == [("close", False, b"", 1005)]


def test_bytes_missing_inside_a_frame_cost_that_message_alone() -> None:
    whole = frame(1, b"abcdefghij")
    exchange = read(("s", whole[:5], 0), ("s", whole[8:] + frame(1, b"next"), 3))
    assert [(e.data, e.size) for e in exchange.events] == [(b"abcghij"[:3] + b"ghij", 10), (b"next", 4)]
    assert [p.code for p in exchange.problems] == ["ws.gap"]


def test_after_missing_frames_reading_goes_on_at_the_next_frame() -> None:
    exchange = read(("s", frame(1, b"one"), 0), ("s", frame(1, b"three"), 100))
    assert [e.data for e in exchange.events] == [b"one", b"three"]
    assert [p.code for p in exchange.problems] == ["ws.gap"]


def test_compressed_messages_after_a_loss_are_told_and_not_guessed() -> None:
    _, server = peers(deflate=True)
    first, second = (server.send(TextMessage(data="the same words " * 9)) for _ in range(2))
    exchange = read(("s", second, len(first)), extensions=b"permessage-deflate")
    assert [e.data for e in exchange.events] == [b""]
    assert "ws.inflate" in [p.code for p in exchange.problems]


def test_without_context_takeover_each_message_stands_alone() -> None:
    def packed() -> bytes:
        deflater = zlib.compressobj(wbits=-15)
        return (deflater.compress(b"alone " * 9) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]

    turns = [("s", frame(1, packed(), packed=True), 0) for _ in range(2)]
    exchange = read(*turns, extensions=b"permessage-deflate; server_no_context_takeover")
    assert [e.data for e in exchange.events] == [b"alone " * 9] * 2


def test_a_message_that_inflates_without_end_is_given_up() -> None:
    deflater = zlib.compressobj(9, wbits=-15)
    bomb = deflater.compress(bytes(INFLATED + (8 << 20))) + deflater.flush(zlib.Z_SYNC_FLUSH)
    pieces = [bomb[at : at + 60_000] for at in range(0, len(bomb), 60_000)]
    frames = b"".join(frame(2 if not i else 0, p, i == len(pieces) - 1, not i) for i, p in enumerate(pieces))
    exchange = read(("s", frames, 0), extensions=b"permessage-deflate")
    (event,) = exchange.events
    assert len(event.data) <= 1 << 20
    assert event.size < INFLATED + (1 << 20)
    assert [p.code for p in exchange.problems] == ["ws.inflate"]


def test_a_flood_of_messages_is_cut_and_told() -> None:
    exchange = read(("s", frame(9, b"") * (MOST_EVENTS + 5), 0))
    assert len(exchange.events) == MOST_EVENTS
    assert [p.code for p in exchange.problems] == ["ws.cut"]


def test_bytes_that_are_no_frames_are_told() -> None:
    assert [p.code for p in read(("s", b"\x07\x00 nothing", 0)).problems] == ["ws.frame"]


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(0, 50), st.booleans())
def test_any_bytes_are_read_to_their_end(said: bytes, heard: bytes, gap: int, deflate: bool) -> None:
    turns = (("c", said, 0), ("s", heard, 0), ("c", heard, gap))
    exchange = read(*turns, extensions=b"permessage-deflate" if deflate else b"")
    assert all(isinstance(event, Event) for event in exchange.events)
    assert exchange.id == "e1"
