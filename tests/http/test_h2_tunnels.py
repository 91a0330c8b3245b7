"""What runs inside a stream of HTTP/2: a WebSocket by extended CONNECT (RFC 8441), HTTP/1.1 behind CONNECT."""

from __future__ import annotations

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Ping, TextMessage

from tests.http.test_h2_exchanges import Talk
from tracer.model.http import Exchange


def connect(talk: Talk, *fields: tuple[str, str]) -> int:
    """A stream on which the server lets the client say what it likes."""
    talk.client.config.validate_outbound_headers = talk.server.config.validate_inbound_headers = False
    stream = talk.client.get_next_available_stream_id()
    talk.client.send_headers(stream, [(":method", "CONNECT"), *fields])
    talk.exchange()
    talk.server.send_headers(stream, [(":status", "200")])
    talk.exchange()
    return stream


def say(talk: Talk, stream: int, client: bool, data: bytes, last: bool = False) -> None:
    (talk.client if client else talk.server).send_data(stream, data, end_stream=last)
    talk.exchange()


WEBSOCKET = ((":protocol", "websocket"), (":scheme", "https"), (":path", "/chat?x=1"), (":authority", "h.test"))


@pytest.mark.parametrize("size", [1, 1 << 30])
def test_a_websocket_by_extended_connect_tells_its_messages(size: int) -> None:
    talk = Talk()
    stream = connect(talk, *WEBSOCKET, ("sec-websocket-version", "13"))
    near, far = Connection(ConnectionType.CLIENT), Connection(ConnectionType.SERVER)
    say(talk, stream, True, near.send(TextMessage("hello")))
    say(talk, stream, False, far.send(TextMessage("not you")))
    say(talk, stream, True, near.send(Ping(b"?")))
    say(talk, stream, False, far.send(CloseConnection(1008, "policy")), last=True)
    say(talk, stream, True, near.send(CloseConnection(1008)), last=True)
    (exchange,) = talk.observed(size)
    assert exchange.request is not None
    assert (exchange.request.method, exchange.request.url) == ("CONNECT", "https://h.test/chat?x=1")
    assert [(e.kind, e.client, e.data, e.code) for e in exchange.events if e.kind != "close"] == [
        ("text", True, b"hello", None),
        ("text", False, b"not you", None),
        ("ping", True, b"?", None),
    ]
    assert [(e.client, e.code) for e in exchange.events if e.kind == "close"] == [(False, 1008), (True, 1008)]


def test_a_websocket_that_is_refused_is_an_exchange_like_others() -> None:
    talk = Talk()
    talk.client.config.validate_outbound_headers = talk.server.config.validate_inbound_headers = False
    stream = talk.client.get_next_available_stream_id()
    talk.client.send_headers(stream, [(":method", "CONNECT"), *WEBSOCKET])
    talk.exchange()
    talk.respond(stream, 403, b"no")
    talk.client.end_stream(stream)
    talk.exchange()
    (exchange,) = talk.observed()
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.body.data, exchange.events) == (403, b"no", ())


def test_what_is_said_behind_connect_names_the_tunnel() -> None:
    talk = Talk()
    stream = connect(talk, (":authority", "origin.test:80"))
    say(talk, stream, True, b"GET /inner HTTP/1.1\r\nHost: origin.test\r\n\r\n")
    say(talk, stream, False, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", last=True)
    say(talk, stream, True, b"", last=True)
    outer, inner = sorted(talk.observed(), key=lambda e: e.tunnel is not None)
    assert (target(outer), outer.protocol, target(inner), inner.protocol) == (
        "origin.test:80", "HTTP/2", "/inner", "HTTP/1.1"
    )  # fmt: skip
    assert inner.tunnel == outer.id


def target(exchange: Exchange) -> str | None:
    return exchange.request.target if exchange.request else None
