"""HTTP/3 over the streams of a QUIC connection (RFC 9114), header fields by QPACK (RFC 9204)."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from tracer.model.problem import Severity
from tracer.quic.assembly import Assembly
from tracer.quic.packet import PacketError, read_varint
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Taken

from .field_lines import references
from .h2_stream import H2Stream
from .stream_tunnels import Tunnels

DATA, HEADERS, PUSH_PROMISE, GOAWAY = 0x00, 0x01, 0x05, 0x07
CONTROL, PUSH, ENCODER, DECODER = 0x00, 0x01, 0x02, 0x03
TABLE = 1 << 16
BLOCKED = 256
"""streams that may wait for the encoder stream at a time"""
LONGEST_BLOCK = 1 << 20
LONGEST_WAIT = 1 << 20
"""bytes of one stream that wait for the encoder stream"""
LARGEST_LIST = 16 << 20
"""bytes that the references of one header block may stand for"""
OPEN_STREAMS = 10_000
ERRORS = {
    0x100: "H3_NO_ERROR", 0x101: "H3_GENERAL_PROTOCOL_ERROR", 0x102: "H3_INTERNAL_ERROR",
    0x103: "H3_STREAM_CREATION_ERROR", 0x104: "H3_CLOSED_CRITICAL_STREAM", 0x105: "H3_FRAME_UNEXPECTED",
    0x106: "H3_FRAME_ERROR", 0x107: "H3_EXCESSIVE_LOAD", 0x108: "H3_ID_ERROR", 0x109: "H3_SETTINGS_ERROR",
    0x10A: "H3_MISSING_SETTINGS", 0x10B: "H3_REQUEST_REJECTED", 0x10C: "H3_REQUEST_CANCELLED",
    0x10D: "H3_REQUEST_INCOMPLETE", 0x10E: "H3_MESSAGE_ERROR", 0x10F: "H3_CONNECT_ERROR",
    0x110: "H3_VERSION_FALLBACK", 0x200: "QPACK_DECOMPRESSION_FAILED",
}  # fmt: skip


class Lane:
    """One direction of one stream: bytes in order, frames off them."""

    def __init__(self) -> None:
        self.assembly = Assembly()
        self.buffer = b""
        self.kind: int | None = None
        """type of a unidirectional stream"""
        self.waiting = False
        """a header block waits for the encoder stream; what follows waits with it"""
        self.left = 0
        """bytes of a DATA frame still to come"""
        self.broken = False
        self.mark: Mark | None = None


class H3Conversation:
    """The HTTP of one QUIC connection."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.lanes: dict[tuple[int, bool], Lane] = {}
        self.streams: dict[int, H2Stream] = {}
        self.reported: set[int] = set()
        self.tunnels = Tunnels(context)
        self.decoders: dict[bool, Any] = {}
        self.inserted = {True: 0, False: 0}
        """bytes of each side's encoder stream: no entry of its table is larger"""

    def data(self, number: int, client: bool, offset: int, data: bytes, fin: bool, mark: Mark) -> None:
        """Take a STREAM frame."""
        if number in self.reported:
            return
        lane = self.lanes.get((number, client)) or self._lane(number, client)
        for piece, where, missing in lane.assembly.add(offset, data, mark, fin):
            if missing:
                lane.broken = True
            lane.buffer += piece
            lane.mark = where
        lane.mark = lane.mark or mark
        self._advance(number, client, lane)

    def _lane(self, number: int, client: bool) -> Lane:
        if len(self.lanes) >= 2 * OPEN_STREAMS:
            oldest, _ = next(iter(self.lanes))
            stream = self.streams.get(oldest)
            if stream is not None:
                self._report(stream)
            for side in (True, False):
                self.lanes.pop((oldest, side), None)
        lane = self.lanes[number, client] = Lane()
        return lane

    def reset(self, number: int, client: bool, code: int, stop: bool, mark: Mark) -> None:
        """RESET_STREAM, or STOP_SENDING (`stop`)."""
        stream = self.streams.get(number)
        if stream is None or (stop and code == 0x100):
            return
        what = "STOP_SENDING" if stop else "RESET_STREAM"
        stream.aborted = f"{what} {ERRORS.get(code, hex(code))} by {'client' if client else 'server'}"
        stream.half(client).touch(mark)
        if not stop:
            self._report(stream)

    def close(self, why: str | None, again: Container[int] = ()) -> None:
        """Report what is open, with what it lacks; not so streams that began `again` elsewhere."""
        for (number, client), lane in list(self.lanes.items()):
            for piece, where, _ in lane.assembly.give_up():
                lane.broken = True
                lane.buffer += piece
                lane.mark = where
            if lane.waiting and (stream := self.streams.get(number)):
                self._note_blocked(stream, lane)
            elif not lane.broken:
                self._advance(number, client, lane)
        for stream in list(self.streams.values()):
            stream.aborted = stream.aborted or why
            if stream.number not in again:
                self._report(stream)

    @staticmethod
    def _note_blocked(stream: H2Stream, lane: Lane) -> None:
        what = "a header block waited for QPACK entries that never came"
        stream.note("h3.blocked", what, lane.mark or Mark(0, 0), "RFC 9204 section 2.1.2", Severity.WARN)

    # -- streams

    def _advance(self, number: int, client: bool, lane: Lane) -> None:
        if number & 2:
            self._unidirectional(client, lane)
            return
        if lane.waiting and len(lane.buffer) > LONGEST_WAIT:
            lane.broken, lane.waiting, lane.buffer = True, False, b""
            if (held := self.streams.get(number)) is not None:
                self._note_blocked(held, lane)
        if lane.broken:
            lane.buffer = b""
        elif not lane.waiting:
            self._frames(number, client, lane)
        stream = self.streams.get(number)
        if stream is not None and lane.assembly.is_over and not lane.waiting:
            stream.half(client).ended = True
            if stream.is_over:
                self._report(stream)

    def _unidirectional(self, client: bool, lane: Lane) -> None:
        if lane.kind is None:
            try:
                lane.kind, at = read_varint(lane.buffer, 0)
            except PacketError:
                return
            lane.buffer = lane.buffer[at:]
        if lane.kind == ENCODER and lane.buffer and not lane.broken:
            self._feed_encoder(client, lane)
        lane.buffer = b""

    def _feed_encoder(self, client: bool, lane: Lane) -> None:
        import pylsqpack

        decoder = self._decoder(client)
        self.inserted[client] += len(lane.buffer)
        try:
            unblocked = decoder.feed_encoder(lane.buffer)
        except pylsqpack.EncoderStreamError:
            lane.broken = True
            return
        for number in unblocked:
            blocked = self.lanes.get((number, client))
            if blocked is None:
                continue
            blocked.waiting = False
            try:
                _, fields = decoder.resume_header(number)
            except pylsqpack.DecompressionFailed:
                blocked.broken = True
                continue
            self._fields(number, client, fields, blocked)
            self._advance(number, client, blocked)

    def _decoder(self, client: bool) -> Any:
        decoder = self.decoders.get(client)
        if decoder is None:
            import pylsqpack

            decoder = self.decoders[client] = pylsqpack.Decoder(TABLE, BLOCKED)
        return decoder

    # -- frames

    def _frames(self, number: int, client: bool, lane: Lane) -> None:
        data, at = lane.buffer, 0
        lane.buffer = b""
        while not lane.waiting and not lane.broken:
            if lane.left:
                piece = data[at : at + lane.left]
                at += len(piece)
                lane.left -= len(piece)
                if piece:
                    self._body(number, client, piece, lane)
                if lane.left:
                    break
            try:
                kind, begin = read_varint(data, at)
                length, begin = read_varint(data, begin)
            except PacketError:
                break
            if kind == DATA:
                at, lane.left = begin, length
                continue
            if length > LONGEST_BLOCK:
                lane.broken = True
            if len(data) < begin + length:
                break
            at = begin + length
            if kind == HEADERS:
                self._headers(number, client, data[begin:at], lane)
        lane.buffer = data[at:]

    def _body(self, number: int, client: bool, data: bytes, lane: Lane) -> None:
        assert lane.mark is not None
        half = self._stream(number, lane.mark).half(client)
        half.touch(lane.mark)
        if number in self.tunnels:
            self.tunnels.feed(number, client, data, lane.mark, 0)
            return
        half.collector.add(Taken((), data, len(data), 0))

    def _headers(self, number: int, client: bool, block: bytes, lane: Lane) -> None:
        import pylsqpack

        assert lane.mark is not None
        stream = self._stream(number, lane.mark)
        if references(block) * min(self.inserted[client], TABLE) > LARGEST_LIST:
            what = f"a header block whose references may stand for more than {LARGEST_LIST} bytes"
            stream.note("h3.header-block", what, lane.mark, "RFC 9204 section 7.3", Severity.WARN)
            return
        try:
            _, fields = self._decoder(client).feed_header(number, block)
        except pylsqpack.StreamBlocked:
            lane.waiting = True
            return
        except (pylsqpack.DecompressionFailed, ValueError, RuntimeError) as error:
            what = f"a header block that cannot be read ({type(error).__name__}): the capture may lack its beginning"
            stream.note("h3.header-block", what, lane.mark, "RFC 9204 section 2.2", Severity.WARN)
            return
        self._fields(number, client, fields, lane)

    def _fields(self, number: int, client: bool, fields: list[tuple[bytes, bytes]], lane: Lane) -> None:
        assert lane.mark is not None
        stream = self._stream(number, lane.mark)
        stream.take_fields(client, tuple((bytes(n), bytes(v)) for n, v in fields), False, lane.mark)
        if not client:
            self.tunnels.consider(stream)

    def _stream(self, number: int, mark: Mark) -> H2Stream:
        stream = self.streams.get(number)
        if stream is None:
            if len(self.streams) >= OPEN_STREAMS:
                self._report(next(iter(self.streams.values())))
            stream = self.streams[number] = H2Stream(number, self.context, mark, "HTTP/3")
        return stream

    def _report(self, stream: H2Stream) -> None:
        self.streams.pop(stream.number, None)
        for client in (True, False):
            self.lanes.pop((stream.number, client), None)
        if len(self.reported) < 100_000:
            self.reported.add(stream.number)
        if self.tunnels.end(stream.number):
            return
        if stream.request.headers is not None or stream.response.headers is not None or stream.problems:
            self.context.sink.exchange(stream.build())
