"""HTTP as it was seen: messages, bodies, exchanges."""

from __future__ import annotations

import msgspec

from .problem import Problem

Headers = tuple[tuple[bytes, bytes], ...]
"""name and value as received, in order; obsolete folds unfolded, surrounding white space removed"""

SANITIZED = "har.sanitized"
"""in `Exchange.extra`: what recorded it leaves credentials out, so that none being there tells nothing"""


def text(value: bytes) -> str:
    """The bytes as text: UTF-8 where they are that, else ISO 8859-1 (RFC 9110 section 5.5). Not terminal-safe."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Content of one message: framing (chunks, DATA frames, records) removed, content codings not yet.

    The bytes lie in `data`, or in `spans` of the source's (decompressed) bytes, or in the store under `blob`;
    `Trace.content(body)` joins them. All three empty with `size > 0` means: seen, measured, not kept.
    """

    size: int = 0
    """bytes captured"""
    complete: bool = True
    """False when a gap, an early end or a bound took bytes away"""
    data: bytes | None = None
    spans: tuple[tuple[int, int], ...] = ()
    """(offset, length) in the source, in order"""
    blob: int | None = None
    codings: tuple[str, ...] = ()
    """content codings in the order they were applied, lower case: ("gzip",)"""
    lost: str | None = None
    """why the rest is not there, where more is known than that it is not: a bound, a fault in the coding"""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What requests and responses share."""

    version: str = "HTTP/1.1"
    headers: Headers = ()
    trailers: Headers = ()
    body: Body = Body()
    head: bytes = b""
    """start line and header section as on the wire, for HTTP/1 (empty for HTTP/2 and HTTP/3)"""
    packet: int | None = None
    """the packet in which it starts"""

    def get(self, name: str) -> str | None:
        """First value of a header field, any case, as text."""
        key = name.lower().encode()
        for n, v in self.headers:
            if len(n) == len(key) and n.lower() == key:
                return text(v)
        return None

    def get_all(self, name: str) -> list[str]:
        """Every value of a header field, any case, as text, in order."""
        key = name.lower().encode()
        return [text(v) for n, v in self.headers if len(n) == len(key) and n.lower() == key]


class Request(Message, frozen=True, kw_only=True):
    method: str
    target: str
    """request target as on the wire; for HTTP/2 and 3 `:path` (`:authority` for CONNECT)"""
    scheme: str | None = None
    authority: str | None = None
    """`:authority`, or the host of an absolute-form target; the Host field stays in `headers`"""
    url: str
    """absolute where host and scheme are known, else the target"""


class Response(Message, frozen=True, kw_only=True):
    status: int
    reason: str = ""


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds since the epoch, at the point of capture. First byte times are those of the packet that
    holds the first byte; end times those of the packet that completed the message."""

    start_ns: int | None = None
    request_end_ns: int | None = None
    response_start_ns: int | None = None
    end_ns: int | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One WebSocket message, server-sent event or gRPC message inside an exchange."""

    kind: str
    """`text`, `binary`, `ping`, `pong`, `close`, `sse`, `grpc`"""
    client: bool
    """sent by the client"""
    time_ns: int | None = None
    packet: int | None = None
    data: bytes = b""
    size: int = 0
    """length of the whole; `data` may be cut at a bound"""
    code: int | None = None
    """close code, or gRPC flags"""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request, its interim responses, its final response. Either half may be missing."""

    id: str
    """`e41`: the exchange that starts in packet (or entry) 41; `e41.2` the second one there;
    with several sources `s2.e41`"""
    source: str
    protocol: str
    """`HTTP/0.9`, `HTTP/1.0`, `HTTP/1.1`, `HTTP/2`, `HTTP/3`"""
    client: str | None = None
    server: str | None = None
    connection: str | None = None
    """id of the Connection"""
    tls: str | None = None
    """id of the Handshake that protects it"""
    stream: int | None = None
    """HTTP/2 stream or QUIC stream id"""
    request: Request | None = None
    interim: tuple[Response, ...] = ()
    response: Response | None = None
    timing: Timing = Timing()
    packets: tuple[int, ...] = ()
    """first packets of request head, request end, response head, response end; without repeats"""
    tunnel: str | None = None
    """id of the CONNECT (or upgrade) exchange it ran inside; `socks` or `proxy-protocol` stand in problems"""
    pushed: bool = False
    events: tuple[Event, ...] = ()
    aborted: str | None = None
    """why it ended early: `RST_STREAM CANCEL by client`, `TCP reset by server`, …"""
    comment: str = ""
    """what the source itself says of it: a HAR comment or `_error`, a curl error line"""
    extra: dict[str, str] = {}
    """facts only this kind of source knows, by dotted name: `har.server-ip`, `har.from-cache`, `h2c-upgrade`"""
    problems: tuple[Problem, ...] = ()
