"""HTTP/2 over both streams of a connection (RFC 9113): frames in the order of their packets, header blocks, streams.

Joined late, or after lost bytes, the reader goes on at the next plausible frame; header state from before is then
unknown, and fields that point into it are left out and counted, never guessed.
"""

from __future__ import annotations

from tracer.model.http import Exchange, Request
from tracer.model.problem import Severity
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream
from tracer.transport.turns import turns

from .h2_frames import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    LONGEST,
    PADDED,
    PREFACE,
    PRIORITY_FLAG,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    Frame,
    error_name,
    is_plausible,
    read_frame,
    unpadded,
)
from .h2_stream import H2Stream
from .header_blocks import BlockError, HeaderDecoder
from .stream_tunnels import Tunnels

BLOCK_LIMIT = 1 << 20
"""bytes of one header block over all its CONTINUATION frames"""
OPEN_STREAMS = 10_000
"""streams held at a time; the oldest is reported as it is when more are open"""


_TOLD = {HEADERS, CONTINUATION, PUSH_PROMISE, RST_STREAM, GOAWAY}
"""kinds of frame that an exchange is told by, beside DATA"""


class Side:
    """One direction."""

    def __init__(self, stream: Stream, client: bool) -> None:
        self.stream = stream
        self.client = client
        self.decoder = HeaderDecoder()
        self.begun = False
        self.frame: Frame | None = None
        self.block: tuple[Frame, int, bytearray] | None = None
        """a header block that goes on: first frame, stream it is about, bytes so far"""

    def front(self) -> int | None:
        """Packet of the frame, or of what will never be one, at the front; the frame's header becomes `frame`."""
        stream = self.stream
        size = stream.end - stream.pos
        if size <= 0:
            return None
        head, mark = stream.front(9)
        frame = self.frame = read_frame(head, mark) if mark is not None and len(head) == 9 else None
        if mark is None:
            return stream.mark(stream.pos)[0]
        if self.begun and frame is not None and frame.length <= LONGEST:
            return mark[0] if stream.closed or size >= 9 + frame.length else None
        # more bytes will join those that are here, unless a gap or the end comes next
        final = stream.closed or stream.available < size
        if self.client and not self.begun and not final:
            lead = stream.peek(len(PREFACE))
            if len(lead) < len(PREFACE) and PREFACE.startswith(lead):
                return None
        return mark[0] if frame is not None or final else None


class H2Conversation:
    """Reads an HTTP/2 connection."""

    protocol = "h2"

    def __init__(self, context: Context, client: Stream, server: Stream, upgrade: Exchange | None = None) -> None:
        self.context = context
        self.client = Side(client, True)
        self.server = Side(server, False)
        self.upgrade = upgrade
        self.streams: dict[int, H2Stream] = {}
        self.tunnels = Tunnels(context)
        self.closed: dict[int, None] = {}
        """numbers of the last streams reported, so that late frames do not open them again"""
        self.goaway: str | None = None
        self.done = False
        if upgrade is not None and upgrade.request is not None:
            self._upgraded(upgrade.request)

    def _upgraded(self, request: Request) -> None:
        """The HTTP/1.1 request is stream 1, its request half over (RFC 7540 section 3.2)."""
        assert self.upgrade is not None
        timing = self.upgrade.timing
        mark = Mark(request.packet or 0, timing.start_ns or 0)
        stream = self._stream(1, mark)
        stream.upgrade = request
        stream.request.touch(mark)
        stream.request.ended = True

    def advance(self) -> None:
        for side, packet in turns(self.client, self.server):
            self._read(side)
            self._read_on(side, packet)
        for side in (self.client, self.server):
            side.stream.release()
        if self.client.stream.closed and self.server.stream.closed and not self.done:
            self.done = True
            for stream in list(self.streams.values()):
                stream.aborted = stream.aborted or self.goaway
                self._report(stream)

    # -- frames

    def _read(self, side: Side) -> None:
        stream, frame = side.stream, side.frame
        if frame is None and (gap := stream.at_gap):
            self._lose(side, stream.pos + gap)
            return
        if not side.begun:
            side.begun = True
            if side.client and stream.peek(len(PREFACE)) == PREFACE:
                stream.skip(len(PREFACE))
                return
            side.decoder.whole = frame is not None and frame.kind == SETTINGS
        if frame is None or not is_plausible(frame):
            following = stream.next_segment()
            self._lose(side, following if following is not None else stream.end)
        elif frame.kind == DATA:
            stream.jump(stream.pos + 9)
            self._data(side, frame)
        else:
            whole = stream.peek(9 + frame.length)
            if len(whole) < 9 + frame.length:
                self._lose(side, stream.pos + 9 + frame.length)
                return
            stream.jump(stream.pos + 9 + frame.length)
            self._take(side, frame, whole[9:])

    def _read_on(self, side: Side, packet: int) -> None:
        """Read whole frames that begin in segments up to that packet; what is odd or in pieces ends it."""
        stream = side.stream
        while (here := stream.segment()) is not None and here[3][0] <= packet:
            buffer, at, stop, mark = here
            begin = stream.pos - at
            while at + 9 <= stop:
                frame = read_frame(buffer[at : at + 9], mark)
                at += 9 + frame.length
                if not is_plausible(frame) or begin + at > stream.end:
                    return
                if frame.kind == DATA:
                    stream.jump(begin + at - frame.length)
                    self._data(side, frame)
                elif at > stop:
                    return
                elif frame.kind in _TOLD:
                    stream.jump(begin + at)
                    self._take(side, frame, bytes(buffer[at - frame.length : at]))
                else:
                    stream.jump(begin + at)
            if at < stop:
                return

    def _lose(self, side: Side, target: int) -> None:
        """Bytes are passed over; a header block among them would have changed the table."""
        side.stream.jump(target)
        side.block = None
        side.decoder.lose()
        side.begun = True

    def _take(self, side: Side, frame: Frame, payload: bytes) -> None:
        if frame.kind == HEADERS:
            block = unpadded(frame.flags, payload)
            self._block(side, frame, frame.stream, block[5:] if frame.flags & PRIORITY_FLAG else block)
        elif frame.kind == CONTINUATION:
            self._continue(side, frame, payload)
        elif frame.kind == PUSH_PROMISE and len(payload) >= 4:
            block = unpadded(frame.flags, payload)
            self._block(side, frame, int.from_bytes(block[:4]) & 0x7FFFFFFF, block[4:])
        elif frame.kind == RST_STREAM and len(payload) == 4:
            self._reset(side, frame, int.from_bytes(payload))
        elif frame.kind == GOAWAY and len(payload) >= 8:
            who = "client" if side.client else "server"
            code = int.from_bytes(payload[4:8])
            if code:
                self.goaway = f"GOAWAY {error_name(code)} by {who}"

    def _data(self, side: Side, frame: Frame) -> None:
        stream = side.stream
        pad = 0
        length = frame.length
        if frame.flags & PADDED and length:
            pad = min(stream.take(1)[0], length - 1)
            length -= 1
        end = stream.pos + length
        h2 = self.streams.get(frame.stream)
        if h2 is None:
            if not frame.stream or frame.stream in self.closed:
                stream.jump(end)
                return
            h2 = self._stream(frame.stream, frame.mark)
        half = h2.half(side.client)
        if frame.stream in self.tunnels:
            taken = stream.skip(length - pad)
            data = taken.data
            if data is None:
                data = (
                    b"".join(bytes(stream.base[at : at + n]) for at, n in taken.spans)
                    if stream.base is not None
                    else b""
                )
            self.tunnels.feed(frame.stream, side.client, data, frame.mark, taken.missing)
        elif length > pad:
            half.collector.pass_over(stream, length - pad)
        stream.jump(end)
        half.touch(stream.mark(end - 1) if length else frame.mark)
        if frame.flags & END_STREAM:
            half.ended = True
            self._settle(h2)

    # -- header blocks

    def _block(self, side: Side, frame: Frame, about: int, data: bytes) -> None:
        side.block = (frame, about, bytearray(data))
        if frame.flags & END_HEADERS:
            self._end_block(side)

    def _continue(self, side: Side, frame: Frame, payload: bytes) -> None:
        if side.block is None:
            side.decoder.lose()
            return
        first, about, data = side.block
        if len(data) + len(payload) > BLOCK_LIMIT:
            h2 = self._stream(about, first.mark)
            what = f"a header block of more than {BLOCK_LIMIT} bytes"
            h2.note("h2.header-block", what, first.mark, "RFC 9113 section 6.10", Severity.WARN)
            side.block = None
            side.decoder.lose()
            return
        data += payload
        if frame.flags & END_HEADERS:
            self._end_block(side)

    def _end_block(self, side: Side) -> None:
        assert side.block is not None
        frame, about, data = side.block
        side.block = None
        try:
            fields, unknown = side.decoder.decode(bytes(data))
        except BlockError as error:
            side.decoder.lose()
            h2 = self._stream(about, frame.mark)
            h2.note(
                "h2.header-block", f"a header block that cannot be read: {error}", frame.mark, "RFC 7541", Severity.WARN
            )
            return
        if about in self.closed:
            return
        pushed = frame.kind == PUSH_PROMISE
        h2 = self._stream(about, frame.mark)
        h2.pushed = h2.pushed or pushed
        if unknown:
            what = f"{unknown} header fields point at entries from before the capture: they are left out"
            h2.note("h2.header-state-lost", what, frame.mark, "RFC 7541 section 2.3.3")
        ended = pushed or bool(frame.flags & END_STREAM)
        h2.take_fields(side.client or pushed, fields, ended, frame.mark)
        if not side.client and not pushed:
            self.tunnels.consider(h2)
        self._settle(h2)

    # -- streams

    def _stream(self, number: int, mark: Mark) -> H2Stream:
        h2 = self.streams.get(number)
        if h2 is None:
            if len(self.streams) >= OPEN_STREAMS:
                self._report(next(iter(self.streams.values())))
            h2 = self.streams[number] = H2Stream(number, self.context, mark)
        return h2

    def _settle(self, h2: H2Stream) -> None:
        if h2.is_over:
            self._report(h2)

    def _reset(self, side: Side, frame: Frame, code: int) -> None:
        h2 = self.streams.get(frame.stream)
        if h2 is None:
            return
        # a server that has said everything may tell the client to stop sending (RFC 9113 section 8.1)
        if not (code == 0 and h2.response.ended):
            h2.aborted = f"RST_STREAM {error_name(code)} by {'client' if side.client else 'server'}"
        h2.half(side.client).touch(frame.mark)
        self._report(h2)

    def _report(self, h2: H2Stream) -> None:
        self.streams.pop(h2.number, None)
        self.closed[h2.number] = None
        if len(self.closed) > 4096:
            del self.closed[next(iter(self.closed))]
        if self.tunnels.end(h2.number):
            return
        if h2.request.headers is None and h2.response.headers is None and h2.upgrade is None and not h2.problems:
            return
        if self.context.rows is not None:
            self.context.rows(h2.row())
        else:
            self.context.sink.exchange(h2.build())
