"""Plain HTTP/1 connections are read in one pass; that both readers say the same is looked at by `converse`."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.test_h1 import GET, converse
from tests.whole import wholes
from tracer.http.h1_whole import read_rows
from tracer.model.row import Row
from tracer.transport.conversation import Context

POST = b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
HEAD = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1\r\n!\r\n0\r\n\r\n"
TO_CLOSE = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"
NOTHING = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
REQUESTS = [
    GET,
    POST,
    HEAD,
    POST.replace(b"3", b"4"),
    b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    b"GET /u HTTP/1.1\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"CONNECT h:1 HTTP/1.1\r\n\r\n",
]
PLAIN = [OK, CHUNKED, TO_CLOSE, NOTHING]
ODD = [
    b"HTTP/1.1 100 Continue\r\n\r\n",
    OK.replace(b"2\r", b"4\r"),
    CHUNKED.replace(b"2\r\nno", b"2;a=b\r\nno"),
    CHUNKED.replace(b"0\r\n", b"0\r\nX-T: 1\r\n"),
    CHUNKED.replace(b"\r\n2\r\n", b"\r\n0x2\r\n"),
    b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
]


def rows(*turns: tuple[str, bytes]) -> list[Row] | None:
    context = Context(sink=None, source="a", connection=None, client="c", server="s")  # type: ignore[arg-type]
    return read_rows(context, *wholes((who == "c", data, n, n) for n, (who, data) in enumerate(turns, 1)))


def test_plain_exchanges_are_read() -> None:
    found = rows(("c", GET), ("s", OK), ("c", POST), ("s", CHUNKED), ("c", HEAD), ("s", OK[:-2]), ("c", GET))
    assert found is not None
    told = [(r.id, r.method, r.status, r.request_size, r.response_size, r.end_ns) for r in found]
    assert told == [
        ("e1", "GET", 200, 0, 2, 2),
        ("e3", "POST", 403, 3, 3, 4),
        ("e5", "HEAD", 200, 0, 0, 6),
        ("e7", "GET", None, 0, None, None),
    ]


@pytest.mark.parametrize("answer", ODD)
def test_what_is_less_than_plain_is_left_to_the_general_reader(answer: bytes) -> None:
    assert rows(("c", GET), ("s", answer)) is None


def test_an_answer_that_came_before_its_request_is_left_to_the_general_reader() -> None:
    assert rows(("s", OK), ("c", GET)) is None


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(REQUESTS[:5] * 3 + REQUESTS), st.sampled_from(PLAIN * 5 + ODD)), max_size=5),
    st.integers(0, 40),
    st.integers(0, 200),
    st.booleans(),
)
def test_both_readers_say_the_same(talk: list[tuple[bytes, bytes]], step: int, cut: int, pipelined: bool) -> None:
    turns = [turn for asked, said in talk for turn in (("c", asked), ("s", said))]
    if pipelined:
        turns.sort(key=lambda turn: turn[0])
    if turns and cut < len(turns[-1][1]):
        turns[-1] = turns[-1][0], turns[-1][1][:cut]
    converse(*turns, step=step)
