"""What the hooks of the proxy hand over, as values that become bytes in microseconds.

The names of the fields are mitmproxy's, so that `tracer.formats.mitm_flow` reads a recorded flow as it reads a saved
one. A record is its length (four bytes, big endian) and a MessagePack array that begins with its tag.
"""

from __future__ import annotations

from typing import Any

import msgspec

Address = tuple[str, int]
Fields = tuple[tuple[bytes, bytes], ...]


class Headers(msgspec.Struct, array_like=True, frozen=True, gc=False):
    fields: Fields = ()

    def get_all(self, name: str) -> list[str]:
        key = name.lower().encode()
        size = len(key)
        return [v.decode("latin-1") for n, v in self.fields if len(n) == size and n.lower() == key]

    def get(self, name: str) -> str | None:
        return next(iter(self.get_all(name)), None)

    def __bytes__(self) -> bytes:
        return b"".join(n + b": " + v + b"\r\n" for n, v in self.fields)


class _Message(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: bytes = b""
    headers: Headers = Headers()
    trailers: Headers | None = None
    raw_content: bytes | None = None
    """as sent, cut at the recorder's bound; None when it was streamed through"""
    size: int | None = None
    """length of the whole body, where only a part of it or nothing is kept"""
    timestamp_start: float | None = None
    timestamp_end: float | None = None

    @property
    def http_version(self) -> str:
        return _text(self.version)


class Request(_Message, frozen=True, gc=False):
    method_: bytes = b""
    scheme_: bytes = b""
    authority_: bytes = b""
    path_: bytes = b""
    host: str = ""
    port: int = 0

    @property
    def method(self) -> str:
        return _text(self.method_)

    @property
    def scheme(self) -> str:
        return _text(self.scheme_)

    @property
    def authority(self) -> str:
        return _text(self.authority_)

    @property
    def path(self) -> str:
        return _text(self.path_)

    @property
    def pretty_url(self) -> str:
        """The URL with the host that the client named rather than the address that was asked."""
        if not self.path_.startswith((b"/", b"*")) and b"://" in self.path_:
            return self.path
        usual = {"http": 80, "https": 443}.get(self.scheme)
        place = f"[{self.host}]" if ":" in self.host else self.host
        place += "" if self.port == usual else f":{self.port}"
        named = self.authority if _two(self.version) else self.headers.get("host")
        path = "" if self.path == "*" else self.path
        return f"{self.scheme}://{named or self.headers.get('host') or self.authority or place}{path}"


class Response(_Message, frozen=True, gc=False):
    status_code: int = 0
    reason_: bytes = b""

    @property
    def reason(self) -> str:
        return self.reason_.decode("latin-1")


class Error(msgspec.Struct, array_like=True, frozen=True, gc=False):
    msg: str = ""
    timestamp: float = 0.0


class Flow(msgspec.Struct, array_like=True, frozen=True, tag=1):
    """A finished exchange. `client` and `server` are the numbers of `Side` records written before it."""

    number: int
    id: str
    client: int
    server: int | None
    request: Request
    response: Response | None
    error: Error | None = None
    comment: str = ""
    marked: str = ""
    is_replay: str | None = None
    changed: bool = False
    """another addon or a person changed it in the proxy"""
    answered: bool = False
    """the proxy itself made the answer, for itself or for another addon"""
    tunnel: int | None = None
    """number of the CONNECT that it ran inside"""


class Alert(msgspec.Struct, array_like=True, frozen=True, gc=False):
    sent: bool
    """by the proxy"""
    level: int
    code: int


class Side(msgspec.Struct, array_like=True, frozen=True, tag=2):
    """One connection of the proxy, as known when it was written; a later record with its number replaces it."""

    number: int
    outer: bool
    """between the client and the proxy"""
    id: str = ""
    transport_protocol: str = "tcp"
    peername: Address | None = None
    sockname: Address | None = None
    address: Address | None = None
    via: tuple[str, Address] | None = None
    mode: str = ""
    error: str | None = None
    tls: bool = False
    sni: str | None = None
    alpn: bytes | None = None
    alpn_offers: tuple[bytes, ...] = ()
    cipher: str | None = None
    tls_version: str | None = None
    certificate_list: tuple[bytes, ...] = ()
    """DER, as the peer sent them"""
    mitmcert: bytes | None = None
    timestamp_start: float | None = None
    timestamp_tcp_setup: float | None = None
    timestamp_tls_setup: float | None = None
    timestamp_end: float | None = None
    hello: bytes | None = None
    """the ClientHello message of the client"""
    asked: bool | None = None
    """a certificate was asked of whoever is the client here"""
    cas: tuple[str, ...] = ()
    """names of the authorities that the asking listed"""
    sent: bool | None = None
    """and one was sent"""
    alerts: tuple[Alert, ...] = ()
    failed: bool = False
    """the handshake failed"""
    passed: bool = False
    """let through untouched, by a rule"""

    @property
    def full_spec(self) -> str:
        return self.mode

    @property
    def proxy_mode(self) -> Side:
        """mitmproxy keeps the mode in an object of its own."""
        return self


class Digest(msgspec.Struct, array_like=True, frozen=True, tag=7, gc=False):
    """SHA-256 of a body of the flow with this number, of which only a part is kept."""

    number: int
    of_request: bool
    sha256: str


class Listening(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One server of the proxy."""

    mode: str
    """as mitmproxy spells it: `regular`, `reverse:https://api.test`"""
    addresses: tuple[str, ...] = ()
    """none where the system hands connections over (local)"""
    client: str = ""
    """what a WireGuard client is configured with"""


class Ready(msgspec.Struct, array_like=True, frozen=True, tag=8, gc=False):
    """The servers of the proxy run."""

    servers: tuple[Listening, ...]


class Frame(msgspec.Struct, array_like=True, frozen=True, tag=3, gc=False):
    """One WebSocket message of the flow with this number."""

    number: int
    from_client: bool
    opcode: int
    content: bytes
    size: int
    timestamp: float


class Closed(msgspec.Struct, array_like=True, frozen=True, tag=4, gc=False):
    """The WebSocket of this flow was closed."""

    number: int
    close_code: int | None
    close_reason: str
    closed_by_client: bool
    timestamp: float


class Note(msgspec.Struct, array_like=True, frozen=True, tag=5, gc=False):
    """Something the reader of the trace has to know: detail that was left out, a fault in a hook."""

    code: str
    text: str
    warn: bool = True


class End(msgspec.Struct, array_like=True, frozen=True, tag=6, gc=False):
    """The proxy ended in order; nothing follows."""

    count: int
    lost: int = 0
    """of the exchanges, those that nobody took"""


Record = Flow | Side | Digest | Ready | Frame | Closed | Note | End


def bare(record: Flow) -> Flow:
    """The same without its bodies."""
    return msgspec.structs.replace(
        record, request=_bare(record.request), response=_bare(record.response) if record.response else None
    )


def _bare[M: (Request, Response)](message: M) -> M:
    if message.raw_content is None:
        return message
    size = message.size if message.size is not None else len(message.raw_content)
    return msgspec.structs.replace(message, raw_content=None, size=size)


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(Record)
LARGEST = 1 << 28


def to_bytes(record: Record) -> bytearray:
    """The record, framed."""
    buffer = bytearray(4)
    try:
        _encoder.encode_into(record, buffer, 4)
    except UnicodeEncodeError:  # mitmproxy's strings may hold surrogates
        _encoder.encode_into(_plain(record), buffer, 4)
    buffer[:4] = (len(buffer) - 4).to_bytes(4, "big")
    return buffer


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, tuple):
        return tuple(_plain(v) for v in value)
    if isinstance(value, msgspec.Struct):
        return type(value)(*(_plain(getattr(value, f)) for f in value.__struct_fields__))
    return value


def from_bytes(data: bytes | bytearray | memoryview) -> Record | None:
    """The record in a frame's payload; None when it is not one."""
    try:
        record: Record = _decoder.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return record


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _two(version: bytes) -> bool:
    return version.startswith((b"HTTP/2", b"HTTP/3"))
