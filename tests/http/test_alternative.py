"""Alt-Svc: the exchange over TCP that told its client of HTTP/3."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.http.alternative import DAY, Alternative, Alternatives, advertiser, read_alternatives
from tracer.model.http import Exchange, Request, Response, Timing

SECOND = 10**9


def exchange(name: str, at: int, protocol: str = "HTTP/2", alt: str = "", host: str = "h", port: int = 443) -> Exchange:
    headers = ((b"alt-svc", alt.encode()),) if alt else ()
    return Exchange(
        id=name,
        source="s",
        protocol=protocol,
        server=f"10.0.0.2:{port}",
        request=Request(method="GET", target="/", url=f"https://{host}/"),
        response=Response(status=200, headers=headers),
        timing=Timing(start_ns=at * SECOND, response_start_ns=at * SECOND),
    )


def test_entries_are_read_as_the_specification_writes_them() -> None:
    """RFC 7838 section 3, its own examples."""
    assert read_alternatives('h2="alt.example.com:8000", h2=":443"') == (
        Alternative("h2", "alt.example.com", 8000, DAY),
        Alternative("h2", "", 443, DAY),
    )
    assert read_alternatives('h3=":443"; ma=3600; persist=1') == (Alternative("h3", "", 443, 3600),)
    assert read_alternatives("clear") == ()
    assert read_alternatives('h3=":443",,nonsense') == (Alternative("h3", "", 443, DAY),)


def test_the_exchange_that_advertised_is_named() -> None:
    first, later = exchange("e1", 1, alt='h3=":443"; ma=60'), exchange("e9", 9, "HTTP/3")
    assert advertiser(later, [first, exchange("e2", 2), later]) == "e1"


def test_another_host_port_protocol_or_an_old_word_is_none() -> None:
    first = exchange("e1", 1, alt='h3=":443"; ma=60')
    others = [
        exchange("e9", 9, "HTTP/3", host="other"),
        exchange("e9", 9, "HTTP/3", port=8443),
        exchange("e9", 9, "HTTP/2"),
        exchange("e9", 62, "HTTP/3"),
    ]
    assert [advertiser(e, [first, e]) for e in others] == [None] * 4


def test_what_is_said_later_replaces_what_was_said() -> None:
    first, second = exchange("e1", 1, alt='h3=":443"'), exchange("e2", 2, alt="clear")
    last = exchange("e3", 3, "HTTP/3")
    assert advertiser(last, [first, second, last]) is None
    again = exchange("e4", 4, alt='h3=":443"')
    assert advertiser(exchange("e5", 5, "HTTP/3"), [first, second, again]) == "e4"


def test_origins_are_remembered_up_to_a_bound() -> None:
    known = Alternatives()
    for i in range(10_050):
        known.note(exchange(f"e{i}", 1, alt='h3=":443"', host=f"h{i}"))
    assert known.advertiser(exchange("x", 2, "HTTP/3", host="h1")) is None
    assert known.advertiser(exchange("x", 2, "HTTP/3", host="h10049")) == "e10049"


@given(st.text(max_size=200))
def test_any_field_is_read(value: str) -> None:
    read_alternatives(value)
