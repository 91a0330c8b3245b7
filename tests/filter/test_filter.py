"""The filter language: what mitmproxy accepts means here what it means there; faults are pointed at."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy import flowfilter
from mitmproxy.test import tflow, tutils

from tracer.filter import FilterError, parse
from tracer.filter.subject import RowSubject, Subject
from tracer.filter.terms import TERMS, Needs
from tracer.formats.mitm_flow import FlowReader
from tracer.model.http import Exchange
from tracer.model.verdict import Cause, Layer, Verdict
from tracer.transport.conversation import Context


class Collected:
    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def handshake(self, handshake: Any) -> None: ...
    def connection(self, connection: Any) -> None: ...
    def problem(self, problem: Any) -> None: ...


def flows() -> list[Any]:
    def one(**changes: Any) -> Any:
        flow = tflow.tflow(resp=True)
        flow.request.host = changes.get("host", "shop.example.test")
        flow.request.port = 80
        flow.request.path = changes.get("path", "/cart?id=7")
        flow.request.method = changes.get("method", "GET")
        flow.request.headers["Host"] = flow.request.host
        flow.request.content = changes.get("sent", b"")
        flow.response = tutils.tresp(status_code=changes.get("status", 200), content=changes.get("got", b"hello world"))
        flow.response.headers["Content-Type"] = changes.get("type", "text/html; charset=utf-8")
        flow.response.headers["Server"] = changes.get("server", "nginx")
        flow.server_conn.address = (flow.request.host, 80)
        return flow

    bare = one(method="PUT", path="/upload")
    bare.response = None
    failed = one(path="/slow", host="other.test")
    failed.response = None
    failed.error = tflow.terr()
    zipped = one(path="/z", got=b"inside the archive\nsecond line")
    zipped.response.encode("gzip")
    noted = one(path="/noted")
    noted.comment, noted.marked = "look at this", ":star:"
    replayed = one(path="/again")
    replayed.is_replay = "request"
    posted = one(method="POST", path="/login", status=403, sent=b"user=bob&pass=x", got=b"Forbidden\nby rule")
    posted.request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    socket = tflow.twebsocketflow()
    return [one(), one(type="image/png", path="/a.png"), one(status=403, server="envoy", host="api.example.test"),
            one(type="text/css"), bare, failed, zipped, noted, replayed, posted, socket]  # fmt: skip


FLOWS = flows()


def exchange_of(flow: Any) -> Exchange:
    sink = Collected()
    reader = FlowReader(Context(sink=sink, source="x", connection=None, client="", server=""), sink)
    reader.take(copy.deepcopy(flow), 1)
    return sink.exchanges[0]


EXCHANGES = [exchange_of(flow) for flow in FLOWS]

EXPRESSIONS = [
    "~a",
    "~all",
    "~b hello",
    "~b 'inside the archive'",
    "~b 'Forbidden.by'",
    "~bq user=",
    "~bs ^Forb",
    "~b nothing-here",
    "~c 403",
    "~c 200",
    "~c 999",
    "~comment look",
    "~d example",
    "~d ^api",
    "~d other.test",
    "~dst shop.*:80",
    "~h server",
    "~h 'server: envoy'",
    "~hq '^host: shop'",
    "~hs '^content-type: image'",
    "~http",
    "~m POST",
    "~m ^p",
    "~marked",
    "~marker star",
    "~q",
    "~s",
    "~src 127.0.0.1",
    "~t css",
    "~tq urlencoded",
    "~ts png",
    "~u cart",
    "~u id=7$",
    "~websocket",
    "~tcp",
    "~udp",
    "~dns",
    "~replay",
    "~replayq",
    "~replays",
    "cart",
    "CART",
    "'shop.example'",
    "!~c 200",
    "! ~c 200",
    "!!~c 200",
    "~c 403 & ~m POST",
    "~c 403 | ~a",
    "~c 403 ~m POST",
    "(~c 403 | ~a ) & ~s",
    "~a | ~q | ~c 403",
    "~m GET & ~s | ~q",
    "~q | ~m GET & ~s",
    "a&b",
    "cart|login",
    "~u cart|login",
    "shop ~c 403",
    "!cart",
    "!(~c 403 | ~q )",
    "( ~c 200 & !~u cart) | ~m put",
    '~u "a b"',
    "'\\d'",
    '~b "hello\\\\s"',
    "~u '/cart\\x3fid'",
    "~m 'G(E)T'",
    "~d ''",
    "~c 403&~m POST",
    "~c 403|~m PUT",
    "~u a ~u b",
    "~hq 'host: .*test\\r\\n'",
    "~comment ^look.*this$",
    "foo'bar'",
    "~u !x",
]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_means_what_it_means_to_mitmproxy(expression: str) -> None:
    theirs = flowfilter.parse(expression)
    ours = parse(expression)
    expected = [bool(theirs(flow)) for flow in FLOWS]
    assert [ours.matches(Subject(e, lambda *_: b"")) for e in EXCHANGES] == expected


_WORDS = st.sampled_from(
    ["cart", "~c 403", "~m POST", "~q", "~s", "~a", "~b Forb", "~d api", "~hs envoy", "'a b'", "~u login"]
)
_TREES = st.recursive(
    _WORDS,
    lambda inner: st.one_of(
        inner.map(lambda e: f"! {e}"),
        inner.map(lambda e: f"( {e} )"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} & {p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"{p[0]} | {p[1]}"),
        st.tuples(inner, inner).map(lambda p: f"( {p[0]} | {p[1]} )"),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(_TREES)
def test_operators_bind_as_they_do_in_mitmproxy(expression: str) -> None:
    theirs = flowfilter.parse(expression)
    ours = parse(expression)
    assert [ours.matches(Subject(e, lambda *_: b"")) for e in EXCHANGES] == [bool(theirs(f)) for f in FLOWS]


@pytest.mark.parametrize(
    "expression", ["~x", "~", "~c", "~c abc", "~u", "(", "(~q", "~u (", "~u '(' ", "", "  ", "'a", "~b *", ")"]
)
def test_what_mitmproxy_refuses_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        flowfilter.parse(expression)
    with pytest.raises(FilterError):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "column"),
    [
        ("~c 403 & ~nope 1", 10),
        ("~c abc", 4),
        ("(~q", 1),
        ("~u a)", 5),
        ("~u 'a(b'", 6),
        ("~m GET & ", 10),
        ("x 'open", 3),
    ],
)
def test_an_error_points_at_its_column(expression: str, column: int) -> None:
    with pytest.raises(FilterError) as caught:
        parse(expression)
    assert caught.value.column == column
    assert caught.value.pointed().splitlines()[1].index("^") == column - 1


def test_every_term_of_mitmproxy_is_here() -> None:
    classes: list[Any] = [*flowfilter.filter_unary, *flowfilter.filter_rex, *flowfilter.filter_int]
    theirs = {c.code for c in classes}
    assert set(TERMS) - theirs == {"layer", "cause", "product", "denied"}
    assert theirs <= set(TERMS)


def test_layer_cause_and_product_look_at_the_verdict() -> None:
    verdict = Verdict(source="x", exchange="e1", layer=Layer.WAF, product="modsecurity", cause=Cause.WAF_RULE)
    judged = Subject(EXCHANGES[0], verdict=lambda _: verdict)
    free = Subject(EXCHANGES[0], verdict=lambda _: None)
    for expression in ("~layer waf", "~cause waf-rule", "~product modsec", "~denied"):
        assert parse(expression).matches(judged)
        assert not parse(expression).matches(free)


def test_a_filter_over_columns_needs_no_exchange() -> None:
    found = parse("~d shop & ~c 403 & !~m GET & ~src ^10 & ~dst :443 & ~u x | ~denied")
    assert found.needs is Needs.ROW
    row = RowSubject("POST", "https://shop/x", "shop", 403, "10.0.0.1:1", "10.0.0.2:443", False)
    assert found.matches(row)


def test_what_the_database_can_decide_is_handed_to_it() -> None:
    def sql(expression: str) -> tuple[str, tuple[Any, ...]] | None:
        where = parse(expression).where
        return (where.sql, where.parameters) if where else None

    assert sql("~c 403") == ("status IS ?", (403,))
    assert sql("~c 403 & ~u x") == ("(status IS ?)", (403,))
    assert sql("~c 403 | ~u x") is None
    assert sql("!(~c 403 & ~u x)") is None
    assert sql("!~c 403") == ("NOT (status IS ?)", (403,))


@given(st.text(alphabet="~abcu!&|()'\"\\ 40\t\n.*é", max_size=30))
def test_any_text_is_a_filter_or_a_filter_error(text: str) -> None:
    try:
        found = parse(text)
    except FilterError as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017
    else:
        found.matches(Subject(EXCHANGES[0], lambda *_: b""))


def test_deep_nesting_is_refused_rather_than_followed() -> None:
    with pytest.raises(FilterError, match="too many"):
        parse("(" * 5000 + "~q" + ")" * 5000)
