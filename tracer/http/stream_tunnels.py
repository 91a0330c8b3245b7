"""What runs inside streams of HTTP/2 and HTTP/3: WebSocket and its like, or whatever a CONNECT leads to."""

from __future__ import annotations

from tracer.transport.conversation import Context, Conversation
from tracer.transport.stream import Mark, Stream

from . import detect
from .h2_stream import H2Stream


class Tunnels:
    """Those of one connection, by stream."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._open: dict[int, tuple[Conversation, Stream, Stream]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._open

    def consider(self, stream: H2Stream) -> None:
        """CONNECT and extended CONNECT (RFC 9113 section 8.5, RFC 8441, RFC 9220) once they are granted."""
        request = stream.request.headers or ()
        if stream.number in self or (b":method", b"CONNECT") not in request or stream.response.headers is None:
            return
        exchange = stream.build()
        if exchange.response is None or not 200 <= exchange.response.status < 300:
            return
        client, server = Stream(), Stream()
        protocol = next((v for n, v in request if n == b":protocol"), b"")
        conversation: Conversation | None
        if protocol:
            conversation = detect.upgraded(protocol.decode("latin-1"), self.context, client, server, exchange)
        else:
            self.context.sink.exchange(exchange)
            inner = self.context.inner(tunnel=exchange.id, scheme="http")
            conversation = detect.conversation(inner, client, server)
        if conversation is not None:
            self._open[stream.number] = conversation, client, server

    def feed(self, number: int, client: bool, data: bytes, mark: Mark, missing: int) -> None:
        """Bytes of one side, `missing` of them lost before these."""
        conversation, *streams = self._open[number]
        streams[0 if client else 1].push(data, mark, missing)
        conversation.advance()

    def end(self, number: int) -> bool:
        """No more bytes come; True when the stream's exchange was given already, or is by what ran inside."""
        found = self._open.pop(number, None)
        if found is None:
            return False
        conversation, client, server = found
        client.closed = server.closed = True
        conversation.advance()
        return isinstance(conversation, detect.Detecting) or getattr(conversation, "protocol", None) == "websocket"
