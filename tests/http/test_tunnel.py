"""What stands in front of a protocol is taken off, and what it says about the ends is used."""

from __future__ import annotations

import pytest

from tracer.http.detect import Detecting
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
DENIED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
V2 = b"\r\n\r\n\0\r\nQUIT\n"


class Kept:
    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def connection(self, connection: Connection) -> None: ...
    def handshake(self, handshake: Handshake) -> None: ...
    def problem(self, problem: Problem) -> None: ...


def converse(*turns: tuple[str, bytes], step: int = 0) -> tuple[list[Exchange], Detecting]:
    kept = Kept()
    context = Context(sink=kept, source="a", connection="c1", client="1.1.1.1:1", server="2.2.2.2:1080")
    client, server = Stream(), Stream()
    reader = Detecting(context, client, server)
    n = 0
    for who, data in turns:
        for low in range(0, len(data), step or len(data)):
            n += 1
            (client if who == "c" else server).push(data[low : low + (step or len(data))], Mark(n, n))
            reader.advance()
    client.closed = server.closed = True
    reader.advance()
    return kept.exchanges, reader


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(
    ("front", "name", "announced"),
    [
        ([("c", b"PROXY TCP4 9.9.9.9 8.8.8.8 1234 80\r\n")], "proxy/http/1", "9.9.9.9:1234>8.8.8.8:80"),
        (
            [("c", V2 + b"\x21\x11\0\x0c\x09\x09\x09\x09\x08\x08\x08\x08\x04\xd2\0P")],
            "proxy/http/1",
            "9.9.9.9:1234>8.8.8.8:80",
        ),
        ([("c", V2 + b"\x20\0\0\0")], "proxy/http/1", None),
        (
            [("c", b"\5\1\0"), ("s", b"\5\0"), ("c", b"\5\1\0\1\1\2\3\4\0P"), ("s", b"\5\0\0\1\0\0\0\0\0\0")],
            "socks/http/1",
            None,
        ),
        ([("c", b"\4\1\0P\0\0\0\1me\0h\0"), ("s", b"\0Z\0\0\0\0\0\0")], "socks/http/1", None),
        ([], "http/1", None),
    ],
)
def test_the_protocol_behind_is_read(
    front: list[tuple[str, bytes]], name: str, announced: str | None, step: int
) -> None:
    exchanges, reader = converse(*front, ("c", GET), ("s", DENIED), step=step)
    assert [e.response.status for e in exchanges if e.response] == [403]
    assert (exchanges[0].client, exchanges[0].server) == ("1.1.1.1:1", "2.2.2.2:1080"), "as the packets show them"
    assert (reader.context.announced, reader.protocol) == (announced, name)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        (b"USER anonymous\r\n", b"331 ok\r\n"),
        (b"OPTIONS rtsp://h/x RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\n\r\n"),
        (b"REGISTER sip:h SIP/2.0\r\n\r\n", b"SIP/2.0 200 OK\r\n\r\n"),
        (b"\0\1\2\3 nothing that anyone knows", b"\xff" * 40),
    ],
)
def test_look_alikes_are_not_http(asked: bytes, answered: bytes) -> None:
    exchanges, reader = converse(("c", asked), ("s", answered))
    assert (exchanges, reader.protocol) == ([], "unknown")
