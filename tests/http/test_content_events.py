"""Server-sent events and gRPC messages as events of their exchange."""

from __future__ import annotations

from tracer.http.content_events import KEPT, MOST, content_events, grpc_status, has_events
from tracer.model.http import Exchange, Request, Response


def exchange(kind: bytes, asked: bytes = b"", **response: object) -> Exchange:
    return Exchange(
        id="e1",
        source="s",
        protocol="HTTP/2",
        request=Request(method="POST", target="/", url="https://h/", headers=((b"content-type", asked),)),
        response=Response(status=200, headers=((b"Content-Type", kind),), **response),  # type: ignore[arg-type]
    )


def message(data: bytes, flags: int = 0) -> bytes:
    return bytes([flags]) + len(data).to_bytes(4) + data


def test_events_of_a_stream_come_in_order() -> None:
    e = exchange(b"text/event-stream; charset=utf-8")
    found = content_events(e, b"", b"data: one\n\nevent: x\ndata: two\ndata: lines\n\n")
    assert [(v.kind, v.client, v.data) for v in found] == [("sse", False, b"one"), ("sse", False, b"two\nlines")]


def test_messages_of_a_call_are_told_with_flags_and_sizes() -> None:
    e = exchange(
        b"application/grpc",
        b"application/grpc+proto",
        trailers=((b"grpc-status", b"7"), (b"grpc-message", b"no%20way")),
    )
    found = content_events(e, message(b"ask"), message(b"zip", 1) + message(b"x" * 5000))
    assert [(v.kind, v.client, v.size, v.code) for v in found] == [
        ("grpc", True, 3, 0),
        ("grpc", False, 3, 1),
        ("grpc", False, 5000, 0),
    ]
    assert len(found[2].data) == KEPT
    status = grpc_status(e)
    assert status is not None
    assert (status.code, status.name, status.message) == (7, "PERMISSION_DENIED", "no way")


def test_other_types_have_no_events_and_no_status() -> None:
    for kind in (b"application/json", b"text/plain", b"application/grpc-web-text", b""):
        e = exchange(kind, trailers=((b"grpc-status", b"7"),))
        assert not has_events(e)
        assert content_events(e, b"x" * 50, b"data: x\n\n") == ()
        assert grpc_status(e) is None


def test_there_are_no_more_than_a_bound() -> None:
    found = content_events(exchange(b"text/event-stream"), b"", b"data: x\n\n" * (MOST + 5))
    assert len(found) == MOST


def test_a_call_over_grpc_web_ends_as_its_trailers_frame_says() -> None:
    e = exchange(b"application/grpc-web+proto", b"application/grpc-web+proto")
    trailers = message(b"grpc-status: 7\r\ngrpc-message: no%20way\r\n", 0x80)
    found = content_events(e, message(b"ask"), message(b"part") + trailers)
    assert grpc_status(e, found) == (7, "PERMISSION_DENIED", "no way")
    assert grpc_status(e, found[:-1]) is None
