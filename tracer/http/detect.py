"""Which protocol these bytes are: the table of conversations, asked again for what runs inside tunnels."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, cast

from tracer.model.http import Exchange
from tracer.transport.conversation import Context, Conversation
from tracer.transport.stream import Stream

from .h1_head import read_request_line

REQUEST = re.compile(rb"[A-Z][A-Z_-]{1,20} [^\s]")
RESPONSE = re.compile(rb"HTTP/\d(\.\d)? \d\d\d")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TABLE = {
    "tls": "tracer.tls.conversation:TlsConversation",
    "h2": "tracer.http.h2:H2Conversation",
    "http": "tracer.http.h1:H1Conversation",
    "websocket": "tracer.http.websocket:WebSocketConversation",
    "quic": "tracer.quic.conversation:QuicConversation",
}
ENOUGH = 24


def speaks_first(head: bytes) -> bool | None:
    """True for a client's first bytes, False for a server's, None when they do not tell."""
    if RESPONSE.match(head):
        return False
    if is_tls(head) and len(head) > 5:
        return True if head[5] == 1 else False if head[5] == 2 else None
    if REQUEST.match(head) or head.startswith(PREFACE[:16]):
        return True
    return None


def asks_http(head: bytes) -> bool:
    """The line is a request line of HTTP, as far as it is there: `USER x` of FTP and `OPTIONS … RTSP/1.0` are none."""
    line, whole, _ = head.partition(b"\n")
    return not whole or read_request_line(line.rstrip(b"\r")) is not None


def is_tls(head: bytes) -> bool:
    """A TLS record header: type, version 3.x, a length that is possible."""
    return len(head) >= 5 and 20 <= head[0] <= 24 and head[1] == 3 and head[2] <= 4 and head[3] <= 0x48


def load(name: str) -> Any:
    """The conversation class of that name; None when it is not part of this installation."""
    module, _, symbol = TABLE[name].partition(":")
    try:
        return getattr(import_module(module), symbol)
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith("tracer."):
            return None
        raise


class Opaque:
    """A protocol nobody here reads: its bytes are let go. A ClientHello at the start of a segment ends that: STARTTLS
    and its like (RFC 3207, RFC 4217) turn any protocol into TLS."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None:
        self.context, self.client, self.server = context, client, server
        self.inner: Conversation | None = None
        self.protocol: str | None = None

    def advance(self) -> None:
        if self.inner is None and self._find_hello():
            self._skip_to(self.server, self.client.mark(self.client.pos).packet)
            tls = load("tls")
            self.inner = cast(Conversation, tls(self.context, self.client, self.server)) if tls else None
            self.protocol = "tls" if tls else None
        if self.inner is not None:
            self.inner.advance()
            return
        for stream in (self.client, self.server):
            stream.jump(max(stream.pos, stream.end))
            stream.release()

    def _find_hello(self) -> bool:
        """Go from segment to segment of the client to one that begins with a ClientHello."""
        stream: Stream = self.client
        while stream.pos < stream.end:
            head = stream.peek(6)
            if len(head) == 6 and is_tls(head) and head[0] == 22 and head[5] == 1:
                return True
            following = stream.next_segment()
            if following is None:
                return False
            stream.jump(following)
        return False

    @staticmethod
    def _skip_to(stream: Stream, packet: int) -> None:
        """To the first segment that came after a packet."""
        while stream.pos < stream.end and stream.mark(stream.pos).packet < packet:
            following = stream.next_segment()
            stream.jump(stream.end if following is None else following)


class Detecting:
    """Waits for enough bytes to tell, peels what stands in front (PROXY, SOCKS), then lets the protocol's own
    conversation read."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None:
        self.context, self.client, self.server = context, client, server
        self.inner: Conversation | None = None
        self.layers: list[str] = []

    def advance(self) -> None:
        if self.inner is None:
            self.inner = self._choose()
        if self.inner is not None:
            self.inner.advance()

    @property
    def protocol(self) -> str | None:
        """What was found, outermost first."""
        below = getattr(self.inner, "protocol", None)
        return "/".join([*self.layers[:-1], below] if below else self.layers) or None

    def _choose(self) -> Conversation | None:
        from . import tunnel

        closed = self.client.closed and self.server.closed
        head = self.client.peek(256)
        if head and (peeled := tunnel.peel(self.context, self.client, self.server)):
            if peeled is tunnel.WAIT and not closed:
                return None
            if isinstance(peeled, tunnel.Peeled):
                self.context = peeled.context
                self.layers.append(peeled.name)
                head = self.client.peek(256)
        back = self.server.peek(64)
        if not closed and len(head) < ENOUGH and not (head or back):
            return None
        name = self._name(head, back)
        if (
            name is None
            and not closed
            and (head or back)
            and len(head) < ENOUGH
            and len(back) < ENOUGH
            and self._may_become(head, back)
        ):
            return None
        cls = load(name) if name else None
        self.layers.append(name if name and name != "http" else "http/1" if name else "unknown")
        made = (cls or Opaque)(self.context, self.client, self.server)
        return cast(Conversation, made)

    @staticmethod
    def _may_become(head: bytes, back: bytes) -> bool:
        """So few bytes that a protocol could still begin with them."""
        return len(head) < 6 and len(back) < 12

    @staticmethod
    def _name(head: bytes, back: bytes) -> str | None:
        if (
            is_tls(head)
            or is_tls(back)
            or (
                len(head) > 4
                and head[0] & 0x80
                and head[2:5] in (b"\x01\x03\x00", b"\x01\x03\x01", b"\x01\x00\x02", b"\x01\x03\x03", b"\x01\x03\x02")
            )
        ):
            return "tls"
        if RESPONSE.match(back):
            return "http"
        if head.startswith(PREFACE[:16]):
            return "h2"
        if looks_like_h2(head) or (not head and looks_like_h2(back)):
            return "h2"
        return "http" if REQUEST.match(head) and asks_http(head) else None


def looks_like_h2(head: bytes) -> bool:
    """The first frame of a side that is joined at its beginning: SETTINGS on stream 0 (RFC 9113 section 3.4)."""
    return (
        len(head) >= 9
        and head[3] == 4
        and head[4] in (0, 1)
        and head[5:9] == b"\0\0\0\0"
        and int.from_bytes(head[:3]) % 6 == 0
        and head[0] == 0
    )


def conversation(context: Context, client: Stream, server: Stream) -> Conversation:
    """The conversation for these streams, chosen by what they hold."""
    return cast(Conversation, Detecting(context, client, server))


def upgraded(
    protocol: str, context: Context, client: Stream, server: Stream, exchange: Exchange
) -> Conversation | None:
    """The conversation after `101 Switching Protocols`; None for a protocol nobody here reads."""
    if protocol == "websocket" and (cls := load("websocket")):
        return cast(Conversation, cls(context, client, server, exchange))
    if protocol == "h2c" and (cls := load("h2")):
        return cast(Conversation, cls(context, client, server, exchange))
    return None
