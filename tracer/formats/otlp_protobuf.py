"""The protobuf encoding of the few OTLP messages we write, by field number of the published .proto files.

Wire format: https://protobuf.dev/programming-guides/encoding/. Only what is set is written.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from .otlp_spans import Event, Span

_VARINT, _FIXED64, _BYTES = 0, 1, 2


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _bytes(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode("utf-8", "replace")) if value else b""


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value) if value else b""


def _fixed64(number: int, value: int) -> bytes:
    return _varint(number << 3 | _FIXED64) + struct.pack("<Q", max(value, 0)) if value else b""


def traces_data(spans: Iterable[Span], resource: dict[str, object], scope: str, version: str) -> bytes:
    """TracesData with one ResourceSpans of one ScopeSpans."""
    inner = _bytes(1, _text(1, scope) + _text(2, version))
    inner += b"".join(_bytes(2, _span(s)) for s in spans)
    whole = _bytes(1, _attributes(1, resource)) + _bytes(2, inner)
    return _bytes(1, whole)


def _span(span: Span) -> bytes:
    return b"".join(
        (
            _bytes(1, span.trace_id),
            _bytes(2, span.span_id),
            _bytes(4, span.parent_id) if span.parent_id else b"",
            _text(5, span.name),
            _integer(6, span.kind),
            _fixed64(7, span.start_ns),
            _fixed64(8, max(span.end_ns, span.start_ns)),
            _attributes(9, span.attributes),
            b"".join(_bytes(11, _event(e)) for e in span.events),
            _bytes(15, _text(2, span.message) + _integer(3, span.status)),
        )
    )


def _event(event: Event) -> bytes:
    return _fixed64(1, event.time_ns) + _text(2, event.name) + _attributes(3, event.attributes)


def _attributes(number: int, attributes: dict[str, object]) -> bytes:
    return b"".join(_bytes(number, _text(1, key) + _bytes(2, _value(value))) for key, value in attributes.items())


def _value(value: object) -> bytes:
    """AnyValue: a oneof, so a zero or an empty text is written too."""
    if isinstance(value, bool):
        return _varint(2 << 3) + _varint(int(value))
    if isinstance(value, int):
        return _varint(3 << 3) + _varint(value)
    if isinstance(value, float):
        return _varint(4 << 3 | _FIXED64) + struct.pack("<d", value)
    if isinstance(value, (list, tuple)):
        return _bytes(5, b"".join(_bytes(1, _value(v)) for v in value))
    return _bytes(1, str(value).encode("utf-8", "replace"))
