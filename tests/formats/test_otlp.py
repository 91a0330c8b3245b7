"""OpenTelemetry: one trace per chain, read by the published classes, taken by a collector over HTTP."""

from __future__ import annotations

import base64
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import msgspec
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from tracer.formats import otlp, otlp_http
from tracer.formats.writing import Options
from tracer.model.tls import Alert


def spans_of(document: Any) -> list[dict[str, Any]]:
    return [s for r in document["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {a["key"]: next(iter(a["value"].values())) for a in attributes}


def test_otlp_has_one_trace_per_chain_with_the_conventions_names(denied_trace: Any, write_with: Any) -> None:
    spans = spans_of(json.loads(write_with(otlp, denied_trace)))
    chain = spans[0]
    assert chain["name"] == "chain of 3 requests"
    inside = [s for s in spans if s["traceId"] == chain["traceId"]]
    assert [s["name"] for s in inside] == [
        "chain of 3 requests", "tcp connection", "TLS handshake", "GET", "POST", "GET", "hop cdn", "hop waf",
        "hop origin",
    ]  # fmt: skip
    denied = next(s for s in inside if plain(s["attributes"]).get("http.response.status_code") == "403")
    facts = plain(denied["attributes"])
    assert facts["url.full"] == "https://shop.example/api?id=1+UNION"
    assert (facts["server.address"], facts["server.port"], facts["error.type"]) == ("shop.example", "443", "403")
    assert (facts["network.peer.address"], facts["network.peer.port"]) == ("203.0.113.9", "443")
    assert (facts["tracer.layer"], facts["tracer.confidence"]) == ("waf", 0.93)
    assert (denied["kind"], denied["status"]["code"]) == (3, 2)
    tls = plain(inside[2]["attributes"])
    assert (tls["tls.protocol.version"], tls["tls.client.server_name"]) == ("1.3", "shop.example")
    for span in spans:
        assert re.fullmatch("[0-9a-f]{32}", span["traceId"])
        assert re.fullmatch("[0-9a-f]{16}", span["spanId"])
        assert int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"])
    assert len({s["spanId"] for s in spans}) == len(spans)
    assert {s["parentSpanId"] for s in spans} - {""} <= {s["spanId"] for s in spans}


@pytest.mark.parametrize(("answered", "code"), [(True, 0), (False, 2)])
def test_an_alert_is_an_error_of_the_handshake_only_where_nothing_was_answered_on_it(
    denied_trace: Any, write_with: Any, answered: bool, code: int
) -> None:
    alert = Alert(client=False, level=2, code=50, name="decode_error")
    denied_trace.shaken = [msgspec.structs.replace(denied_trace.shaken[0], alerts=(alert,))]
    exchange = denied_trace.exchanged[0]
    denied_trace.exchanged = [exchange if answered else msgspec.structs.replace(exchange, response=None)]
    denied_trace.judged = []
    (tls,) = (s for s in spans_of(json.loads(write_with(otlp, denied_trace))) if s["name"] == "TLS handshake")
    assert tls.get("status", {}).get("code", 0) == code


def test_otlp_joins_the_trace_that_the_request_names(trace_of: Any, make_exchange: Any, write_with: Any) -> None:
    asked = ((b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),)
    (span,) = spans_of(json.loads(write_with(otlp, trace_of([make_exchange(asked=asked)]))))
    assert (span["traceId"], span["parentSpanId"]) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


def protobuf(trace: Any) -> bytes:
    out = io.BytesIO()
    otlp.write_protobuf(trace, out, Options(version="1.2.3"))
    return out.getvalue()


def test_the_published_classes_read_our_protobuf_and_write_it_the_same(denied_trace: Any) -> None:
    data = TracesData.FromString(protobuf(denied_trace))
    assert data.resource_spans[0].scope_spans[0].scope.name == "tracer"
    assert data.SerializeToString() == protobuf(denied_trace)


def test_json_and_protobuf_say_the_same_by_the_published_mapping(denied_trace: Any, write_with: Any) -> None:
    """OTLP/JSON is protobuf's JSON but for ids in hex and enums as numbers."""
    document = json.loads(write_with(otlp, denied_trace, version="1.2.3"))
    for span in spans_of(document):
        for name in ("traceId", "spanId", "parentSpanId"):
            span[name] = _base64(span[name])
    assert json_format.ParseDict(document, TracesData()) == TracesData.FromString(protobuf(denied_trace))


def _base64(digits: str) -> str:
    return base64.b64encode(bytes.fromhex(digits)).decode()


class Collector:
    """A receiver of OTLP over HTTP on loopback that answers what it is told to."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                collector.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                status, fields, data = collector.answers.pop(0) if collector.answers else (200, {}, b"")
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **fields}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.server.shutdown()
    made.server.server_close()


Send = Callable[..., otlp_http.Sent]


@pytest.fixture
def send(denied_trace: Any, collector: Collector) -> Send:
    def sender(**more: Any) -> otlp_http.Sent:
        return otlp_http.send(denied_trace, otlp_http.endpoint(collector.url), Options(version="1.2.3"), **more)

    return sender


def test_a_collector_gets_every_span_at_the_standard_path(denied_trace: Any, collector: Collector, send: Send) -> None:
    sent = send(headers=otlp_http.fields({"OTEL_EXPORTER_OTLP_HEADERS": "x-team=edge%20one, bad"}))
    ((path, fields, body),) = collector.requests
    assert (path, fields["content-type"], fields["x-team"]) == ("/v1/traces", "application/x-protobuf", "edge one")
    request = ExportTraceServiceRequest.FromString(gzip.decompress(body))
    spans = request.resource_spans[0].scope_spans[0].spans
    assert sent == otlp_http.Sent(spans=len(spans))
    assert request.SerializeToString() == protobuf(denied_trace)


def test_what_a_collector_rejects_is_told(collector: Collector, send: Send) -> None:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans = 2
    answer.partial_success.error_message = "too old\x1b[2J"
    collector.answers = [(200, {}, answer.SerializeToString())]
    sent = send()
    assert (sent.rejected, sent.message) == (2, "too old [2J")


def test_a_busy_collector_is_asked_again_after_the_time_it_names(collector: Collector, send: Send) -> None:
    collector.answers = [(503, {"Retry-After": "7"}, b""), (429, {}, b"")]
    waited: list[float] = []
    assert send(wait=waited.append).spans > 5
    assert waited == [7.0, 1.0]
    assert len({body for _, _, body in collector.requests}) == 1


@pytest.mark.parametrize(
    ("status", "fields"), [(401, {}), (400, {}), (307, {"Location": "http://127.0.0.1:9/"}), (404, {})]
)
def test_a_refusal_or_a_redirect_ends_it_with_a_sentence(
    collector: Collector, send: Send, status: int, fields: dict[str, str]
) -> None:
    collector.answers = [(status, fields, b"no\x1b]0;x\x07")]
    with pytest.raises(otlp_http.CollectorError, match=str(status)) as caught:
        send()
    assert str(caught.value).isprintable()
    assert len(collector.requests) == 1


@pytest.mark.parametrize("answer", [b"", b"\x0a", b"\xff" * 30, b"\x0a\x05\x08", b"\x09" + b"x" * 8])
def test_an_answer_that_is_no_message_is_a_success_all_the_same(
    collector: Collector, send: Send, answer: bytes
) -> None:
    collector.answers = [(200, {}, answer)]
    assert send().rejected == 0


@pytest.mark.parametrize("url", ["http://", "ftp://h/", "http://user:pw@h/", "http://h:99999/", "http://h/\r\nX: y"])
def test_what_is_no_collector_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        otlp_http.endpoint(url)
