"""HTTP/2 connections are read in one pass where nothing is reset, pushed or tunnelled.

That both readers say the same is looked at by `Talk.observed`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http.test_h2_exchanges import Talk
from tests.whole import wholes
from tracer.http.h2_whole import read_rows
from tracer.model.row import Row
from tracer.transport.conversation import Context


def rows(talk: Talk) -> list[Row] | None:
    context = Context(sink=None, source="a", connection=None, client="c", server="s")  # type: ignore[arg-type]
    return read_rows(context, *wholes((client, data, n, n) for n, (client, data) in enumerate(talk.sent, 1)))


def unanswered(talk: Talk) -> None:
    talk.request("/u")


def padded(talk: Talk) -> None:
    stream = talk.request("/padded")
    talk.server.send_headers(stream, [(":status", "200")])
    talk.server.send_data(stream, b"four", end_stream=True, pad_length=20)
    talk.exchange()


def preferred(talk: Talk) -> None:
    stream = talk.client.get_next_available_stream_id()
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "h"), (":path", "/first"), ("host", "h")]
    talk.client.send_headers(stream, fields, end_stream=True, priority_weight=9)
    talk.exchange()
    talk.respond(stream, 403, b"no")


def told_before(talk: Talk) -> None:
    stream = talk.request("/hints")
    talk.server.send_headers(stream, [(":status", "103"), ("link", "x")])
    talk.respond(stream, 200)


def reset(talk: Talk) -> None:
    stream = talk.request("/slow")
    talk.server.reset_stream(stream, error_code=8)
    talk.exchange()


def pushed(talk: Talk) -> None:
    stream = talk.request("/page")
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "h"), (":path", "/style")]
    talk.server.push_stream(stream, 2, fields)
    talk.respond(2, 200, b"css")
    talk.respond(stream, 200, b"page")


def long_fields(talk: Talk) -> None:
    talk.respond(talk.request("/long", more={f"x-{n}": "v" * 900 for n in range(40)}), 200)


PLAIN: dict[str, Callable[[Talk], None]] = {
    "get": lambda talk: talk.respond(talk.request("/a"), 200, b"yes" * 2000),
    "post": lambda talk: talk.respond(talk.request("/b", b"body" * 40), 404),
    "trailers": lambda talk: talk.respond(talk.request("/t"), 200, b"x", {"grpc-status": "7"}),
    "unanswered": unanswered,
    "padded": padded,
    "preferred": preferred,
}
ODD = {"hints": told_before, "reset": reset, "pushed": pushed, "continued": long_fields}


@pytest.mark.parametrize("act", PLAIN.values(), ids=PLAIN.keys())
def test_what_is_plain_is_read(act: Callable[[Talk], None]) -> None:
    talk = Talk()
    act(talk)
    assert len(rows(talk) or []) == 1
    talk.observed()


@pytest.mark.parametrize("act", ODD.values(), ids=ODD.keys())
def test_what_is_less_than_plain_is_left_to_the_general_reader(act: Callable[[Talk], None]) -> None:
    talk = Talk()
    act(talk)
    assert rows(talk) is None
    talk.observed()


def test_sizes_are_those_of_bodies_without_their_padding() -> None:
    talk = Talk()
    padded(talk)
    (row,) = rows(talk) or []
    assert (row.request_size, row.response_size) == (0, 4)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from([*PLAIN.values(), *PLAIN.values(), reset, told_before]), max_size=6), st.integers(40, 3000)
)
def test_both_readers_say_the_same(acts: list[Callable[[Talk], None]], size: int) -> None:
    talk = Talk()
    for act in acts:
        act(talk)
    talk.observed(size)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2000), st.integers(0, 255), st.booleans())
def test_damaged_frames_are_read_the_same_or_left_to_the_general_reader(at: int, byte: int, client: bool) -> None:
    talk = Talk()
    for act in PLAIN.values():
        act(talk)
    sides = [i for i, (by, _) in enumerate(talk.sent) if by == client]
    turn = sides[at % len(sides)]
    data = bytearray(talk.sent[turn][1])
    data[at % len(data)] = byte
    talk.sent[turn] = client, bytes(data)
    talk.observed()
