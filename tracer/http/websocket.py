"""WebSocket frames in both directions (RFC 6455, permessage-deflate by RFC 7692), as events of their upgrade exchange.

A gap inside a frame costs that message; after a gap between frames the reader goes on at the next segment that
begins like a frame. Problem codes: `ws.frame`, `ws.gap`, `ws.inflate`, `ws.cut`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tracer.model.http import Event, Exchange
from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
KINDS = {TEXT: "text", BINARY: "binary", CLOSE: "close", PING: "ping", PONG: "pong"}
NO_STATUS = 1005
"""a close frame without a code (RFC 6455 section 7.4.1)"""
MOST_EVENTS = 10_000
"""events kept of one direction"""
KEPT_EACH = 1 << 20
"""bytes kept of one message"""
KEPT = 8 << 20
"""bytes kept of one direction"""
INFLATED = 64 << 20
"""bytes one message may inflate to"""
PIECE = 1 << 16
LONGEST_HEADER = 14


class Header(NamedTuple):
    final: bool
    compressed: bool
    opcode: int
    key: bytes
    """masking key, or empty"""
    length: int
    size: int
    """bytes of the header itself"""


def read_header(head: bytes) -> Header | None:
    """The frame header at the front (RFC 6455 section 5.2); None when it is not there whole."""
    if len(head) < 2:
        return None
    length, at = head[1] & 0x7F, 2
    if length >= 126:
        at = 4 if length == 126 else 10
        length = int.from_bytes(head[2:at])
    size = at + (4 if head[1] & 0x80 else 0)
    if len(head) < size:
        return None
    return Header(bool(head[0] & 0x80), bool(head[0] & 0x40), head[0] & 15, head[at:size], length, size)


def unmask(data: bytes, key: bytes, at: int = 0) -> bytes:
    """Payload bytes in the clear; `at` is their place in the payload (RFC 6455 section 5.3)."""
    if not key or not data:
        return data
    turned = key[at % 4 :] + key[: at % 4]
    pad = (turned * (len(data) // 4 + 1))[: len(data)]
    return (int.from_bytes(data) ^ int.from_bytes(pad)).to_bytes(len(data))


class Extension(NamedTuple):
    """permessage-deflate as the server accepted it."""

    client_resets: bool
    server_resets: bool


def deflate_of(exchange: Exchange) -> Extension | None:
    """What `Sec-WebSocket-Extensions` of the response says (RFC 7692 section 7)."""
    fields = exchange.response.get_all("sec-websocket-extensions") if exchange.response else []
    for offer in ",".join(fields).split(","):
        name, *parameters = (part.strip().lower() for part in offer.split(";"))
        if name == "permessage-deflate":
            return Extension("client_no_context_takeover" in parameters, "server_no_context_takeover" in parameters)
    return None


class Message:
    """A message on its way."""

    def __init__(self, opcode: int, mark: Mark, packed: bool, room: int) -> None:
        self.opcode = opcode
        self.mark = mark
        self.packed = packed
        self.room = room
        """bytes that may be kept"""
        self.parts: list[bytes] = []
        self.size = 0
        self.whole = True

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.room > 0:
            self.parts.append(data[: self.room])
            self.room -= len(self.parts[-1])


class Side:
    """One direction."""

    def __init__(self, stream: Stream, client: bool, packed: bool, resets: bool, source: str) -> None:
        self.stream = stream
        self.client = client
        self.packed = packed
        self.resets = resets
        self.source = source
        self.inflater = zlib.decompressobj(-15) if packed else None
        """None as well once its window is lost"""
        self.header: Header | None = None
        self.done = 0
        """payload bytes of the frame that were read"""
        self.message: Message | None = None
        self.control: Message | None = None
        self.events: list[Event] = []
        self.kept = 0
        self.broken = False
        self.problems: dict[str, Problem] = {}

    def note(self, code: str, text: str, mark: Mark, reference: str, severity: Severity = Severity.WARN) -> None:
        """A problem, once of each code."""
        who = "client" if self.client else "server"
        problem = Problem(
            code=code, severity=severity, text=f"{who}: {text}", source=self.source, packet=mark.packet,
            reference=reference,
        )  # fmt: skip
        self.problems.setdefault(code, problem)

    # -- frames

    def advance(self) -> None:
        while not self.broken and self._step():
            pass
        if self.broken:
            self.stream.jump(max(self.stream.pos, self.stream.end))
        self.stream.release()

    def _step(self) -> bool:
        """Read a header or a piece of payload; False when more must arrive."""
        if self.header is None:
            return self._begin()
        left = self.header.length - self.done
        if left and (gap := self.stream.at_gap):
            self._miss(min(gap, left))
        elif left and (here := min(left, self.stream.available, PIECE)):
            at, self.done = self.done, self.done + here
            self._payload(unmask(self.stream.take(here), self.header.key, at))
        elif left:
            return False
        if self.done == self.header.length:
            self._end()
        return True

    def _begin(self) -> bool:
        stream = self.stream
        if stream.at_gap:
            self._resynchronise()
            return True
        mark = stream.mark(stream.pos)
        header = read_header(stream.peek(LONGEST_HEADER))
        if header is None:
            if stream.pos + stream.available >= stream.end:
                return False
            self._resynchronise()
            return True
        if not self._is_valid(header):
            self.note("ws.frame", "bytes that are no frame: the rest is not read", mark, "RFC 6455 section 5.2")
            self.broken = True
            return False
        stream.skip(header.size)
        self.header, self.done = header, 0
        self._open(header, mark)
        return True

    def _is_valid(self, header: Header) -> bool:
        control = header.opcode >= CLOSE
        if header.opcode not in KINDS and header.opcode != CONTINUATION:
            return False
        return header.length < 1 << 63 and not (control and (header.length > 125 or not header.final))

    def _resynchronise(self) -> None:
        """To the next segment that begins like a frame; what was open is given up."""
        stream = self.stream
        self.note("ws.gap", "bytes between frames were not captured", stream.mark(stream.pos), "", Severity.NOTE)
        if self.message is not None:
            self.message.whole = False
            self._report(self.message)
            self.message = None
        self._lose_window()
        while (following := stream.next_segment()) is not None:
            stream.jump(following)
            head = stream.peek(LONGEST_HEADER)
            header = read_header(head)
            plain = head and not head[0] & 0x30 and (self.packed or not head[0] & 0x40)
            if header and plain and self._is_valid(header) and bool(header.key) == self.client:
                return
        stream.jump(max(stream.pos, stream.end))

    # -- messages

    def _open(self, header: Header, mark: Mark) -> None:
        room = max(0, min(KEPT_EACH, KEPT - self.kept))
        if header.opcode >= CLOSE:
            self.control = Message(header.opcode, mark, False, room)
            return
        self.control = None
        if self.message is None or header.opcode != CONTINUATION:
            if self.message is not None:
                self.message.whole = False
                self._report(self.message)
            kind = header.opcode or BINARY
            self.message = Message(kind, mark, self.packed and header.compressed, room)
            # the start of a message that goes on from before the capture or a gap
            self.message.whole = header.opcode != CONTINUATION

    def _payload(self, data: bytes) -> None:
        message = self.control or self.message
        assert message is not None
        if not message.packed:
            message.add(data)
            return
        for piece in self._inflate(message, data):
            message.add(piece)

    def _inflate(self, message: Message, data: bytes) -> Iterator[bytes]:
        while data and message.whole:
            if self.inflater is None:
                message.whole = False
                self.note("ws.inflate", "compressed messages after a loss: not readable", message.mark, "RFC 7692")
                return
            try:
                yield self.inflater.decompress(data, PIECE)
            except zlib.error:
                message.whole = False
                self.inflater = None
                self.note("ws.inflate", "a compressed message that cannot be read", message.mark, "RFC 7692")
                return
            if message.size > INFLATED:
                message.whole = False
                self.inflater = None
                self.note("ws.inflate", f"a message that inflates beyond {INFLATED} bytes", message.mark, "RFC 7692")
            data = self.inflater.unconsumed_tail if self.inflater else b""

    def _miss(self, gap: int) -> None:
        """Payload bytes that were not captured."""
        message = self.control or self.message
        assert message is not None
        self.note("ws.gap", "part of a frame was not captured", message.mark, "", Severity.NOTE)
        self.stream.skip(gap)
        self.done += gap
        message.whole = False
        if message.packed:
            self._lose_window()
        else:
            message.size += gap

    def _lose_window(self) -> None:
        self.inflater = None

    def _end(self) -> None:
        """The frame is over, and perhaps its message."""
        header, self.header = self.header, None
        assert header is not None
        if self.control is not None:
            message, self.control = self.control, None
            self._report(message)
        elif header.final and self.message is not None:
            message, self.message = self.message, None
            if message.packed:
                # each message is cut of the four bytes that end a deflate flush (RFC 7692 section 7.2.2)
                for piece in self._inflate(message, b"\0\0\xff\xff"):
                    message.add(piece)
                if self.resets:
                    self.inflater = zlib.decompressobj(-15)
            self._report(message)

    def _report(self, message: Message) -> None:
        data = b"".join(message.parts)
        self.kept += len(data)
        if len(self.events) >= MOST_EVENTS:
            self.note("ws.cut", f"more than {MOST_EVENTS} messages: the others are left out", message.mark, "")
            return
        if message.whole and len(data) < message.size:
            self.note("ws.cut", "messages are kept only in part", message.mark, "")
        code = None
        if message.opcode == CLOSE:
            code, data = (int.from_bytes(data[:2]), data[2:]) if len(data) >= 2 else (NO_STATUS, b"")
        self.events.append(
            Event(
                kind=KINDS[message.opcode],
                client=self.client,
                time_ns=message.mark.time_ns,
                packet=message.mark.packet,
                data=data,
                size=message.size,
                code=code,
            )
        )

    def finish(self) -> None:
        """No more bytes come."""
        message = self.message or self.control
        if message is not None:
            message.whole = False
            self._report(message)
            self.message = self.control = None


class WebSocketConversation:
    """Reads what follows an upgrade; reports the upgrade exchange, with its events, at the end."""

    protocol = "websocket"

    def __init__(self, context: Context, client: Stream, server: Stream, upgrade: Exchange) -> None:
        self.context = context
        self.upgrade = upgrade
        packed = deflate_of(upgrade)
        self.client = Side(client, True, packed is not None, bool(packed and packed.client_resets), context.source)
        self.server = Side(server, False, packed is not None, bool(packed and packed.server_resets), context.source)
        self.done = False

    def advance(self) -> None:
        sides = (self.client, self.server)
        for side in sides:
            side.advance()
        if self.done or not all(side.stream.closed for side in sides):
            return
        self.done = True
        for side in sides:
            side.finish()
        events = sorted(self.client.events + self.server.events, key=lambda event: event.packet or 0)
        problems = (*self.upgrade.problems, *self.client.problems.values(), *self.server.problems.values())
        self.context.sink.exchange(msgspec.structs.replace(self.upgrade, events=tuple(events), problems=problems))
