"""HTTP/1 from two streams: what was said, whatever the wire did."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.whole import compare
from tracer.http import h1_whole
from tracer.http.h1 import H1Conversation
from tracer.model.connection import Connection
from tracer.model.http import Exchange
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


def converse(*turns: tuple[str, bytes], step: int = 0) -> list[Exchange]:
    """Exchanges of a talk: `c` and `s` turns in order, cut into pieces of `step` bytes."""
    kept = Kept()
    around: dict[str, Any] = {"sink": kept, "source": "a", "connection": "c1"}
    around |= {"client": "1.1.1.1:1", "server": "2.2.2.2:80"}
    client, server = Stream(), Stream()
    reader = H1Conversation(Context(**around), client, server)
    pieces: list[tuple[bool, bytes, int, int]] = []
    n = 0
    for who, data in turns:
        for low in range(0, len(data), step or len(data) or 1):
            n += 1
            (client if who == "c" else server).push(data[low : low + (step or len(data))], Mark(n, n))
            pieces.append((who == "c", data[low : low + (step or len(data))], n, n))
            reader.advance()
    client.closed = server.closed = True
    reader.advance()
    compare(pieces, partial(h1_whole.read_rows, Context(**around)), kept.exchanges)
    return kept.exchanges


GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def bodies(found: list[Exchange]) -> list[tuple[int, bytes | None, bool]]:
    return [(e.response.status, e.response.body.data, e.response.body.complete) for e in found if e.response]


@pytest.mark.parametrize("step", [0, 1, 7])
def test_chunks_extensions_and_trailers_are_taken_apart(step: int) -> None:
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nwiki\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n"
    (e,) = converse(("c", GET), ("s", answer), step=step)
    assert bodies([e]) == [(200, b"wikihi", True)]
    assert e.response
    assert e.response.trailers == ((b"X-T", b"1"),)


@pytest.mark.parametrize("step", [0, 1, 5])
def test_head_204_and_304_have_no_body_whatever_their_fields_say(step: int) -> None:
    head = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
    long = b"Content-Length: 99\r\n\r\n"
    found = converse(
        ("c", head), ("s", b"HTTP/1.1 200 OK\r\n" + long),
        ("c", GET), ("s", b"HTTP/1.1 304 Not Modified\r\n" + long),
        ("c", GET), ("s", b"HTTP/1.1 204 No Content\r\n\r\n"),
        step=step,
    )  # fmt: skip
    assert [e.response.status for e in found if e.response] == [200, 304, 204]
    assert all(e.response.body.size == 0 for e in found if e.response)


def test_an_interim_response_belongs_to_its_exchange() -> None:
    post = b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    (e,) = converse(("c", post), ("s", b"HTTP/1.1 100 Continue\r\n\r\n"), ("c", b"ab"),
                    ("s", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))  # fmt: skip
    assert [i.status for i in e.interim] == [100]
    assert e.request
    assert e.request.body.data == b"ab"
    assert bodies([e])[0][0] == 403


def test_pipelined_requests_meet_their_responses_in_order() -> None:
    asks = b"".join(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % i for i in range(3))
    answers = b"".join(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % s for s in (200, 403, 404))
    found = converse(("c", asks), ("s", answers))
    assert [(e.request.target, e.response.status) for e in found if e.request and e.response] == [
        ("/0", 200), ("/1", 403), ("/2", 404),
    ]  # fmt: skip


def test_bare_line_feeds_folds_and_spaces_before_colons_are_read() -> None:
    (e,) = converse(("c", b"GET /x HTTP/1.1\nHost : h\nX: a\n  b\n\n"), ("s", b"HTTP/1.1 200\nContent-Length: 0\n\n"))
    assert e.request
    assert e.request.headers == ((b"Host", b"h"), (b"X", b"a b"))
    assert e.request.url == "http://h/x"
    assert e.problems


def test_lengths_that_disagree_are_a_problem_with_its_section() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na"
    (e,) = converse(("c", GET), ("s", answer))
    assert [(p.code, p.reference) for p in e.problems] == [("http.conflicting-length", "RFC 9112 section 6.3")]


def test_a_body_until_close_ends_with_the_connection() -> None:
    assert bodies(converse(("c", GET), ("s", b"HTTP/1.0 200 OK\r\n\r\nabc"), ("s", b"def"))) == [(200, b"abcdef", True)]


def test_inside_a_connect_tunnel_the_inner_exchanges_name_it() -> None:
    found = converse(
        ("c", b"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n"),
        ("s", b"HTTP/1.1 200 Connection established\r\n\r\n"),
        ("c", GET),
        ("s", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    )
    outer, inner = found
    assert (outer.request and outer.request.url, outer.tunnel) == ("h:80", None)
    assert (inner.response and inner.response.status, inner.tunnel) == (403, outer.id)


def test_an_unanswered_request_and_an_unasked_answer_are_halves() -> None:
    (e,) = converse(("c", GET))
    assert (e.request is not None, e.response) == (True, None)
    (e,) = converse(("s", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"))
    assert (e.request, e.response is not None) == (None, True)


@given(st.lists(st.tuples(st.sampled_from("cs"), st.binary(max_size=80)), max_size=8), st.integers(0, 5))
def test_no_bytes_raise(turns: list[tuple[str, bytes]], step: int) -> None:
    seeded = [("c", GET), ("s", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), *turns]
    assert len(converse(*seeded, step=step)) >= 1


@pytest.mark.parametrize(
    "line", [b'CONNECT {"verbose":false}\r\n', b"GET key\r\n", b"SUBSCRIBE news\r\n", b"SEARCH x\r\n"]
)
def test_lines_of_a_word_and_an_argument_are_other_protocols(line: bytes) -> None:
    assert converse(("c", line), ("s", b"+OK\r\n")) == []
