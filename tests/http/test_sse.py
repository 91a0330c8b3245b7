"""Examples and rules of WHATWG HTML section 9.2.6."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.http.sse import ServerEvent, read_events


def test_data_lines_of_one_event_are_joined() -> None:
    body = b"data: YHOO\ndata: +2\ndata: 10\n\n"
    assert read_events(body) == (ServerEvent("message", "YHOO\n+2\n10", "", None),)


def test_the_id_stays_until_another_is_given() -> None:
    body = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n"
    assert [(e.data, e.id) for e in read_events(body)] == [
        ("first event", "1"),
        ("second event", ""),
        (" third event", ""),
    ]


def test_an_event_that_no_blank_line_ends_is_none() -> None:
    assert [e.data for e in read_events(b"data\n\ndata\ndata\n\ndata:")] == ["", "\n"]


def test_type_and_retry_are_told_and_every_line_end_counts() -> None:
    body = b"\xef\xbb\xbfevent: add\r\nretry: 3000\r\ndata: 7\r\n\r\nevent: x\r\rdata: 8\r\r"
    assert read_events(body) == (ServerEvent("add", "7", "", 3000), ServerEvent("message", "8", "", None))


def test_no_more_events_than_asked_for_are_read() -> None:
    assert len(read_events(b"data\n\n" * 50, most=10)) == 10


@given(st.binary())
def test_any_bytes_give_events(body: bytes) -> None:
    assert len(read_events(body)) <= len(body)
