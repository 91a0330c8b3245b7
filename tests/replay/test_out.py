"""What is sent is what was recorded: bytes for HTTP/1, fields in their order for HTTP/2."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from tests.replay.asks import CALM, ask_from, asks, recorded
from tracer.replay.asked import CannotAskError, ask_of
from tracer.replay.change import apply
from tracer.replay.h1_out import write_h1
from tracer.replay.h2_out import fields
from tracer.store.trace import Trace

ODD = (
    b"POST /a%20b/../c?x=1&&y&x=%27;z HTTP/1.1\r\nhOST:shop.test\r\nX-Twice: one\r\nX-Empty:\r\nx-twice:   two  \r\n"
    b"Cookie: a=1;b=2\r\nContent-Length: 3\r\n\r\nabc"
)


def test_an_odd_request_is_sent_byte_for_byte() -> None:
    assert write_h1(ask_from(ODD)) == ODD


def test_a_chunked_body_stays_chunked() -> None:
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    assert write_h1(ask_from(raw)) == raw


def test_a_field_that_was_folded_is_sent_on_one_line() -> None:
    ask = ask_from(b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: one\r\n two\r\n\r\n")
    assert write_h1(ask) == b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: one two\r\n\r\n"


def test_http2_gets_the_fields_in_order_without_those_of_the_connection() -> None:
    ask = ask_from(b"GET /p?q HTTP/1.1\r\nHost: shop.test\r\nConnection: close\r\nTE: gzip\r\nB: 1\r\na: 2\r\n\r\n")
    assert fields(ask) == [
        (b":method", b"GET"),
        (b":authority", b"shop.test"),
        (b":scheme", b"http"),
        (b":path", b"/p?q"),
        (b"b", b"1"),
        (b"a", b"2"),
    ]


def test_http2_gets_the_path_of_an_absolute_target() -> None:
    ask = ask_from(b"GET http://shop.test/p?q HTTP/1.1\r\nHost: shop.test\r\n\r\n")
    assert dict(fields(ask))[b":path"] == b"/p?q"


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"},
        {"head": b"", "target": "/a HTTP/1.1\r\nX: 1"},
        {"method": ""},
    ],
    ids=["a request in the method", "a field in the target", "no method"],
)
def test_a_foreign_trace_cannot_make_two_requests_of_one(changed: dict[str, Any]) -> None:
    exchange = recorded(ODD)
    assert exchange.request is not None
    forged = msgspec.structs.replace(exchange, request=msgspec.structs.replace(exchange.request, **changed))
    with Trace() as trace, pytest.raises(CannotAskError, match="more than one request"):
        ask_of(trace, forged)


@CALM
@given(asks())
def test_any_request_without_changes_is_the_same_bytes(raw: bytes) -> None:
    ask = ask_from(raw)
    assert apply(ask, []) == ask
    assert write_h1(ask) == raw


_breaking = st.binary(max_size=12)


@CALM
@given(_breaking)
def test_no_value_makes_a_line_of_its_own(value: bytes) -> None:
    from tracer.replay.asked import Field

    ask = ask_from(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    import msgspec

    ask = msgspec.structs.replace(ask, fields=(*ask.fields, Field(b"X-New", value)))
    assert write_h1(ask).count(b"\r\n") == 4
    assert write_h1(ask).count(b"\n") == 4
