"""Which protocol these bytes are: the table of conversations, asked again for what runs inside tunnels."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, cast

from tracer.model.http import Exchange
from tracer.transport.conversation import Context, Conversation
from tracer.transport.stream import Stream

REQUEST = re.compile(rb"[A-Z][A-Z_-]{1,20} [^\s]")
RESPONSE = re.compile(rb"HTTP/\d(\.\d)? \d\d\d")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
TABLE = {
    "tls": "tracer.tls.conversation:TlsConversation",
    "h2": "tracer.http.h2:H2Conversation",
    "http": "tracer.http.h1:H1Conversation",
    "websocket": "tracer.http.websocket:WebSocketConversation",
    "quic": "tracer.http.quic:QuicConversation",
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
    """A protocol nobody here reads: its bytes are let go, until TLS begins inside it (STARTTLS, RFC 2595)."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None:
        self.context, self.client, self.server = context, client, server
        self.inner: Conversation | None = None

    @property
    def protocol(self) -> str | None:
        return getattr(self.inner, "protocol", None)

    def advance(self) -> None:
        while self.inner is None and not self.client.at_end:
            head = self.client.peek(6)
            if is_tls(head) and head[0] == 22 and head[5:6] == b"\x01" and (cls := load("tls")):
                self.inner = cast(Conversation, cls(self.context, self.client, self.server))
            else:
                following = self.client.next_segment()
                self.client.jump(following if following is not None else self.client.end)
        if self.inner is not None:
            self.inner.advance()
            return
        if len(self.server.peek(4096)) >= 4096:
            self.server.jump(self.server.end)
        self.client.release()
        self.server.release()


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
        return "http" if REQUEST.match(head) else None


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
