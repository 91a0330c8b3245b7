"""gRPC inside HTTP/2: length-prefixed messages and the status that trailers carry.

Sources: gRPC over HTTP2 (grpc/doc/PROTOCOL-HTTP2.md), gRPC-Web (grpc/doc/PROTOCOL-WEB.md), status codes
(grpc/doc/statuscodes.md).
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote

from tracer.model.http import Headers

CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
MOST_MESSAGES = 100_000


class GrpcMessage(NamedTuple):
    flags: int
    """bit 0: compressed; bit 7: trailers of gRPC-Web"""
    data: bytes
    """as sent, shorter than `size` where the body ends"""
    size: int

    @property
    def compressed(self) -> bool:
        return bool(self.flags & 1)

    @property
    def complete(self) -> bool:
        return len(self.data) == self.size


class GrpcStatus(NamedTuple):
    code: int
    name: str
    """`PERMISSION_DENIED`; `CODE_99` for one the specification does not name"""
    message: str


def read_messages(body: bytes, most: int = MOST_MESSAGES) -> tuple[GrpcMessage, ...]:
    """The messages of one direction, at most `most`; the last may be cut. A prefix that is not whole is left out."""
    found: list[GrpcMessage] = []
    at = 0
    while at + 5 <= len(body) and len(found) < most:
        size = int.from_bytes(body[at + 1 : at + 5])
        found.append(GrpcMessage(body[at], body[at + 5 : at + 5 + size], size))
        at += 5 + size
    return tuple(found)


def read_status(headers: Headers, trailers: Headers = ()) -> GrpcStatus | None:
    """`grpc-status` and `grpc-message` of the trailers, or of the headers of a response that has nothing else
    (Trailers-Only); None when there is no status that is a number."""
    for fields in (trailers, headers):
        lower = {name.lower(): value for name, value in reversed(fields)}
        code = lower.get(b"grpc-status", b"").strip()
        if code.isdigit() and len(code) < 10:
            number = int(code)
            name = CODES[number] if number < len(CODES) else f"CODE_{number}"
            return GrpcStatus(number, name, unquote(lower.get(b"grpc-message", b"").decode("latin-1")))
    return None


def web_trailers(message: GrpcMessage) -> Headers:
    """The fields of a trailers frame of gRPC-Web; () for any other message."""
    if not message.flags & 0x80:
        return ()
    lines = (line.partition(b":") for line in message.data.split(b"\r\n") if line)
    return tuple((name.strip().lower(), value.strip()) for name, _, value in lines)
