"""Rules of the gRPC over HTTP/2 specification."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tracer.http.grpc import GrpcMessage, GrpcStatus, read_messages, read_status, web_trailers


def test_messages_are_cut_at_their_lengths() -> None:
    first, second = read_messages(b"\0\0\0\0\3abc\1\0\0\0\2zz")
    assert (first.data, first.compressed, first.complete) == (b"abc", False, True)
    assert (second.data, second.compressed, second.complete) == (b"zz", True, True)


def test_a_message_longer_than_the_body_is_not_complete() -> None:
    (message,) = read_messages(b"\0\0\0\0\x09abc")
    assert (message.data, message.size, message.complete) == (b"abc", 9, False)


def test_the_status_comes_from_the_trailers_with_its_message_decoded() -> None:
    trailers = ((b"grpc-status", b"7"), (b"grpc-message", b"not%20allowed%3A %E2%9C%97"))
    assert read_status((), trailers) == GrpcStatus(7, "PERMISSION_DENIED", "not allowed: ✗")


def test_a_response_of_trailers_only_has_its_status_in_the_headers() -> None:
    assert read_status(((b"grpc-status", b"16"),)) == GrpcStatus(16, "UNAUTHENTICATED", "")


def test_a_status_without_a_name_keeps_its_number() -> None:
    assert read_status((), ((b"grpc-status", b"99"),)) == GrpcStatus(99, "CODE_99", "")


def test_a_status_that_is_no_number_is_none() -> None:
    assert read_status((), ((b"grpc-status", b"denied"),)) is None


def test_trailers_of_grpc_web_are_read_from_their_frame() -> None:
    text = b"grpc-status:5\r\ngrpc-message: gone\r\n"
    (message,) = read_messages(b"\x80" + len(text).to_bytes(4) + text)
    assert read_status((), web_trailers(message)) == GrpcStatus(5, "NOT_FOUND", "gone")
    assert web_trailers(GrpcMessage(0, text, len(text))) == ()


@given(st.binary())
def test_any_bytes_are_accounted_for(body: bytes) -> None:
    messages = read_messages(body)
    used = sum(5 + len(m.data) for m in messages)
    assert used <= len(body)
    assert len(body) - used < 5
