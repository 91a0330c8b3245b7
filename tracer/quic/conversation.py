"""A QUIC connection from its datagrams (RFC 9000, RFC 9001): the handshake always, the rest with keys.

Initial packets are protected by keys that anybody can derive, so the hellos are readable without any key log.
"""

from __future__ import annotations

from typing import Any

from tracer.model.connection import Connection
from tracer.tls import messages
from tracer.tls.draft import Draft
from tracer.tls.hello import message_name
from tracer.tls.keys import Keys as KeyLog
from tracer.tls.suites import suite_of
from tracer.tls.unopened import WhyNot
from tracer.tls.wire import ShortError
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark

from .assembly import Assembly
from .frames import Close, Crypto, Reset, StreamFrame, read_frames
from .packet import Header, Kind, PacketError, read_header
from .protection import Keys, initial_keys

HANDSHAKE = {True: "CLIENT_HANDSHAKE_TRAFFIC_SECRET", False: "SERVER_HANDSHAKE_TRAFFIC_SECRET"}
APPLICATION = {True: "CLIENT_TRAFFIC_SECRET_0", False: "SERVER_TRAFFIC_SECRET_0"}
EARLY = "CLIENT_EARLY_TRAFFIC_SECRET"
LONGEST_MESSAGE = 1 << 18


class QuicConversation:
    """Reads one QUIC connection; datagrams in capture order."""

    def __init__(self, context: Context, base: Any = None) -> None:  # noqa: ARG002  # payloads come as bytes
        self.context = context
        self.log: KeyLog = context.keys if context.keys is not None else KeyLog()
        self.version = 0
        self.draft: Draft | None = None
        self.initial: dict[bool, Keys] = {}
        self.keys: dict[tuple[Kind, bool], Keys] = {}
        self.cids: dict[bool, int] = {}
        """length of the connection ids that a side chose for packets to itself"""
        self.crypto: dict[tuple[Kind, bool], Assembly] = {}
        self.pieces: dict[tuple[Kind, bool], bytes] = {}
        self.h3: Any = None
        self.first: Mark | None = None
        self.last: Mark | None = None
        self.packets = 0
        self.bytes = {True: 0, False: 0}
        self.closed_by: str | None = None

    # -- packets

    def datagram(self, client: bool, data: bytes, mark: Mark) -> None:
        """Read the packets of one datagram."""
        self.first, self.last = self.first or mark, mark
        self.packets += 1
        self.bytes[client] += len(data)
        at = 0
        while at < len(data):
            try:
                header = read_header(data, at, self.cids.get(not client, 8))
            except PacketError:
                return
            packet = data[at : header.end]
            at = header.end
            self._packet(client, header, packet, mark)

    def _packet(self, client: bool, header: Header, packet: bytes, mark: Mark) -> None:
        if header.kind is Kind.NEGOTIATION or header.kind is Kind.RETRY:
            self.initial.clear()
            return
        if header.version:
            self.version = header.version
            self.cids[client] = len(header.scid)
        plain = self._open(client, header, packet)
        if plain is None:
            return
        if self.draft is None:
            self.draft = Draft(self.context, mark, "quic")
        for frame in read_frames(plain):
            if isinstance(frame, Crypto):
                self._crypto(client, header.kind, frame, mark)
            elif isinstance(frame, StreamFrame):
                self._http().data(frame.stream, client, frame.offset, frame.data, frame.fin, mark)
            elif isinstance(frame, Reset):
                self._http().reset(frame.stream, client, frame.code, frame.stop, mark)
            elif isinstance(frame, Close):
                self._close_frame(client, frame, mark)

    def _open(self, client: bool, header: Header, packet: bytes) -> bytes | None:
        if len(packet) < header.number_at + 20:
            return None
        for keys in self._candidates(client, header):
            head, number = keys.unmask(packet, header.number_at)
            plain = keys.open(head, number, packet[len(head) :])
            if plain is not None:
                self.keys[header.kind, client] = keys
                return plain
        return None

    def _candidates(self, client: bool, header: Header) -> list[Keys]:
        """Keys that may open the packet, the likeliest first."""
        kind = header.kind
        known = self.keys.get((kind, client))
        if kind is Kind.INITIAL:
            found = [known] if known else []
            if client:
                fresh = initial_keys(header.dcid, header.version)
                if not self.initial or known is None:
                    self.initial = fresh
                found.append(fresh[True])
            elif self.initial:
                found.append(self.initial[False])
            else:
                found += [initial_keys(header.scid, header.version)[False]]
            return found
        if known is not None:
            return [known, known.updated()] if kind is Kind.ONE_RTT else [known]
        label = {Kind.HANDSHAKE: HANDSHAKE[client], Kind.ONE_RTT: APPLICATION[client], Kind.ZERO_RTT: EARLY}[kind]
        hello = self.draft.client_hello if self.draft else None
        secret = self.log.get(label, hello.random) if hello else None
        if secret is None or hello is None or self.draft is None:
            return []
        answer = self.draft.server_hello
        suites = [suite_of(answer.cipher)] if answer else [suite_of(c) for c in hello.ciphers]
        return [Keys(s, secret, self.version) for s in suites if s and s.is_aead and s.kind != "ccm8"]

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
        if kind == 8:
            self.draft.decrypted = True
        if kind == 2 and not self.draft.decrypted:
            random = self.draft.client_hello.random if self.draft.client_hello else b""
            if self.log.get(HANDSHAKE[False], random) is None:
                self.draft.why_not = WhyNot.NO_SECRET if len(self.log) else WhyNot.NO_KEYS

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

    def close(self) -> None:
        """No more datagrams will come."""
        if self.h3 is not None:
            self.h3.close(self.closed_by)
        draft, context = self.draft, self.context
        if draft is not None and (draft.client_hello or draft.server_hello):
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
