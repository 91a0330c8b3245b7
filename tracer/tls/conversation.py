"""TLS over both streams of a connection: records in the order of their packets, handshakes, and what is inside.

A gap inside a record costs that record; a gap between records costs those it swallowed: the reader goes on at the
next segment that starts with a record header. With keys, records after a gap open again, since the sequence number
is found by trying (see `search`). Keys that come later than the records they open are waited for a while, where the
key log grows.
"""

from __future__ import annotations

from tracer.transport.conversation import Context, Conversation
from tracer.transport.stream import Mark, Stream
from tracer.transport.turns import ALL, turns

from .draft import Draft
from .handshaking import Handshaking
from .hello import read_sslv2_hello
from .keys import Keys
from .protection import BadRecordError
from .search import BUDGET
from .side import ALERT, CHANGE, DATA, HANDSHAKE, Side, is_header
from .unopened import WhyNot
from .wire import ShortError

WAITING = 1 << 20
"""bytes of a connection that wait for keys"""
PATIENCE_NS = 5_000_000_000


class TlsConversation:
    """Reads both directions of a TLS connection."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None:
        self.context = context
        self.client = Side(client, True)
        self.server = Side(server, False)
        self.keys: Keys = context.keys if context.keys is not None else Keys()
        self.shaking = Handshaking(context, self.keys, self.client, self.server)
        self.inner: Conversation | None = None
        self.done = False
        self.dropped = 0
        self.waits_from: int | None = None
        """time of the record that waits for its keys"""
        self.impatient = not self.keys.grows
        self.early = False
        """what is read inside came as early data, and the server has not said yet whether it takes it"""

    @property
    def protocol(self) -> str:
        below = getattr(self.inner, "protocol", None)
        return f"tls/{below}" if below else "tls"

    @property
    def draft(self) -> Draft | None:
        return self.shaking.draft

    def advance(self) -> None:
        for side, packet in turns(self.client, self.server):
            if not self.impatient and self._waits(side):
                return
            self._read_record(side)
            if side.protection is not None and self.inner is not None:
                # once both have finished, neither side's messages bear on what the other's records hold
                self._read_data(side, ALL if self.shaking.is_over else packet)
        for side in (self.client, self.server):
            side.stream.release()
        closed = self.client.stream.closed and self.server.stream.closed
        if self.inner is not None:
            self.client.inner.closed = self.client.stream.closed
            self.server.inner.closed = self.server.stream.closed
            self.inner.advance()
        if closed and not self.done:
            self.done = True
            self.shaking.report()

    def _waits(self, side: Side) -> bool:
        """The next record is sealed, and its keys may still come."""
        if side.protection is not None or not side.sealed or side.stream.peek(1)[:1] == b"\x14":
            return False
        self.keys.refresh()
        if self.shaking.find_keys(side):
            self.waits_from = None
            return False
        now = max(s.stream.mark(s.stream.end - 1).time_ns for s in (self.client, self.server) if not s.stream.at_end)
        if self.waits_from is None:
            self.waits_from = side.mark.time_ns
        kept = sum(s.stream.end - s.stream.pos for s in (self.client, self.server))
        closed = self.client.stream.closed and self.server.stream.closed
        self.impatient = closed or kept > WAITING or now - self.waits_from > PATIENCE_NS
        return not self.impatient

    # -- records

    def _read_record(self, side: Side) -> None:
        stream, head, mark = side.stream, side.head, side.mark
        if not head:
            gap = stream.at_gap
            side.lose(gap)
            stream.jump(stream.pos + gap)
            return
        if len(head) < 5 or not is_header(head):
            self._read_odd(side, head, mark)
            return
        length = head[3] << 8 | head[4]
        record = stream.peek(5 + length)
        stream.jump(stream.pos + 5 + length)
        if len(record) < 5 + length:
            side.lose_record(length)
            return
        self.shaking.begin(mark)
        self._take_record(side, head, record[5:], mark)

    def _read_data(self, side: Side, packet: int) -> None:
        """Read on in records of application data that begin up to that packet: nearly all of a connection."""
        inner, draft = side.inner, self.draft
        assert draft is not None
        for head, body, mark in side.data(packet):
            opened = self._open(side, head, body)
            if opened is None:
                continue
            draft.decrypted = True
            if opened[0] != DATA or side.pieces:
                self._take_plain(side, *opened, mark)
            else:
                draft.application_data = True
                inner.push(opened[1], mark, side.lost)
                side.lost = 0

    def _read_odd(self, side: Side, head: bytes, mark: Mark) -> None:
        """No record header: a version 2 hello at the start, else bytes to pass over."""
        stream = side.stream
        if side.client and self.draft is None and head[:1] and head[0] & 0x80 and head[2:3] == b"\x01":
            length = int.from_bytes(head[:2]) & 0x7FFF
            if stream.available >= 2 + length:
                body = stream.take(2 + length)[3:]
                draft = self.shaking.begin(mark)
                draft.add_message(True, "ClientHello", mark, length)
                try:
                    draft.client_hello = read_sslv2_hello(body)
                except ShortError:
                    text = "a version 2 ClientHello that is cut"
                    self.shaking.problem("tls.message", text, mark, "RFC 5246 appendix E.2")
                return
        following = stream.next_segment()
        target = following if following is not None else stream.end
        side.pieces.clear()
        side.search.lost(target - stream.pos)
        self.dropped += target - stream.pos
        stream.jump(target)

    def _take_record(self, side: Side, head: bytes, body: bytes, mark: Mark) -> None:
        kind, draft = head[0], self.draft
        assert draft is not None
        if kind == CHANGE:
            if side.pieces:
                self.shaking.interrupted(side, mark)
            self.shaking.change_cipher(side)
            return
        sealed = side.sealed and (not draft.is_13 or kind == DATA)
        if sealed and side.protection is None:
            self.shaking.find_keys(side)
        if kind == DATA and side.protection is None and (draft.is_13 or draft.server_hello is None):
            self.shaking.find_inside(side, head, body)
        if side.protection is not None and (sealed or (kind == DATA and draft.server_hello is None)):
            opened = self._open(side, head, body)
            if opened is None:
                return
            kind, body = opened
            draft.decrypted = True
        elif side.sealed or (kind == DATA and (draft.is_13 or draft.server_hello is None)) or _is_odd_alert(kind, body):
            self._take_sealed(side, kind, body, mark)
            return
        self._take_plain(side, kind, body, mark)

    def _open(self, side: Side, head: bytes, body: bytes) -> tuple[int, bytes] | None:
        """(content type, plaintext); None when no keys open the record."""
        assert side.protection is not None
        opened: tuple[int, bytes] | None
        try:
            opened = side.protection.open(head, body, side.search)
        except BadRecordError:
            opened = self._try_other_keys(side, head, body)
        if opened is not None:
            if side.search.high or side.search.budget < BUDGET:
                side.search.found()
            return opened
        assert self.draft is not None
        side.search.passed()
        side.lost += max(0, len(body) - 17)
        if not self.draft.decrypted:
            self.draft.why_not = WhyNot.WRONG
        return None

    def _try_other_keys(self, side: Side, head: bytes, body: bytes) -> tuple[int, bytes] | None:
        """The record that changes keys may have been lost, or early data was refused."""
        if side.search.budget <= 0:
            return None
        least, side.search.low = side.search.low, 0
        for protection in self.shaking.schedule.alternatives(side.client, side.protection):
            side.search.budget -= 1
            try:
                opened = protection.open(head, body, side.search)
            except BadRecordError:
                continue
            side.protection = protection
            return opened
        side.search.low = least
        return None

    def _take_sealed(self, side: Side, kind: int, body: bytes, mark: Mark) -> None:
        """What can be told of a record without its key."""
        draft = self.draft
        assert draft is not None
        if kind == ALERT and draft.is_13 and len(body) == 2:
            # a peer that could not derive keys says so in the clear (RFC 8446 section 6)
            draft.add_alert(side.client, body[0], body[1], mark)
            return
        side.passed += 1
        if kind == HANDSHAKE:
            draft.add_message(side.client, "encrypted", mark, len(body))
        elif kind == DATA and not draft.is_13:
            draft.application_data = True
        if draft.why_not is None:
            draft.why_not = self.shaking.schedule.why_not()

    def _take_plain(self, side: Side, kind: int, body: bytes, mark: Mark) -> None:
        assert self.draft is not None
        if kind == DATA:
            if side.pieces:
                self.shaking.interrupted(side, mark)
            self.draft.application_data = True
            side.inner.push(body, mark, side.lost)
            side.lost = 0
            if self.inner is None:
                self._start_inner()
        elif kind == HANDSHAKE:
            self.shaking.take(side, body, mark)
            if self.early and self.draft.early_data is not None:
                self._end_early(self.draft.early_data)
        elif kind == ALERT and len(body) >= 2:
            if side.pieces:
                self.shaking.interrupted(side, mark)
            self.draft.add_alert(side.client, body[0], body[1], mark)

    def _start_inner(self) -> None:
        from tracer.http.detect import conversation

        assert self.draft is not None
        self.early = self.draft.server_hello is None
        context = self.context.inner(scheme="https", tls=self.draft.id)
        self.inner = conversation(context, self.client.inner, self.server.inner)

    def _end_early(self, taken: bool) -> None:
        """The server has said whether it takes the early data; refused, it was never read, and what follows begins anew
        (RFC 8446 section 4.2.10)."""
        self.early = False
        if taken or self.inner is None:
            return
        for side in (self.client, self.server):
            side.inner.closed = True
        self.inner.advance()
        self.inner = None
        self.client.inner, self.server.inner = Stream(), Stream()


def _is_odd_alert(kind: int, body: bytes) -> bool:
    """An alert that is encrypted, where the capture began too late to know: in the clear it is level and code."""
    return kind == ALERT and (len(body) != 2 or body[0] not in (1, 2))
