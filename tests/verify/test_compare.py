"""Two readings side by side: what agrees, what differs, and what a limit of tshark explains."""

from __future__ import annotations

from typing import Any

import pytest

from tracer.model.connection import Connection
from tracer.model.http import Body, Exchange, Request, Response
from tracer.verify.compare import Comparison, compare
from tracer.verify.limits import LIMITS, facts
from tracer.verify.opinion import Call, Greeting, Opinion
from tracer.verify.ours import reduce

ENDS = "10.0.0.1:4000", "10.0.0.2:80"
GREETING = Greeting(*ENDS, "h", "TLSv1.3", "TLS_AES_128_GCM_SHA256", "j3", "j3s", "t13", 4)


def call(**changes: Any) -> Call:
    return Call(*ENDS, "HTTP/1", None, "GET", "h", "/a", 200, 4)._replace(**changes)


def between(ours: list[Call], theirs: list[Call], *exchanges: Exchange, **connection: Any) -> Comparison:
    mine, other = Opinion(tuple(ours), ()), Opinion(tuple(theirs), ())
    known = facts(exchanges, [Connection(id="c1", source="s", **connection)], (), other)
    return compare(mine, other, known)


def exchange(protocol: str = "HTTP/1.1", tls: str | None = None, **response: Any) -> Exchange:
    return Exchange(
        id="e4",
        source="s",
        protocol=protocol,
        client=ENDS[0],
        server=ENDS[1],
        connection="c1",
        tls=tls,
        request=Request(method="GET", target="/a", url="http://h/a", headers=((b"host", b"h"),), packet=4),
        response=Response(status=200, **response),
    )


def test_two_readings_that_are_the_same_agree() -> None:
    found = between([call(), call(target="/b")], [call(target="/b", packet=9), call(packet=7)])
    assert found.differences == ()
    assert (found.exchanges.ours, found.exchanges.theirs, found.exchanges.agree) == (2, 2, 2)


@pytest.mark.parametrize(("field", "value"), [("status", 403), ("host", "other"), ("status", None)])
def test_a_field_that_differs_is_named_with_both_values(field: str, value: Any) -> None:
    (difference,) = between([call(id="e4")], [call(**{field: value})]).unexplained
    assert (difference.kind, difference.id, difference.packet) == (field, "e4", 4)
    assert (difference.ours, difference.theirs) == (str(getattr(call(), field)), None if value is None else str(value))


def test_what_one_reading_lacks_is_told_from_both_sides() -> None:
    found = between([call(), call(target="/only-here", packet=8)], [call(), call(target="/only-there", packet=9)])
    assert [(d.kind, d.packet) for d in found.differences] == [("only-tracer", 8), ("only-tshark", 9)]


def test_the_same_request_twice_is_two_exchanges() -> None:
    found = between([call(), call()], [call()])
    assert [d.kind for d in found.differences] == ["only-tracer"]


def test_streams_of_http_2_are_compared_by_their_number() -> None:
    ours = [call(protocol="HTTP/2", stream=n, status=s) for n, s in ((1, 200), (3, 403))]
    theirs = [call(protocol="HTTP/2", stream=n, status=s) for n, s in ((1, 200), (3, 404))]
    (difference,) = between(ours, theirs).differences
    assert (difference.kind, difference.ours, difference.theirs) == ("status", "403", "404")


def test_hellos_are_compared_field_by_field_and_unknown_fingerprints_left_out() -> None:
    theirs = GREETING._replace(version="TLSv1.2", ja4=None)
    found = compare(Opinion((), (GREETING,)), Opinion((), (theirs,)), facts((), (), (), Opinion((), ())))
    assert [(d.what, d.kind, d.ours, d.theirs) for d in found.differences] == [
        ("handshake", "version", "TLSv1.3", "TLSv1.2")
    ]


def test_secrets_in_targets_are_taken_out() -> None:
    one, other = Opinion((call(target="/a?key=s3cret"),), ()), Opinion((), ())
    found = compare(one, other, facts((), (), (), other), clean=lambda text: text.replace("s3cret", "[redacted]"))
    assert found.differences[0].ours == "GET h/a?key=[redacted] -> 200"


LENGTH = ((b"content-length", b"3"),)
CASES = [
    ("until-close-in-tls", exchange(tls="t1"), {}),
    ("response-cut", exchange(headers=LENGTH, body=Body(size=1, complete=False)), {}),
    ("qpack", exchange("HTTP/3", tls="t1"), {}),
    ("h2-behind-proxy-protocol", exchange("HTTP/2"), {"protocol": "proxy/h2"}),
    ("h2-prior-knowledge", exchange("HTTP/2"), {"protocol": "h2"}),
    ("joined-late", exchange("HTTP/2", tls="t1"), {"joined_late": True}),
    ("bytes-missing", exchange(headers=LENGTH), {"lost": 1}),
    (None, exchange(headers=LENGTH), {}),
]


@pytest.mark.parametrize(("limit", "value", "connection"), CASES, ids=[str(c[0]) for c in CASES])
def test_a_limit_of_tshark_is_named_not_left_out(limit: str, value: Exchange, connection: dict[str, Any]) -> None:
    ours = reduce([value], [])
    (difference,) = between(list(ours.calls), [], value, **connection).differences
    assert (difference.kind, difference.limit) == ("only-tracer", limit)
    assert limit is None or LIMITS[limit]


def test_no_limit_excuses_what_only_tshark_shows() -> None:
    (difference,) = between([], [call()], exchange(tls="t1"), lost=5, joined_late=True).unexplained
    assert difference.kind == "only-tshark"


def test_a_header_block_that_tshark_did_not_decompress_is_its_limit_a_wrong_one_is_not() -> None:
    value = exchange("HTTP/2", tls="t1", headers=LENGTH)
    (mine,) = reduce([value], []).calls
    mine = mine._replace(stream=1)
    lacking, wrong = mine._replace(method=None), mine._replace(method="PUT")
    assert [d.limit for d in between([mine], [lacking], value).differences] == ["h2-header-block"]
    assert [d.limit for d in between([mine], [wrong], value).differences] == [None]
