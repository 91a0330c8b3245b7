"""Exchanges -> OpenTelemetry traces, as OTLP/JSON (one TracesData document) or in protobuf.

One trace per chain (redirects, log-ins) or per exchange; a `traceparent` that the request carried names the trace,
so that it joins the spans of the servers. Spans: the chain, its connections and handshakes, each exchange (CLIENT),
and under a denied one the hops of its verdict. Names follow the HTTP, network and TLS semantic conventions
(https://opentelemetry.io/docs/specs/semconv/http/http-spans/); what they lack is under `tracer.`.
Format: https://opentelemetry.io/docs/specs/otlp/ and the published trace.proto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from . import otlp_protobuf
from .otlp_spans import Span, spans_of
from .writing import Options, Readable, to_json

SCOPE = "tracer"
_BATCH = 200
"""spans in one message"""


def write(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write OTLP/JSON: ids in hex, 64-bit numbers as text."""
    resource = {"attributes": [_attribute(k, v) for k, v in _resource(options).items()]}
    scope = {"name": SCOPE, "version": options.version}
    head = to_json({"resource": resource})[:-1]
    out.write(b'{"resourceSpans":[' + head + b',"scopeSpans":[{"scope":' + to_json(scope) + b',"spans":[')
    for index, span in enumerate(spans_of(trace, options)):
        out.write((b",\n" if index else b"\n") + to_json(_json(span)))
    out.write(b"\n]}]}]}\n")


def write_protobuf(trace: Readable, out: BinaryIO, options: Options) -> None:
    """Write TracesData in protobuf; repeated fields may be appended, so spans go out in small groups."""
    for _, message in batches(trace, options):
        out.write(message)


def batches(trace: Readable, options: Options) -> Iterator[tuple[int, bytes]]:
    """Numbers of spans, and each time a TracesData message of them (ExportTraceServiceRequest has the same form)."""
    for group in _groups(spans_of(trace, options), _BATCH):
        yield len(group), otlp_protobuf.traces_data(group, _resource(options), SCOPE, options.version)


def _groups(spans: Iterator[Span], size: int) -> Iterator[list[Span]]:
    group: list[Span] = []
    for span in spans:
        group.append(span)
        if len(group) >= size:
            yield group
            group = []
    if group:
        yield group


def _resource(options: Options) -> dict[str, object]:
    return {"service.name": "tracer", "telemetry.sdk.name": "tracer", "service.version": options.version or "0"}


def _json(span: Span) -> dict[str, Any]:
    made: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_ns),
        "endTimeUnixNano": str(max(span.end_ns, span.start_ns)),
        "attributes": [_attribute(k, v) for k, v in span.attributes.items()],
        "status": {"code": span.status, "message": span.message} if span.message else {"code": span.status},
    }
    if span.events:
        made["events"] = [
            {
                "timeUnixNano": str(e.time_ns),
                "name": e.name,
                "attributes": [_attribute(k, v) for k, v in e.attributes.items()],
            }
            for e in span.events
        ]
    return made


def _attribute(key: str, value: object) -> dict[str, Any]:
    return {"key": key, "value": _value(value)}


def _value(value: object) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_value(v) for v in value]}}
    return {"stringValue": str(value)}
