"""TLS over both streams of a connection: records in the order of their packets, handshakes, and what is inside.

A gap inside a record costs that record; a gap between records costs those it swallowed: the reader goes on at the
next segment that starts with a record header. With keys, records after a gap open again, since the sequence number
is found by trying (see `protection`).
"""

from __future__ import annotations

from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context, Conversation
from tracer.transport.stream import Mark, Stream

from . import messages
from .draft import Draft
from .hello import read_sslv2_hello
from .keys import Keys
from .names import MESSAGES
from .protection import BadRecordError, Protection
from .schedule import Schedule
from .unopened import WhyNot
from .wire import ShortError

CHANGE, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
LONGEST = (1 << 14) + 2048
LONGEST_MESSAGE = 1 << 18


class Side:
    """One direction."""

    def __init__(self, stream: Stream, client: bool) -> None:
        self.stream = stream
        self.client = client
        self.inner = Stream()
        self.protection: Protection | None = None
        self.sealed = False
        """what comes is encrypted, whether it can be opened or not"""
        self.pieces = b""
        """handshake bytes that are no whole message yet"""
        self.lost = 0
        """plaintext bytes that went missing before the next ones"""

    def has_record(self) -> bool:
        """A whole record, or something that will never be one, stands at the front."""
        stream = self.stream
        head = stream.peek(5)
        if len(head) < 5:
            # a header in pieces waits for its rest, unless a gap stands where the rest would be
            return stream.end - stream.pos > len(head)
        if not _is_header(head):
            return True
        return stream.end - stream.pos >= 5 + int.from_bytes(head[3:5])

    def mark(self) -> Mark:
        return self.stream.mark(self.stream.pos)


def _is_header(head: bytes) -> bool:
    return 20 <= head[0] <= 24 and head[1] == 3 and head[2] <= 4 and int.from_bytes(head[3:5]) <= LONGEST


class TlsConversation:
    """Reads both directions of a TLS connection."""

    def __init__(self, context: Context, client: Stream, server: Stream) -> None:
        self.context = context
        self.client = Side(client, True)
        self.server = Side(server, False)
        self.keys: Keys = context.keys if context.keys is not None else Keys()
        self.draft: Draft | None = None
        self.schedule: Schedule | None = None
        self.inner: Conversation | None = None
        self.done = False
        self.dropped = 0

    @property
    def protocol(self) -> str:
        below = getattr(self.inner, "protocol", None)
        return f"tls/{below}" if below else "tls"

    def advance(self) -> None:
        while (side := self._next_side()) is not None:
            self._read_record(side)
        for side in (self.client, self.server):
            side.stream.release()
        closed = self.client.stream.closed and self.server.stream.closed
        if self.inner is not None:
            self.client.inner.closed = self.client.stream.closed
            self.server.inner.closed = self.server.stream.closed
            self.inner.advance()
        if closed and not self.done:
            self.done = True
            self._report()

    def _next_side(self) -> Side | None:
        """The direction whose next record was captured first."""
        ready = [s for s in (self.client, self.server) if s.has_record()]
        return min(ready, key=lambda s: s.mark().packet) if ready else None

    # -- records

    def _read_record(self, side: Side) -> None:
        stream = side.stream
        if stream.at_gap:
            side.lost += stream.at_gap
            stream.jump(stream.pos + stream.at_gap)
            side.pieces = b""
            return
        mark, head = side.mark(), stream.peek(5)
        if len(head) < 5 or not _is_header(head):
            self._read_odd(side, head, mark)
            return
        kind, version, length = head[0], int.from_bytes(head[1:3]), int.from_bytes(head[3:5])
        if stream.available < 5 + length:
            taken = stream.skip(5 + length)
            side.lost += max(0, taken.size + taken.missing - 29)
            side.pieces = b""
            return
        body = stream.take(5 + length)[5:]
        if self.draft is None:
            self.draft = Draft(self.context, mark)
        self._take_record(side, kind, version, body, mark)

    def _read_odd(self, side: Side, head: bytes, mark: Mark) -> None:
        """No record header: a version 2 hello at the start, else bytes to pass over."""
        stream = side.stream
        if side.client and self.draft is None and head[:1] and head[0] & 0x80 and head[2:3] == b"\x01":
            length = int.from_bytes(head[:2]) & 0x7FFF
            if stream.available >= 2 + length:
                body = stream.take(2 + length)[3:]
                self.draft = Draft(self.context, mark)
                self.draft.add_message(True, "ClientHello", mark, length)
                try:
                    self.draft.client_hello = read_sslv2_hello(body)
                except ShortError:
                    self._problem("tls.message", "a version 2 ClientHello that is cut", mark, "RFC 5246 appendix E.2")
                return
        following = stream.next_segment()
        side.pieces = b""
        target = following if following is not None else stream.end
        self.dropped += target - stream.pos
        stream.jump(target)

    def _take_record(self, side: Side, kind: int, version: int, body: bytes, mark: Mark) -> None:
        assert self.draft is not None
        if kind == CHANGE:
            if not side.sealed or not self.draft.is_13:
                self.draft.changed.add(side.client)
                if not self.draft.is_13 and self.draft.server_hello is not None:
                    side.sealed = True
                    side.protection = self._schedule().change_cipher(side.client)
            return
        if side.protection is not None and (not self.draft.is_13 or kind == DATA):
            try:
                kind, body = side.protection.open(kind, version, body)
            except BadRecordError:
                if not self._try_other_keys(side, kind, version, body, mark):
                    side.lost += max(0, len(body) - 17)
                    if not self.draft.decrypted:
                        self.draft.why_not = WhyNot.WRONG
                return
            self.draft.decrypted = True
        elif side.sealed or (kind == DATA and (self.draft.is_13 or self.draft.server_hello is None)):
            self._take_sealed(side, kind, body, mark)
            return
        self._take_plain(side, kind, body, mark)

    def _try_other_keys(self, side: Side, kind: int, version: int, body: bytes, mark: Mark) -> bool:
        """The record that changes keys may have been lost, or early data was refused."""
        for protection in self._schedule().alternatives(side.client, side.protection):
            try:
                plain_kind, plain = protection.open(kind, version, body)
            except BadRecordError:
                continue
            side.protection = protection
            if self.draft is not None:
                self.draft.decrypted = True
            self._take_plain(side, plain_kind, plain, mark)
            return True
        return False

    def _take_sealed(self, side: Side, kind: int, body: bytes, mark: Mark) -> None:
        """What can be told of a record without its key."""
        assert self.draft is not None
        if kind == ALERT and self.draft.is_13 and len(body) == 2:
            # a peer that could not derive keys says so in the clear (RFC 8446 section 6)
            self.draft.add_alert(side.client, body[0], body[1], mark)
            return
        if kind == HANDSHAKE:
            self.draft.add_message(side.client, "encrypted", mark, len(body))
        elif kind == DATA and not self.draft.is_13:
            self.draft.application_data = True
        if self.draft.why_not is None:
            self.draft.why_not = self._schedule().why_not()

    def _take_plain(self, side: Side, kind: int, body: bytes, mark: Mark) -> None:
        assert self.draft is not None
        if kind == HANDSHAKE:
            self._take_handshake(side, body, mark)
        elif kind == ALERT and len(body) >= 2:
            self.draft.add_alert(side.client, body[0], body[1], mark)
        elif kind == DATA:
            self.draft.application_data = True
            side.inner.push(body, mark, side.lost)
            side.lost = 0
            self._start_inner()

    def _start_inner(self) -> None:
        if self.inner is None:
            from tracer.http.detect import conversation

            assert self.draft is not None
            context = self.context.inner(scheme="https", tls=self.draft.id)
            self.inner = conversation(context, self.client.inner, self.server.inner)

    # -- handshake messages

    def _take_handshake(self, side: Side, body: bytes, mark: Mark) -> None:
        data = side.pieces + body
        while len(data) >= 4:
            length = int.from_bytes(data[1:4])
            if length > LONGEST_MESSAGE:
                self._problem("tls.message", f"a handshake message of {length} bytes", mark, "RFC 8446 section 4")
                data = b""
                break
            if len(data) < 4 + length:
                break
            self._take_message(side, data[0], data[4 : 4 + length], mark)
            data = data[4 + length :]
        side.pieces = data

    def _take_message(self, side: Side, kind: int, body: bytes, mark: Mark) -> None:
        assert self.draft is not None
        if kind == 1 and self.draft.client_hello is not None and self._is_renegotiation():
            self._report()
            self.draft = Draft(self.context, mark)
            self.draft.decrypted = True
            self.schedule = None
        self._keep_transcript(kind, body)
        self.draft.add_message(side.client, MESSAGES.get(kind, f"message {kind}"), mark, len(body))
        try:
            messages.take(self.draft, side.client, kind, body)
        except (ShortError, ValueError) as error:
            name = MESSAGES.get(kind, str(kind))
            self._problem("tls.message", f"a {name} message that cannot be read: {error}", mark, "RFC 8446 section 4")
            return
        self._change_keys(side, kind)

    def _keep_transcript(self, kind: int, body: bytes) -> None:
        """What the extended master secret hashes, where an RSA key could yield the premaster secret."""
        draft = self.draft
        if draft is None or draft.client_key is not None or kind == 0 or not self.keys.can_exchange:
            return
        if len(draft.transcript) + len(body) <= LONGEST_MESSAGE:
            draft.transcript += bytes([kind]) + len(body).to_bytes(3) + body
        if kind == 16:
            draft.client_key = body

    def _is_renegotiation(self) -> bool:
        """A second hello after the first handshake ended, not the answer to a HelloRetryRequest."""
        assert self.draft is not None
        return self.draft.is_settled and not (self.draft.server_hello and self.draft.server_hello.is_retry)

    def _change_keys(self, side: Side, kind: int) -> None:
        assert self.draft is not None
        if kind == 1:
            self.client.protection = self._schedule().early() or self.client.protection
            return
        if not self.draft.is_13 or (self.draft.server_hello and self.draft.server_hello.is_retry):
            return
        schedule = self._schedule()
        if kind == 2:
            self.server.sealed = self.client.sealed = True
            self.server.protection = schedule.handshake(False)
            if self.client.protection is None:
                self.client.protection = schedule.handshake(True)
            if self.server.protection is None:
                self.draft.why_not = schedule.why_not()
                self.server.protection = schedule.application(False)
                self.client.protection = schedule.application(True)
        elif kind == 5:
            side.protection = schedule.handshake(True)
        elif kind == 20:
            side.protection = schedule.application(side.client) or side.protection
        elif kind == 24 and side.protection is not None:
            update = getattr(side.protection, "update", None)
            if update is not None:
                update()

    def _schedule(self) -> Schedule:
        assert self.draft is not None
        if self.schedule is None:
            self.schedule = Schedule(self.draft, self.keys)
        return self.schedule

    # -- the end

    def _problem(self, code: str, text: str, mark: Mark, reference: str) -> None:
        assert self.draft is not None
        if len(self.draft.problems) < 8:
            self.draft.problems.append(
                Problem(
                    code=code,
                    severity=Severity.NOTE,
                    text=text,
                    source=self.context.source,
                    packet=mark.packet,
                    reference=reference,
                )
            )

    def _report(self) -> None:
        draft = self.draft
        if draft is None or not (draft.messages or draft.alerts):
            return
        if draft.client_hello is None and draft.server_hello is None and not draft.alerts:
            return
        self.context.sink.handshake(draft.build())
