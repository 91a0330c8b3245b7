"""HAR as its producers write it, each with its own ways: what their sources, trackers and files show.

mitmproxy runs here and writes its own; what the others do is told by the smallest entry that shows it.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from mitmproxy.addons.savehar import SaveHar
from mitmproxy.test import tflow, tutils

from tracer.formats import har
from tracer.model.http import SANITIZED, Exchange

START = 1_795_521_600_000_000_000
GET = {"method": "GET", "url": "https://h.test/a", "httpVersion": "HTTP/1.1", "headers": [], "cookies": []}
DENIED = {"status": 403, "statusText": "Forbidden", "headers": [{"name": "Server", "value": "nginx"}], "cookies": []}
BODY = {"size": 2, "mimeType": "text/plain", "text": "no"}


def read(read_with: Any, creator: str, *entries: dict[str, Any], **log: Any) -> list[Exchange]:
    """The exchanges of a HAR of this creator, which has no fault."""
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, **log, "entries": list(entries)}
    data = json.dumps({"log": log}).encode()
    assert har.kind_of(data) == "har"
    report = read_with(har, data)
    assert report.told == []
    return list(report.exchanged)


def test_firefox_tells_local_time_and_leaves_out_bodies_of_redirects(read_with: Any) -> None:
    content = {"mimeType": "text/html", "size": 0, "comment": "Response bodies are not included."}
    response = {"status": 302, "statusText": "Found", "httpVersion": "HTTP/2", "headers": [], "cookies": [],
                "content": content, "redirectURL": "https://h.test/b", "headersSize": 205, "bodySize": 358}  # fmt: skip
    entry = {
        "startedDateTime": "2026-11-24T14:00:00.513+02:00",
        "request": {**GET, "httpVersion": "HTTP/2", "bodySize": 0},
        "response": response,
        "cache": {},
        "timings": {"blocked": 1, "dns": 0, "connect": 0, "ssl": 0, "send": 0, "wait": 3, "receive": 0},
        "time": 4,
        "_securityState": "secure",
        "pageref": "page_1",
        "connection": "443",
    }
    (found,) = read(read_with, "Firefox", entry, pages=[{"id": "page_1", "pageTimings": {"onLoad": -1}}])
    assert found.timing.start_ns == START + 513_000_000
    assert found.response is not None
    assert not found.response.body.complete
    assert found.extra["har.content-comment"] == "Response bodies are not included."
    assert found.protocol == "HTTP/2"


def test_a_request_that_firefox_blocked_has_no_answer(read_with: Any) -> None:
    response = {"status": 0, "statusText": "", "headers": [], "cookies": [], "content": {"mimeType": "", "size": 0}}
    entry = {"startedDateTime": "2026-11-24T12:00:00.000+00:00", "time": 0, "request": GET, "response": response,
             "timings": {}, "cache": {}, "_blockedReason": "CORS"}  # fmt: skip
    (found,) = read(read_with, "Firefox", entry)
    assert found.response is None


def test_webkit_counts_the_wait_before_a_request_twice_and_names_its_cache(read_with: Any) -> None:
    """On a connection used again `send` begins at the start too: the phases add up to more than `time`."""
    entry = {
        "pageref": "page_0",
        "startedDateTime": "2026-11-24T12:00:00.000Z",
        "time": 30,
        "request": {**GET, "httpVersion": "HTTP/2", "headersSize": 300, "bodySize": 0},
        "response": {**DENIED, "httpVersion": "HTTP/2", "content": {**BODY, "compression": -5}, "_transferSize": 900},
        "timings": {"blocked": 10, "dns": -1, "connect": -1, "ssl": -1, "send": 10, "wait": 15, "receive": 5},
        "serverIPAddress": "[2001:db8::1]",
        "connection": "57",
        "_fetchType": "Network Load",
    }
    (found,) = read(read_with, "WebKit Web Inspector", entry)
    timing = found.timing
    assert (timing.request_end_ns, timing.response_start_ns, timing.end_ns) == (
        START + 10_000_000,
        START + 25_000_000,
        START + 30_000_000,
    )
    assert found.server == "[2001:db8::1]:443"
    assert found.extra["har.fetch-type"] == "Network Load"


def test_playwright_counts_tls_beside_connecting(read_with: Any) -> None:
    timings = {"dns": 1, "connect": 2, "ssl": 7, "send": 0, "wait": 4, "receive": 6}
    entry = {"startedDateTime": "2026-11-24T12:00:00.000Z", "time": 20, "request": GET, "_monotonicTime": 9.5,
             "response": {**DENIED, "content": BODY}, "timings": timings, "_serverPort": 8443, "cache": {},
             "serverIPAddress": "203.0.113.9", "_securityDetails": {}}  # fmt: skip
    (found,) = read(read_with, "Playwright", entry)
    assert found.timing.end_ns == START + 20_000_000
    assert found.timing.request_end_ns == START + 10_000_000
    assert found.server == "203.0.113.9:8443"


def test_charles_writes_no_pages_and_lists_pseudo_fields(read_with: Any) -> None:
    fields = [{"name": ":method", "value": "GET"}, {"name": ":authority", "value": "h.test"},
              {"name": ":scheme", "value": "https"}, {"name": ":path", "value": "/a"}]  # fmt: skip
    entry = {"startedDateTime": "2026-11-24T13:00:00.000+0100", "time": 9, "cache": {}, "_charlesStatus": "COMPLETE",
             "request": {**GET, "httpVersion": "HTTP/2.0", "headers": fields},
             "response": {**DENIED, "httpVersion": "HTTP/2.0", "headers": [{"name": ":status", "value": "403"}],
                          "content": {"size": 0, "mimeType": None}},
             "timings": {"dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 8, "receive": 1}}  # fmt: skip
    (found,) = read(read_with, "Charles Proxy", entry)
    assert found.request is not None
    assert (found.request.authority, found.request.headers, found.protocol) == ("h.test", (), "HTTP/2")
    assert found.timing.start_ns == START
    assert found.extra["har.charles-status"] == "COMPLETE"


def test_fiddler_tells_seven_decimals_and_its_tunnels(read_with: Any) -> None:
    connect = {"method": "CONNECT", "url": "https://h.test:443", "httpVersion": "HTTP/1.1", "headers": []}
    entries = [
        {"startedDateTime": "2026-11-24T12:00:00.2404219+00:00", "time": 0, "comment": "[#1]", "request": connect,
         "response": {"status": 200, "statusText": "Connection Established", "headers": [],
                      "content": {"size": 0, "mimeType": ""}},
         "connection": "ClientPort:53021;EgressPort:53022", "timings": {"send": 0, "wait": 0, "receive": 0}},
        {"startedDateTime": "2026-11-24T12:00:01.0000000+00:00", "time": 3, "comment": "[#2]", "request": GET,
         "response": {**DENIED, "content": {"size": 2, "mimeType": "image/x", "encoding": "base64", "text": "bm8="}},
         "timings": {"dns": -1, "connect": -1, "send": 0, "wait": 2, "receive": 1}},
    ]  # fmt: skip
    tunnel, found = read(read_with, "Fiddler", *entries, pages=[])
    assert tunnel.timing.start_ns == START + 240_421_900
    assert tunnel.request is not None
    assert (tunnel.request.method, tunnel.request.target) == ("CONNECT", "h.test:443")
    assert found.response is not None
    assert found.response.body.data == b"no"


@pytest.mark.parametrize("missing", [{}, {"response": None}])
def test_proxyman_leaves_the_answer_out_where_there_was_none(read_with: Any, missing: dict[str, Any]) -> None:
    entry = {"startedDateTime": "2026-11-24T13:00:00+01:00", "time": 1948, "request": GET, **missing}
    (found,) = read(read_with, "Proxyman", entry)
    assert found.response is None
    assert found.timing.start_ns == START


def test_http_toolkit_says_why_a_body_is_not_there(read_with: Any) -> None:
    entry = {
        "startedDateTime": "2026-11-24T12:00:00.000Z",
        "time": 7,
        "request": {**GET, "method": "POST", "_requestBodyStatus": "discarded:too-large", "bodySize": 9000},
        "response": {**DENIED, "content": {"size": 4, "mimeType": "a/b", "encoding": "base64", "text": "AAEC/w=="}},
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 1, "wait": 4, "receive": 2},
        "_webSocketMessages": [{"type": "request", "opcode": 2, "data": "AAE=", "time": 1_795_521_600.5}],
    }  # fmt: skip
    (found,) = read(read_with, "HTTP Toolkit", entry)
    assert found.request is not None
    assert not found.request.body.complete
    assert found.extra["har.request-body-status"] == "discarded:too-large"
    assert [(e.client, e.data) for e in found.events] == [(True, b"\0\1")]


def _asked(*names: str) -> dict[str, Any]:
    fields = [{"name": name, "value": "x"} for name in ("Host", "Accept", *names)]
    times = {"startedDateTime": "2026-11-24T12:00:00Z", "time": 3, "timings": {"send": 1, "wait": 1, "receive": 1}}
    return {**times, "request": GET | {"headers": fields}, "response": DENIED | {"content": BODY}}


def test_chromium_leaves_credentials_out_unless_told_otherwise(read_with: Any) -> None:
    """devtools-frontend commit acd96a604641: neither Cookie nor Set-Cookie nor Authorization is exported."""
    sanitized = read(read_with, "WebInspector", _asked(), _asked("X-Note"))
    assert all(SANITIZED in e.extra for e in sanitized)
    before, *whole = read(read_with, "WebInspector", _asked(), _asked("Cookie"), _asked())
    assert SANITIZED in before.extra
    assert not any(SANITIZED in e.extra for e in whole)  # it was exported with sensitive data
    assert not any(SANITIZED in e.extra for e in read(read_with, "Firefox", _asked()))


@pytest.mark.parametrize("creator", ["Postman", "Insomnia REST Client"])
def test_api_clients_leave_out_most_of_it(read_with: Any, creator: str) -> None:
    posted = {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a", "value": "1 2"}]}
    entry = {
        "startedDateTime": "2026-11-24T12:00:00.000Z",
        "time": 12.5,
        "request": {"method": "POST", "url": "https://h.test/a", "headers": [], "postData": posted},
        "response": {"status": 403, "statusText": "", "headers": [], "content": {"size": -1, "mimeType": ""}},
        "timings": {"blocked": -1, "dns": -1, "connect": -1, "ssl": -1, "send": 0, "wait": 12.5, "receive": 0},
        "comment": "Create order",
    }
    (found,) = read(read_with, creator, entry)
    assert found.request is not None
    assert found.request.body.data == b"a=1+2"
    assert found.response is not None
    assert found.comment == "Create order"


def test_what_mitmproxy_writes_today(read_with: Any) -> None:
    """Its own exporter, run here: a plain answer, a binary one, WebSocket messages, an error without an answer."""
    plain = tflow.tflow(resp=tutils.tresp(status_code=403, content=b"denied"))
    binary = tflow.tflow(resp=tutils.tresp(content=b"\x89PNG\0\xff"))
    talk, failed = tflow.twebsocketflow(), tflow.tflow(err=True)
    data = json.dumps(SaveHar().make_har([plain, binary, talk, failed])).encode()
    report = read_with(har, data)
    assert report.told == []
    answers = [e.response and (e.response.status, e.response.body.data) for e in report.exchanged]
    assert answers[:2] == [(403, b"denied"), (200, b"\x89PNG\0\xff")]
    assert answers[3] is None
    assert talk.websocket is not None
    sent = [(m.from_client, m.content) for m in talk.websocket.messages]
    assert [(e.client, e.data) for e in report.exchanged[2].events] == sent
    assert base64.b64encode(b"\x89PNG\0\xff") in data
