"""Handshake messages of both sides -> a draft of the handshake, and the keys that each side uses from there on.

Problem codes: `tls.message` (cannot be read), `tls.message-cut` (its rest never came).
"""

from __future__ import annotations

from tracer.model.problem import Problem, Severity
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark

from . import messages
from .draft import Draft
from .hello import message_name
from .keys import Keys
from .names import MESSAGES
from .schedule import Schedule
from .side import Side
from .wire import ShortError

LONGEST_MESSAGE = 1 << 18
_LONGEST = {0: 0, 1: 1 << 17, 2: 1 << 16, 4: 1 << 17, 5: 0, 14: 0, 15: 1 << 15, 16: 1 << 15, 20: 64, 24: 1}
"""bytes that a message of that type has at most; a longer one is no message (RFC 8446 section 4)"""
MOST_PROBLEMS = 8


class Handshaking:
    """The handshake of a connection, or the one that renews it."""

    def __init__(self, context: Context, keys: Keys, client: Side, server: Side) -> None:
        self.context, self.keys = context, keys
        self.client, self.server = client, server
        self.draft: Draft | None = None
        self._schedule: Schedule | None = None
        self._generation = 0

    @property
    def schedule(self) -> Schedule:
        assert self.draft is not None
        if self._schedule is None:
            self._schedule = Schedule(self.draft, self.keys)
        return self._schedule

    def begin(self, mark: Mark) -> Draft:
        """The draft, made at the first record."""
        if self.draft is None:
            self.draft = Draft(self.context, mark)
        return self.draft

    @property
    def is_over(self) -> bool:
        """Both sides have finished; what comes is data, and messages that one side alone has to do with."""
        return self.draft is not None and len(self.draft.finished) == 2

    # -- messages

    def take(self, side: Side, body: bytes, mark: Mark) -> None:
        """Read a record's worth of handshake."""
        pieces = side.pieces
        pieces += body
        while len(pieces) >= 4:
            kind, length = pieces[0], int.from_bytes(pieces[1:4])
            if length > _LONGEST.get(kind, LONGEST_MESSAGE):
                name = MESSAGES.get(kind, f"message {kind}")
                self.problem("tls.message", f"a {name} of {length} bytes, which none has", mark, "RFC 8446 section 4")
                pieces.clear()
                return
            if len(pieces) < 4 + length:
                return
            whole = bytes(pieces[4 : 4 + length])
            del pieces[: 4 + length]
            self._take_message(side, kind, whole, mark)

    def interrupted(self, side: Side, mark: Mark) -> None:
        """Another kind of record came in the middle of a message, which is then lost (RFC 8446 section 5.1)."""
        name = MESSAGES.get(side.pieces[0], f"message {side.pieces[0]}")
        text = f"a {name} of which only {len(side.pieces)} bytes came before another kind of record"
        self.problem("tls.message-cut", text, mark, "RFC 8446 section 5.1")
        side.pieces.clear()

    def _take_message(self, side: Side, kind: int, body: bytes, mark: Mark) -> None:
        assert self.draft is not None
        if kind == 1 and self.draft.client_hello is not None and self._is_renegotiation():
            self.report()
            self.draft = Draft(self.context, mark)
            self.draft.decrypted = True
            self._schedule = None
        self._keep_transcript(kind, body)
        self.draft.add_message(side.client, message_name(kind, body), mark, len(body))
        # the Finished of a certificate that was asked for late leaves the keys as they are (RFC 8446 section 4.6.2)
        late = kind == 20 and side.client in self.draft.finished
        try:
            messages.take(self.draft, side.client, kind, body)
        except (ShortError, ValueError) as error:
            name = MESSAGES.get(kind, str(kind))
            self.problem("tls.message", f"a {name} message that cannot be read: {error}", mark, "RFC 8446 section 4")
            return
        if kind == 1 and self.draft.client_hello is not None:
            self.schedule.look_inside(body)
        if not late:
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

    # -- keys

    def _change_keys(self, side: Side, kind: int) -> None:
        assert self.draft is not None
        draft, schedule = self.draft, self.schedule
        if kind == 1:
            self.client.protection = next(schedule.early(), self.client.protection)
            return
        if not draft.is_13 or (draft.server_hello and draft.server_hello.is_retry):
            return
        if kind == 2:
            self.server.sealed = self.client.sealed = True
            self._start_13()
            if self.server.protection is None:
                draft.why_not = schedule.why_not()
        elif kind == 5:
            side.use(schedule.handshake(True))
        elif kind == 20:
            side.use(schedule.application(side.client))
        elif kind == 24 and side.protection is not None:
            update = getattr(side.protection, "update", None)
            if update is not None:
                update()

    def _start_13(self) -> None:
        """Keys from the ServerHello on; where those of the handshake are unknown, those of the data wait for it."""
        assert self.draft is not None
        for side in (self.client, self.server):
            if side.protection is None:
                shaken = side.client in self.draft.finished
                first = None if shaken else self.schedule.handshake(side.client)
                side.use(first or self.schedule.application(side.client))

    def change_cipher(self, side: Side) -> None:
        """A ChangeCipherSpec: from TLS 1.3 on it means nothing (RFC 8446 appendix D.4)."""
        draft = self.draft
        if draft is None or (side.sealed and draft.is_13):
            return
        draft.changed.add(side.client)
        if not draft.is_13 and draft.server_hello is not None:
            side.sealed = True
            side.use(self.schedule.change_cipher(side.client))

    def find_keys(self, side: Side) -> bool:
        """Look again for the keys of a side that has none, if keys were added since; True when there are some now."""
        if self.draft is None or self.draft.server_hello is None or self._generation == self.keys.generation:
            return False
        self._generation = self.keys.generation
        if self.draft.is_13:
            self._start_13()
        else:
            for one in (self.client, self.server):
                if one.sealed and one.protection is None:
                    one.use(self.schedule.change_cipher(one.client))
        return side.protection is not None

    def find_inside(self, side: Side, head: bytes, body: bytes) -> None:
        """Look for the keys of a connection whose hello is encrypted by trying them on the first record it sealed."""
        assert self.draft is not None
        if not side.passed and self.schedule.find_inside(side.client, head, body):
            if self.draft.server_hello is None:
                side.use(next(self.schedule.early(), None))
            else:
                self._start_13()
                self.draft.why_not = None

    # -- the end

    def problem(self, code: str, text: str, mark: Mark, reference: str) -> None:
        """Note a problem with the draft, unless there are many."""
        assert self.draft is not None
        if len(self.draft.problems) < MOST_PROBLEMS:
            source = self.context.source
            self.draft.problems.append(
                Problem(
                    code=code, severity=Severity.NOTE, text=text, source=source, packet=mark.packet, reference=reference
                )
            )

    def report(self) -> None:
        """Give the handshake to the sink, if there was one."""
        draft = self.draft
        if draft is None or not (draft.messages or draft.alerts):
            return
        if draft.client_hello is None and draft.server_hello is None and not draft.alerts:
            return
        self.context.sink.handshake(draft.build())
