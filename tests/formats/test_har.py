"""Reading HAR as its many producers write it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.formats import har
from tracer.formats.har_entry import time_ns
from tracer.formats.har_scan import Scanner
from tracer.model.http import Body, Exchange, Request, Response, Timing
from tracer.model.problem import Severity


def entry(**more: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "startedDateTime": "2026-11-24T12:00:00.250Z",
        "time": 42,
        "request": {
            "method": "GET",
            "url": "https://shop.example/a?b=c",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Host", "value": "shop.example"}],
            "cookies": [],
            "queryString": [],
            "headersSize": -1,
            "bodySize": 0,
        },
        "response": {
            "status": 403,
            "statusText": "Forbidden",
            "httpVersion": "HTTP/1.1",
            "headers": [{"name": "Server", "value": "nginx"}],
            "cookies": [],
            "content": {"size": 2, "mimeType": "text/plain", "text": "no"},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": 2,
        },
        "cache": {},
        "timings": {"blocked": 1, "dns": -1, "connect": 5, "ssl": 3, "send": 0.5, "wait": 30, "receive": 5.5},
        "serverIPAddress": "203.0.113.9",
    }
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(made.get(key), dict):
            made[key] = made[key] | value
        else:
            made[key] = value
    return made


def document(*entries: Any, creator: str = "WebInspector") -> bytes:
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, "pages": [], "entries": list(entries)}
    return json.dumps({"log": log}).encode()


def only(read_with: Any, **more: Any) -> Exchange:
    report = read_with(har, document(entry(**more)))
    assert report.told == []
    (exchange,) = report.exchanged
    return exchange  # type: ignore[no-any-return]


def test_an_entry_becomes_an_exchange_with_every_part_in_its_place(read_with: Any) -> None:
    start = 1_795_521_600_250_000_000
    assert only(read_with) == Exchange(
        id="e1",
        source="in",
        protocol="HTTP/1.1",
        server="203.0.113.9:443",
        request=Request(
            method="GET",
            target="/a?b=c",
            scheme="https",
            url="https://shop.example/a?b=c",
            headers=((b"Host", b"shop.example"),),
            packet=1,
        ),
        response=Response(
            status=403, reason="Forbidden", headers=((b"Server", b"nginx"),), body=Body(size=2, data=b"no"), packet=1
        ),
        timing=Timing(
            start_ns=start,
            request_end_ns=start + 6_500_000,
            response_start_ns=start + 36_500_000,
            end_ns=start + 42_000_000,
        ),
        extra={
            "har.creator": "WebInspector 1",
            "har.server-ip": "203.0.113.9",
            "har.timings.blocked-ms": "1",
            "har.timings.connect-ms": "5",
            "har.timings.ssl-ms": "3",
            "har.sanitized": "no cookies and no Authorization, as browsers export by default",
        },
    )


@pytest.mark.parametrize(
    ("spelling", "version"),
    [("h2", "HTTP/2"), ("http/2.0", "HTTP/2"), ("HTTP/2.0", "HTTP/2"), ("HTTP/2", "HTTP/2"), ("h3", "HTTP/3"),
     ("h3-29", "HTTP/3"), ("HTTP/3", "HTTP/3"), ("http/2+quic/46", "HTTP/3"),
     ("http/1.1", "HTTP/1.1"), ("HTTP/1.0", "HTTP/1.0"),
     ("", ""), ("unknown", "")],
)  # fmt: skip
def test_every_spelling_of_a_version_means_that_version(read_with: Any, spelling: str, version: str) -> None:
    exchange = only(read_with, request={"httpVersion": spelling}, response={"httpVersion": spelling})
    assert exchange.protocol == version


def test_pseudo_headers_give_version_and_authority_and_are_no_fields(read_with: Any) -> None:
    fields = [{"name": ":method", "value": "GET"}, {"name": ":authority", "value": "shop.example"},
              {"name": ":path", "value": "/a?b=c"}, {"name": ":scheme", "value": "https"},
              {"name": "accept", "value": "*/*"}]  # fmt: skip
    request = only(read_with, request={"httpVersion": "", "headers": fields}, response={"httpVersion": ""}).request
    assert request is not None
    assert (request.version, request.authority, request.headers) == ("HTTP/2", "shop.example", ((b"accept", b"*/*"),))


@pytest.mark.parametrize("comment", [{}, {"comment": "TLS alert: certificate required"}])
def test_status_0_means_no_response_and_keeps_what_the_file_says_of_it(read_with: Any, comment: dict[str, str]) -> None:
    exchange = only(
        read_with, response={"status": 0, "statusText": "", "_error": "net::ERR_CONNECTION_RESET", **comment}
    )
    assert exchange.response is None
    assert exchange.comment == "; ".join(["net::ERR_CONNECTION_RESET", *comment.values()])


def test_a_base64_body_is_its_bytes_and_keeps_no_coding_that_the_browser_undid(read_with: Any) -> None:
    body = {"size": 4, "text": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64"}
    coded = [{"name": "content-encoding", "value": "br"}]
    response = only(read_with, response={"content": body, "headers": coded}).response
    assert response is not None
    assert response.body == Body(size=4, data=b"\x89PNG")


def test_a_body_that_the_browser_did_not_keep_is_unknown_not_empty(read_with: Any) -> None:
    response = only(read_with, response={"content": {"size": 5000, "mimeType": "image/png"}, "bodySize": 4321}).response
    assert response is not None
    assert response.body == Body(size=5000, complete=False)


def test_a_form_given_as_parameters_is_put_together_again_but_not_called_whole(read_with: Any) -> None:
    params = [{"name": "q", "value": "a b"}, {"name": "x", "value": "%2A"}]
    posted = {"mimeType": "application/x-www-form-urlencoded", "params": params}
    request = only(read_with, request={"method": "POST", "postData": posted}).request
    assert request is not None
    assert request.body == Body(size=11, data=b"q=a+b&x=%2A", complete=False)


def test_cookies_that_only_the_list_knows_are_named_without_their_values(read_with: Any) -> None:
    exchange = only(
        read_with, request={"cookies": [{"name": "sid", "value": "secret"}, {"name": "lang", "value": "de"}]}
    )
    assert exchange.extra["har.request-cookies"] == "sid, lang"
    assert "secret" not in str(exchange)


def test_headers_may_be_pairs_or_an_object_and_values_may_be_null(read_with: Any) -> None:
    pairs = only(read_with, request={"headers": [["A", "1"], ["B", None]]}).request
    named = only(read_with, request={"headers": {"A": 1}}).request
    assert pairs is not None
    assert named is not None
    assert (pairs.headers, named.headers) == (((b"A", b"1"), (b"B", b"")), ((b"A", b"1"),))


def test_unpaired_surrogates_and_bytes_that_are_not_utf_8_cost_a_character_not_the_entry(read_with: Any) -> None:
    data = document(entry()).replace(b"shop.example/a", b"shop.example/\\ud800\xff")
    report = read_with(har, data)
    assert report.told == []
    assert report.exchanged[0].request.url == "https://shop.example/?\ufffd?b=c"


def test_websocket_messages_become_events(read_with: Any) -> None:
    messages = [{"type": "send", "time": 1.5, "opcode": 1, "data": "hi"},
                {"type": "receive", "time": 2, "opcode": 2, "data": base64.b64encode(b"\0\1").decode()}]  # fmt: skip
    events = only(read_with, _webSocketMessages=messages).events
    assert [(e.kind, e.client, e.time_ns, e.data) for e in events] == [
        ("text", True, 1_500_000_000, b"hi"),
        ("binary", False, 2_000_000_000, b"\0\1"),
    ]


def test_custom_fields_are_kept_as_facts(read_with: Any) -> None:
    custom = {"_fromCache": "disk", "_resourceType": "xhr", "_initiator": {"type": "script"}}
    exchange = only(read_with, **custom, _securityDetails={"protocol": "TLS 1.3"})
    kept = {k: v for k, v in exchange.extra.items() if k.startswith(("har.from", "har.res", "har.init", "har.sec"))}
    assert kept == {
        "har.from-cache": "disk",
        "har.resource-type": "xhr",
        "har.initiator.type": "script",
        "har.security-details.protocol": "TLS 1.3",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-24T12:00:00Z", 0), ("2026-11-24T12:00:00.5Z", 500_000_000), ("2026-11-24T13:00:00.000+01:00", 0),
     ("2026-11-24T06:30:00-0530", 0), ("2026-11-24T12:00:00.123456789Z", 123_456_789),
     ("2026-11-24 12:00:00,25", 250_000_000),
     ("2026-11-24T12:00:00.1234567+00:00", 123_456_700)],
)  # fmt: skip
def test_times_of_any_offset_and_precision_are_nanoseconds_since_the_epoch(text: str, expected: int) -> None:
    assert time_ns(text) == 1_795_521_600_000_000_000 + expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-40T12:00:00Z", "12:00", "2026-11-24T25:00:00Z"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert time_ns(text) is None


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_or_utf_16_changes_nothing(read_with: Any, coding: str) -> None:
    data = document(entry()).decode().encode(coding)
    assert har.kind_of(data) == "har"
    assert read_with(har, data) == read_with(har, document(entry()))


def test_a_broken_entry_is_a_problem_and_its_neighbours_stay(read_with: Any) -> None:
    data = document(entry(), entry(), {"request": 7}, entry()).replace(b'"status": 403', b'"status": 4o3', 1)
    report = read_with(har, data)
    assert [e.id for e in report.exchanged] == ["e2", "e4"]
    assert [(p.code, p.packet, p.severity) for p in report.told] == [
        ("har.entry", 1, Severity.WARN),
        ("har.entry", 3, Severity.WARN),
    ]


@pytest.mark.parametrize(
    "data", [b'{"log":\n[\n2,1,3\n]\n"request:"}', b'{"a": {"log": {"entries": []}}}', b"[]", b"", b"{"]
)
def test_json_without_a_log_has_no_exchanges_and_says_so(read_with: Any, data: bytes) -> None:
    report = read_with(har, data)
    assert (report.exchanged, report.codes) == ([], ["har.no-log"])


def test_entries_before_everything_else_are_found_too(read_with: Any) -> None:
    one = json.dumps(entry())
    report = read_with(har, f'{{"x":[{{"log":1}}],"log":{{"entries":[{one}],"creator":{{}}}},"y":0}}'.encode())
    assert [e.id for e in report.exchanged] == ["e1"]
    assert report.told == []


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_file_cut_anywhere_keeps_every_whole_entry_and_says_that_it_is_cut(
    read_with: Any, data: st.DataObject
) -> None:
    pieces = [json.dumps(entry(_note='a "quoted" \\ brace } ] text')) for _ in range(3)]
    text = '{"log":{"creator":{"name":"x"},"entries":[' + ",\n".join(pieces) + "]}}"
    cut = data.draw(st.integers(min_value=0, max_value=len(text) - 3))
    ends, at = [], text.index("[") + 1
    for piece in pieces:
        at = text.index(piece, at) + len(piece)
        ends.append(at)
    report = read_with(har, text[:cut].encode())
    assert [e.id for e in report.exchanged] == [f"e{i}" for i, end in enumerate(ends, 1) if end <= cut]
    assert [p.severity in (Severity.WARN, Severity.ERROR) for p in report.told] == [True]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), st.lists(st.text(max_size=40), max_size=5))
def test_the_size_of_the_blocks_makes_no_difference(sizes: list[int], notes: list[str]) -> None:
    text = document(*({"n": note, "deep": [[{"a": note}]]} for note in notes))
    whole = Scanner()
    expected = [*whole.feed(text), *whole.close()]
    scanner, at = Scanner(), 0
    found: list[Any] = []
    while at < len(text):
        size = sizes[at % len(sizes)]
        found += scanner.feed(text[at : at + size])
        at += size
    found += scanner.close()
    assert found == expected
    assert [json.loads(p.text or b"")["n"] for p in found if p.key == "entries"] == notes


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_raising(read_with: Any, data: bytes) -> None:
    for text in (data, b'{"log":{"entries":[' + data, b'{"log":{"entries":[{"request":' + data + b"}]}}"):
        report = read_with(har, text)
        assert report.exchanged or report.told or b"]" in data


def test_an_entry_beyond_the_limit_is_passed_over_in_bounded_memory() -> None:
    scanner = Scanner(largest=1000)
    pieces = list(scanner.feed(b'{"log":{"entries":[{"a":"'))
    for _ in range(100):
        pieces += scanner.feed(b"x" * 500)
        assert len(scanner._data) < 2000
    pieces += scanner.feed(b'"},{"b":1}]}}')
    assert [p.text for p in pieces] == [None, b'{"b":1}']


class Endless:
    """A HAR of `count` entries, made as it is read."""

    def __init__(self, count: int) -> None:
        self.text = json.dumps(entry(_pad="x" * 2000)).encode()
        self.count = count
        self.rest = b'{"log":{"entries":['

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and self.count:
            self.count -= 1
            self.rest += self.text + (b"," if self.count else b"]}}")
        out, self.rest = self.rest[:size], self.rest[size:]
        return out


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file() -> None:
    import tracemalloc

    from tracer.transport.conversation import Context

    class Counting:
        seen = 0

        def exchange(self, _: Exchange) -> None:
            self.seen += 1

        def problem(self, problem: Any) -> None:
            raise AssertionError(problem)

        handshake = connection = problem

    sink = Counting()
    context = Context(sink=sink, source="in", connection=None, client="", server="")
    tracemalloc.start()
    try:
        har.read(Endless(8_000), context, sink)  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sink.seen == 8_000
    assert peak < 12 << 20


@pytest.mark.parametrize(
    "head",
    [b'{"log": {"version": "1.2"', b'\xef\xbb\xbf{"log":{"entries":[', b'{ "log" : {\n "creator"',
     b'{"_meta":{},"log":{"pages"'],
)  # fmt: skip
def test_a_har_is_known_by_its_beginning(head: bytes) -> None:
    assert har.kind_of(head) == "har"


@pytest.mark.parametrize(
    "head", [b"", b"{}", b'{"logs": []}', b'[{"log": 1}]', b"GET / HTTP/1.1\r\n", b'{"message":"log"}']
)
def test_other_things_are_not_taken_for_a_har(head: bytes) -> None:
    assert har.kind_of(head) is None
