"""HTTP/2 conversations made by the h2 library, read as an observer reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import h2.config
import h2.connection
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.whole import compare
from tracer.http import h2_whole
from tracer.http.h2 import H2Conversation
from tracer.http.header_blocks import BlockError, HeaderDecoder
from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream


@dataclass
class Collected:
    exchanges: list[Exchange] = field(default_factory=list)

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def handshake(self, handshake: Handshake) -> None: ...
    def connection(self, connection: Connection) -> None: ...
    def problem(self, problem: Problem) -> None: ...


class Talk:
    """A client and a server of the h2 library, and an observer between them."""

    def __init__(self) -> None:
        self.client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding=None))
        self.server = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
        self.client.initiate_connection()
        self.server.initiate_connection()
        self.sent: list[tuple[bool, bytes]] = []
        self.exchange()

    def exchange(self) -> None:
        """Carry what both want to say."""
        while True:
            said, answered = self.client.data_to_send(), self.server.data_to_send()
            if not said and not answered:
                return
            if said:
                self.sent.append((True, said))
                self.server.receive_data(said)
            if answered:
                self.sent.append((False, answered))
                self.client.receive_data(answered)

    def request(self, path: str, body: bytes = b"", more: dict[str, str] | None = None) -> int:
        stream = self.client.get_next_available_stream_id()
        fields = [
            (":method", "POST" if body else "GET"),
            (":scheme", "https"),
            (":authority", "h.test"),
            (":path", path),
        ]
        self.client.send_headers(stream, [*fields, *(more or {}).items()], end_stream=not body)
        if body:
            self.client.send_data(stream, body, end_stream=True)
        self.exchange()
        return stream

    def respond(self, stream: int, status: int, body: bytes = b"", trailers: dict[str, str] | None = None) -> None:
        self.server.send_headers(
            stream, [(":status", str(status)), ("server", "t")], end_stream=not body and not trailers
        )
        if body:
            self.server.send_data(stream, body, end_stream=not trailers)
        if trailers:
            self.server.send_headers(stream, list(trailers.items()), end_stream=True)
        self.exchange()

    def observed(self, size: int = 1 << 30, skip: int = 0) -> list[Exchange]:
        """What the observer reports, fed in pieces of `size` bytes, the first `skip` turns not captured."""
        sink, client, server = Collected(), Stream(), Stream()
        around: dict[str, Any] = {"sink": sink, "source": "s", "connection": "c1", "scheme": "https"}
        around |= {"client": "1.1.1.1:5", "server": "2.2.2.2:443"}
        conversation = H2Conversation(Context(**around), client, server)
        packet, pieces = 0, []
        for from_client, data in self.sent[skip:]:
            for at in range(0, len(data), size):
                packet += 1
                (client if from_client else server).push(data[at : at + size], Mark(packet, packet * 1000))
                pieces.append((from_client, data[at : at + size], packet, packet * 1000))
                conversation.advance()
        client.closed = server.closed = True
        conversation.advance()
        if not skip:
            compare(pieces, partial(h2_whole.read_rows, Context(**around)), sink.exchanges)
        return sink.exchanges


@pytest.mark.parametrize("size", [1, 7, 1 << 30])
def test_requests_and_answers_are_paired_by_stream_however_the_bytes_arrive(size: int) -> None:
    talk = Talk()
    first, second = talk.request("/a?x=1"), talk.request("/b", body=b"hello" * 100)
    talk.respond(second, 403, b"no")
    talk.respond(first, 200, b"yes" * 500)
    found = {e.stream: e for e in talk.observed(size)}
    assert [
        (e.request.method, e.request.url, e.response.status) for e in found.values() if e.request and e.response
    ] == [
        ("POST", "https://h.test/b", 403),
        ("GET", "https://h.test/a?x=1", 200),
    ]
    request, response = found[second].request, found[first].response
    assert request is not None
    assert request.body.data == b"hello" * 100
    assert response is not None
    assert response.body.data == b"yes" * 500
    assert response.body.complete


def test_trailers_come_after_the_body() -> None:
    talk = Talk()
    stream = talk.request("/grpc")
    talk.respond(stream, 200, b"x", {"grpc-status": "7"})
    (exchange,) = talk.observed()
    assert exchange.response is not None
    assert exchange.response.trailers == ((b"grpc-status", b"7"),)


def test_a_reset_stream_says_who_ended_it_and_why() -> None:
    talk = Talk()
    stream = talk.request("/slow")
    talk.server.reset_stream(stream, error_code=8)
    talk.exchange()
    (exchange,) = talk.observed()
    assert exchange.response is None
    assert exchange.aborted == "RST_STREAM CANCEL by server"


def test_a_header_block_over_many_continuations_is_one() -> None:
    talk = Talk()
    stream = talk.request("/big", more={f"x-{n}": "v" * 900 for n in range(40)})
    talk.respond(stream, 200)
    (exchange,) = talk.observed()
    assert exchange.request is not None
    assert exchange.request.get("x-39") == "v" * 900


def test_a_hundred_parallel_streams_are_a_hundred_exchanges() -> None:
    talk = Talk()
    streams = [talk.request(f"/{n}") for n in range(100)]
    for stream in reversed(streams):
        talk.respond(stream, 200 + stream % 7)
    assert len({e.stream for e in talk.observed()}) == 100


def test_joined_late_fields_are_left_out_and_never_wrong() -> None:
    talk = Talk()
    talk.respond(talk.request("/one", more={"token": "a-value-that-enters-the-table"}), 200)
    skip = len(talk.sent)
    talk.respond(talk.request("/two", more={"token": "a-value-that-enters-the-table"}), 404)
    (exchange,) = [e for e in talk.observed(skip=skip) if e.response]
    assert exchange.response is not None
    assert exchange.response.status == 404
    assert exchange.request is not None
    assert exchange.request.get("token") in (None, "a-value-that-enters-the-table")
    assert any(p.code == "h2.header-state-lost" for p in exchange.problems)


def test_a_flood_of_continuations_stops_at_its_bound() -> None:
    sink, client, server = Collected(), Stream(), Stream()
    context = Context(sink=sink, source="s", connection="c1", client="a:1", server="b:2")
    conversation = H2Conversation(context, client, server)
    client.push(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\0\0\0\0\1\x82", Mark(1, 1))
    piece = (16000).to_bytes(3) + b"\x09\0\0\0\0\1" + b"\x00\x01a\x01b" * 3200
    for n in range(200):
        client.push(piece, Mark(n + 2, n))
        conversation.advance()
    client.closed = server.closed = True
    conversation.advance()
    assert any(p.code == "h2.header-block" for e in sink.exchanges for p in e.problems)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.binary(max_size=400))
def test_any_bytes_are_read_to_their_end_without_an_exception(said: bytes, answered: bytes) -> None:
    sink, client, server = Collected(), Stream(), Stream()
    conversation = H2Conversation(
        Context(sink=sink, source="s", connection="c1", client="a", server="b"), client, server
    )
    client.push(said, Mark(1, 1))
    server.push(answered, Mark(2, 2))
    conversation.advance()
    client.closed = server.closed = True
    conversation.advance()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), st.binary(max_size=200)), max_size=20))
def test_header_blocks_say_what_the_library_encoded(fields: list[tuple[bytes, bytes]]) -> None:
    import hpack

    lower = [(name.lower(), value) for name, value in fields]
    encoder, decoder = hpack.Encoder(), HeaderDecoder()
    for _ in range(2):
        assert decoder.decode(encoder.encode(lower)) == (tuple(lower), 0)


def test_header_blocks_of_the_specification_are_read() -> None:
    """RFC 7541 appendix C.4: three requests with Huffman coding, the table carried on."""
    decoder = HeaderDecoder()
    blocks = (
        "828684418cf1e3c2e5f23a6ba0ab90f4ff",
        "828684be5886a8eb10649cbf",
        "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    )
    last = [decoder.decode(bytes.fromhex(block))[0] for block in blocks][-1]
    assert last == (
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":path", b"/index.html"),
        (b":authority", b"www.example.com"),
        (b"custom-key", b"custom-value"),
    )


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_header_block_is_read_within_its_bound_or_refused(data: bytes) -> None:
    try:
        fields, _ = HeaderDecoder().decode(data)
    except BlockError:
        return
    assert sum(len(name) + len(value) for name, value in fields) <= 1 << 20
