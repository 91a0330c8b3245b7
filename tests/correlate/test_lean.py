"""What the correlator keeps of every exchange at once."""

from __future__ import annotations

from tracer.correlate.lean import lean
from tracer.model.http import Body, Event, Exchange, Request, Response, Timing


def exchange(number: int, tag: str) -> Exchange:
    return Exchange(
        id=f"e{number}",
        source="a.pcap",
        protocol="HTTP/1.1",
        request=Request(method="GET", target="/", url="http://h/", headers=((b"Host", b"hh"),), head=b"GET /"),
        interim=(Response(status=100),),
        response=Response(status=403, headers=((b"Server", b"".join([b"ng", b"inx"])), (b"ETag", tag.encode())),
                          head=b"HTTP/1.1 403", body=Body(size=2, data=b"no")),
        timing=Timing(start_ns=number),
        packets=(1, 2),
        events=(Event(kind="text", client=True, data=b"x"),),
    )  # fmt: skip


def test_what_rules_read_is_kept_as_it_was() -> None:
    (kept,) = lean([exchange(1, "a")])
    full = exchange(1, "a")
    assert full.request is not None
    assert full.response is not None
    assert kept.request is not None
    assert kept.response is not None
    assert (kept.request.url, kept.request.headers) == (full.request.url, full.request.headers)
    assert (kept.response.status, kept.response.headers) == (403, full.response.headers)
    assert (kept.response.body, kept.timing, kept.id) == (full.response.body, full.timing, "e1")


def test_bytes_that_no_rule_reads_are_let_go() -> None:
    (kept,) = lean([exchange(1, "a")])
    assert kept.request is not None
    assert (kept.request.head, kept.events, kept.interim, kept.packets) == (b"", (), (), ())


def test_a_field_that_many_say_is_held_once() -> None:
    one, two = lean([exchange(1, "a"), exchange(2, "b")])
    assert one.response is not None
    assert two.response is not None
    assert one.response.headers[0] is two.response.headers[0]
    assert one.response.headers[1] != two.response.headers[1]
