"""A QUIC connection from its datagrams (RFC 9000, RFC 9001): the handshake always, the rest with keys.

Initial packets are protected by keys that anybody can derive, so the hellos are readable without any key log.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tracer.model.connection import Connection
from tracer.model.problem import Problem, Severity
from tracer.tls import messages
from tracer.tls.draft import Draft
from tracer.tls.hello import message_name
from tracer.tls.keys import Keys as KeyLog
from tracer.tls.schedule import APPLICATION, EARLY, HANDSHAKE, Schedule
from tracer.tls.unopened import WhyNot
from tracer.tls.wire import ShortError
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark

from .assembly import Assembly
from .frames import Close, Crypto, Frame, Reset, StreamFrame, read_frames
from .packet import Header, Kind, PacketError, read_header
from .protection import Keys, initial_keys
from .versions import GOOGLE

LONGEST_MESSAGE = 1 << 18
HELD = 64
"""packets that wait for the hello that tells their keys"""
MOST_IDS = 1024
LEAST, LARGEST = 1200, 1500
"""bytes of the datagrams that a capture may hold joined: at least what QUIC asks of a path (RFC 9000 section 14)"""
GUESSES = 64
"""joined datagrams whose size may be guessed in vain"""


class QuicConversation:
    """Reads one QUIC connection; datagrams in capture order."""

    def __init__(self, context: Context, base: Any = None) -> None:  # noqa: ARG002  # payloads come as bytes
        self.context = context
        self.log: KeyLog = context.keys if context.keys is not None else KeyLog()
        self.version = 0
        """of the server's packets, of the client's before it answers: the version that is negotiated"""
        self.answered = False
        self.draft: Draft | None = None
        self.first_id = b""
        """what the client called the server first: Initial packets of both sides are under keys made of it"""
        self.chosen: dict[bytes, bool] = {}
        """connection ids -> whether the client chose them, and is addressed by them"""
        self.held: list[tuple[bool, bytes, Mark]] = []
        self.previous: dict[tuple[Kind, bool], Keys] = {}
        """the generation before the one in use, for packets that were late"""
        self.keys: dict[tuple[Kind, bool], Keys] = {}
        self.cids: dict[bool, int] = {}
        """length of the connection ids that a side chose for packets to itself"""
        self.crypto: dict[tuple[Kind, bool], Assembly] = {}
        self.pieces: dict[tuple[Kind, bool], bytes] = {}
        self.h3: Any = None
        self.refused: Any = None
        """what was asked in early data that the server did not take"""
        self.first: Mark | None = None
        self.last: Mark | None = None
        self.packets = 0
        self.bytes = {True: 0, False: 0}
        self.closed_by: str | None = None
        self.segment: dict[bool, int] = {True: 0, False: 0}
        """bytes of a side's datagrams, where the capture holds several as one"""
        self.guesses = GUESSES
        self.opened: set[Kind] = set()
        self.sealed: set[Kind] = set()
        """kinds of packets of which some, or some not, could be opened"""

    # -- packets

    def datagram(self, client: bool, data: bytes, mark: Mark) -> None:
        """Read the packets of one datagram."""
        self.first, self.last = self.first or mark, mark
        self.packets += 1
        self.bytes[client] += len(data)
        known = self._known_hellos()
        self._read(client, data, mark)
        if self.held and self._known_hellos() != known:
            held, self.held = self.held, []
            for waiting in held:
                self._read(*waiting)

    def _known_hellos(self) -> int:
        draft = self.draft
        return 0 if draft is None else (draft.client_hello is not None) + (draft.server_hello is not None)

    def _read(self, client: bool, data: bytes, mark: Mark) -> None:
        at = 0
        while at < len(data):
            try:
                header = read_header(data, at, self.cids.get(not client, 8))
            except PacketError:
                return
            end = header.end
            if header.kind is Kind.ONE_RTT and end - at > (self.segment[client] or LARGEST):
                end = self._end_of(client, header, data, at)
            packet = data[at:end]
            at = end
            self._packet(client, header, packet, mark)

    def _end_of(self, client: bool, header: Header, data: bytes, at: int) -> int:
        """Where a packet ends that has no length, in what is longer than a packet: where a network card cuts or joins
        datagrams, captures on that machine hold several as one, all of one size but the last."""
        rest = len(data) - at
        known = self.segment[client]
        tried = itertools.chain((known or rest, rest), range(LARGEST, LEAST - 1, -1) if self.guesses > 0 else ())
        sizes = [size for size in tried if size <= rest]
        self.guesses -= 1
        for keys in self._candidates(client, header):
            head, number = keys.unmask(data[at : at + 64], header.number_at)
            for size in sizes:
                if keys.open(head, number, data[at + len(head) : at + size]) is not None:
                    self.guesses += 1
                    if size < rest:
                        self.segment[client] = size
                    return at + size
        return len(data)

    def _packet(self, client: bool, header: Header, packet: bytes, mark: Mark) -> None:
        if header.kind is Kind.NEGOTIATION or header.kind is Kind.RETRY:
            self._start_again(client, header, packet, mark)
            return
        if header.version:
            self._note_header(client, header)
        plain = self._open(client, header, packet)
        (self.sealed if plain is None else self.opened).add(header.kind)
        if plain is None:
            if self._known_hellos() < 2 and header.kind is not Kind.INITIAL and len(self.held) < HELD:
                self.held.append((client, packet, mark))
            return
        if self.draft is None:
            self.draft = Draft(self.context, mark, "quic")
        for frame in read_frames(plain, self.version in GOOGLE):
            self._frame(client, header.kind, frame, mark)

    def _frame(self, client: bool, kind: Kind, frame: Frame, mark: Mark) -> None:
        if isinstance(frame, Crypto):
            self._crypto(client, kind, frame, mark)
        elif isinstance(frame, StreamFrame):
            self._http().data(frame.stream, client, frame.offset, frame.data, frame.fin, mark)
        elif isinstance(frame, Reset):
            self._http().reset(frame.stream, client, frame.code, frame.stop, mark)
        elif isinstance(frame, Close):
            self._close_frame(client, frame, mark)
        elif frame.id and len(self.chosen) < MOST_IDS:
            self.chosen[frame.id] = client

    def _note_header(self, client: bool, header: Header) -> None:
        """What a long header tells: the version, and how its sender wants to be called."""
        if not client or not self.answered:
            self.version = header.version
        self.answered = self.answered or not client
        self.cids[client] = len(header.scid)
        if header.scid and len(self.chosen) < MOST_IDS:
            self.chosen[header.scid] = client

    def _start_again(self, client: bool, header: Header, packet: bytes, mark: Mark) -> None:
        """Retry and Version Negotiation: the client begins anew, under keys made of another connection id."""
        if client:
            return
        self.first_id = b""
        # its hello should be the same one again (RFC 9000 section 17.2.5.3), and is a new one with aioquic
        self.crypto.pop((Kind.INITIAL, True), None)
        self.pieces.pop((Kind.INITIAL, True), None)
        if self.draft is None:
            self.draft = Draft(self.context, mark, "quic")
        if header.kind is Kind.RETRY:
            self.draft.add_message(False, "Retry", mark, len(packet))
            return
        self.draft.add_message(False, "VersionNegotiation", mark, len(packet))
        offered = packet[7 + len(header.dcid) + len(header.scid) :]
        versions = [f"0x{int.from_bytes(offered[i : i + 4]):08x}" for i in range(0, min(len(offered), 64) - 3, 4)]
        text = f"the server does not speak QUIC version 0x{self.version:08x}; it offers {', '.join(versions) or 'none'}"
        problem = Problem(
            code="quic.version-negotiation",
            severity=Severity.NOTE,
            text=text,
            source=self.context.source,
            packet=mark.packet,
            reference="RFC 9000 section 6",
        )
        if all(p.code != problem.code for p in self.draft.problems):
            self.draft.problems.append(problem)

    def _open(self, client: bool, header: Header, packet: bytes) -> bytes | None:
        if len(packet) < header.number_at + 20:
            return None
        place = header.kind, client
        for keys in self._candidates(client, header):
            head, number = keys.unmask(packet, header.number_at)
            plain = keys.open(head, number, packet[len(head) :])
            if plain is None:
                continue
            known = self.keys.get(place)
            if known is not None and keys is not known and keys is not self.previous.get(place):
                self.previous[place] = known
            if keys is not self.previous.get(place):
                self.keys[place] = keys
            if keys.named is not None and self.draft is not None:
                self.draft.inside_random = keys.named
                self.draft.named = keys.named if header.kind is not Kind.ZERO_RTT else self.draft.named
            return plain
        return None

    def _candidates(self, client: bool, header: Header) -> Iterator[Keys]:
        """Keys that may open the packet, the likeliest first."""
        kind = header.kind
        known = self.keys.get((kind, client))
        if kind is Kind.INITIAL:
            yield from self._initial_candidates(client, header, known)
        elif known is not None:
            yield known
            if kind is Kind.ONE_RTT:
                yield known.updated()
                if (previous := self.previous.get((kind, client))) is not None:
                    yield previous
        else:
            yield from self._fresh_candidates(client, header)

    def _initial_candidates(self, client: bool, header: Header, known: Keys | None) -> Iterator[Keys]:
        """Both sides may change the version during the handshake (RFC 9368); the connection id stays the first."""
        if known is not None and known.version == header.version:
            yield known
        if not self.first_id:
            self.first_id = header.dcid if client else header.scid
        yield from (keys[client] for keys in initial_keys(self.first_id, header.version))
        if client and self.first_id != header.dcid:
            # the capture began later, or the first Initial was somebody else's
            yield from (keys[True] for keys in initial_keys(header.dcid, header.version))

    def _fresh_candidates(self, client: bool, header: Header) -> Iterator[Keys]:
        kind = header.kind
        label = {Kind.HANDSHAKE: HANDSHAKE[client], Kind.ONE_RTT: APPLICATION[client], Kind.ZERO_RTT: EARLY}[kind]
        if self.draft is None or self.draft.client_hello is None:
            return
        for random, secret, suite in Schedule(self.draft, self.log).candidates(label):
            if suite.kind != "ccm8":
                keys = Keys(suite, secret, header.version or self.version)
                keys.named = random if random != self.draft.client_hello.random else None
                yield keys

    # -- the handshake

    def _crypto(self, client: bool, kind: Kind, frame: Crypto, mark: Mark) -> None:
        assert self.draft is not None
        assembly = self.crypto.setdefault((kind, client), Assembly())
        for data, where, missing in assembly.add(frame.offset, frame.data, mark):
            if missing:
                self.pieces[kind, client] = b""
            data = self.pieces.get((kind, client), b"") + data
            while len(data) >= 4:
                length = int.from_bytes(data[1:4])
                if length > LONGEST_MESSAGE:
                    data = b""
                    break
                if len(data) < 4 + length:
                    break
                self._message(client, data[0], data[4 : 4 + length], where)
                data = data[4 + length :]
            self.pieces[kind, client] = data

    def _message(self, client: bool, kind: int, body: bytes, mark: Mark) -> None:
        assert self.draft is not None
        self.draft.add_message(client, message_name(kind, body), mark, len(body))
        try:
            messages.take(self.draft, client, kind, body)
        except (ShortError, ValueError):
            return
        if kind == 1 and self.draft.client_hello is not None:
            Schedule(self.draft, self.log).look_inside(body)
        if kind == 8:
            self.draft.decrypted = True
            if self.draft.early_data is False and self.h3 is not None:
                # streams begin anew, under the same numbers (RFC 9001 section 4.6.2)
                self.refused, self.h3 = self.h3, None

    def _close_frame(self, client: bool, frame: Close, mark: Mark) -> None:
        """CONNECTION_CLOSE; errors 0x100 to 0x1ff are TLS alerts (RFC 9001 section 4.8)."""
        assert self.draft is not None
        who = "client" if client else "server"
        if not frame.application and 0x100 <= frame.code <= 0x1FF:
            self.draft.add_alert(client, 2, frame.code & 0xFF, mark)
        if frame.code and not (frame.application and frame.code == 0x100):
            reason = frame.reason.decode("utf-8", "replace")
            self.closed_by = f"CONNECTION_CLOSE 0x{frame.code:x} by {who}" + (f": {reason}" if reason else "")

    # -- HTTP

    def _http(self) -> Any:
        if self.h3 is None:
            from tracer.http.h3 import H3Conversation

            assert self.draft is not None
            self.h3 = H3Conversation(self.context.inner(scheme="https", tls=self.draft.id))
        return self.h3

    # -- the end

    def _why_not(self, draft: Draft) -> WhyNot | None:
        """Why the handshake, or what follows it, stays closed."""
        hidden = self.sealed - self.opened - {Kind.INITIAL}
        if draft.early_data is False:
            hidden -= {Kind.ZERO_RTT}
        if not hidden:
            return None
        said = Schedule(draft, self.log).why_not()
        return WhyNot.WRONG if said is WhyNot.INCOMPLETE and not draft.decrypted and self._has_keys(draft) else said

    def _has_keys(self, draft: Draft) -> bool:
        return any(self.log.get(HANDSHAKE[False], random) for random in draft.randoms)

    def close(self) -> None:
        """No more datagrams will come."""
        if self.h3 is not None:
            self.h3.close(self.closed_by)
        if self.refused is not None:
            self.refused.close("early data that the server refused", self.h3.reported if self.h3 else ())
        draft, context = self.draft, self.context
        if draft is not None and (draft.client_hello or draft.server_hello):
            draft.why_not = self._why_not(draft)
            context.sink.handshake(draft.build())
        if self.first is None or self.last is None or context.connection is None:
            return
        context.sink.connection(
            Connection(
                id=context.connection,
                source=context.source,
                transport="quic",
                client=context.client,
                server=context.server,
                start_ns=self.first.time_ns,
                end_ns=self.last.time_ns,
                client_bytes=self.bytes[True],
                server_bytes=self.bytes[False],
                packets=self.packets,
                joined_late=draft is None or draft.client_hello is None,
                protocol="quic/h3" if self.h3 is not None else "quic",
            )
        )
