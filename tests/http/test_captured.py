"""What real programs say over HTTP/2 and HTTP/3, as the captures in pcaps/ hold it, their keys inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tracer.formats.json_values import exchange_value, handshake_value
from tracer.model.tls import Handshake
from tracer.pipeline import read
from tracer.store.trace import Trace

PCAPS = Path(__file__).parents[2] / "pcaps"


def of(case: str) -> Trace:
    return read([PCAPS / case / "capture.pcapng"], judge=False).trace


def only(trace: Trace) -> Handshake:
    (handshake,) = trace.handshakes()
    return handshake


@pytest.mark.parametrize(("case", "protocol", "alpn", "version", "ja4"), [
    ("chromium-h2", "HTTP/2", "h2", "TLSv1.2", "t13d"),
    ("chromium-h3", "HTTP/3", "h3", "TLSv1.3", "q13d"),
])  # fmt: skip
def test_a_browser_is_opened_and_its_greased_encrypted_hello_is_told(
    case: str, protocol: str, alpn: str, version: str, ja4: str
) -> None:
    trace = of(case)
    told = handshake_value(next(iter(trace.handshakes())))
    assert (told["alpn"], told["version"], told["decrypted"], told["ech"]) == (alpn, version, True, True)
    assert told["ja4"].startswith(ja4)
    first = next(e for e in trace.exchanges() if e.tls)
    assert (first.protocol, first.response and first.response.status) == (protocol, 403)
    assert first.request is not None
    assert first.request.headers[-1][0] == b"priority"


def test_two_requests_of_curl_share_one_connection_of_http_2() -> None:
    trace = of("nginx-curl-h2")
    assert only(trace).decrypted
    asked = [(e.stream, e.request and e.request.target, e.response and e.response.status) for e in trace.exchanges()]
    assert asked == [(1, "/", 200), (3, "/private/curl.html", 403)]


def test_a_call_of_grpc_tells_its_status_on_both_sides_of_nginx() -> None:
    trace = of("grpc-permission-denied")
    values = [exchange_value(trace, e, 1 << 20) for e in trace.exchanges()]
    told = [(v["server"], v["request"]["target"], v["response"]["status"], v["grpc_status"]) for v in values]
    good = {"code": 0, "name": "OK", "message": ""}
    refused = {"code": 7, "name": "PERMISSION_DENIED", "message": "the order belongs to somebody else"}
    assert told == [
        ("127.0.4.1:443", "/shop.Orders/Look", 200, good),
        ("127.0.5.5:80", "/shop.Orders/Look", 200, good),
        ("127.0.4.1:443", "/shop.Orders/Cancel", 200, refused),
        ("127.0.5.5:80", "/shop.Orders/Cancel", 200, refused),
    ]
    assert [[e["size"] for e in v["events"]] for v in values] == [[2, 6], [2, 6], [2], [2]]
