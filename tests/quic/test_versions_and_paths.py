"""What happens around a QUIC conversation: other versions, Retry, 0-RTT, migration, datagrams out of order. Both ends
are aioquic's."""

from __future__ import annotations

import io
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicProtocolVersion, encode_quic_retry, encode_quic_version_negotiation

from tracer.capture.capture import Capture
from tracer.http.detect import conversation
from tracer.model.problem import Problem
from tracer.pipeline import read
from tracer.quic.packet import read_header
from tracer.tls.keys import Keys
from tracer.transport.reader import read_connections

from .test_aioquic_conversations import Collected, credentials, observe

__all__ = ["credentials"]
Files = tuple[Path, Path]
Sent = list[tuple[bool, bytes]]
V1, V2 = QuicProtocolVersion.VERSION_1, QuicProtocolVersion.VERSION_2


@dataclass
class Talk:
    """A client and a server, their datagrams, and their key log."""

    client: QuicConnection
    server: QuicConnection | None
    make_server: Callable[..., QuicConnection]
    log: io.StringIO
    sent: Sent = field(default_factory=list)
    now: float = 0.0
    asked: int = 0
    place: tuple[str, int] = ("1.1.1.1", 1)
    http: dict[QuicConnection, H3Connection] = field(default_factory=dict)

    def turn(self, times: int = 10) -> None:
        """Hand over what both have to say, and answer requests with 403."""
        for _ in range(times):
            self.now += 0.02
            for data, _ in self.client.datagrams_to_send(self.now):
                self.sent.append((True, data))
                if self.server is None:
                    self.server = self.make_server(read_header(data, 0, 8).dcid)
                self.server.receive_datagram(data, self.place, self.now)
            if self.server is None:
                continue
            for data, _ in self.server.datagrams_to_send(self.now):
                self.sent.append((False, data))
                self.client.receive_datagram(data, ("2.2.2.2", 443), self.now)
            for side in (self.client, self.server):
                while (event := side.next_event()) is not None:
                    speaker = self.speaker(side)
                    for found in speaker.handle_event(event):
                        if side is self.server and isinstance(found, HeadersReceived):
                            speaker.send_headers(found.stream_id, [(b":status", b"403")], end_stream=True)

    def speaker(self, side: QuicConnection) -> H3Connection:
        if side not in self.http:
            self.http[side] = H3Connection(side)
        return self.http[side]

    def ask(self, path: str) -> None:
        speaker = self.speaker(self.client)
        fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"h3.test"), (b":path", path.encode())]
        speaker.send_headers(self.client.get_next_available_stream_id(), fields, end_stream=True)

    @property
    def keys(self) -> bytes:
        return self.log.getvalue().encode()


def talk(files: Files, ours: dict[str, Any] | None = None, **server: Any) -> Talk:
    """Both ends, configured with these differences, before their first datagram."""
    log = io.StringIO()
    near = QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], server_name="h3.test", secrets_log_file=log, **(ours or {})
    )
    near.verify_mode = ssl.CERT_NONE
    far = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    far.load_cert_chain(*files)
    client = QuicConnection(configuration=near, session_ticket_handler=server.pop("keep", None))

    def make(first_id: bytes, **more: Any) -> QuicConnection:
        return QuicConnection(configuration=far, original_destination_connection_id=first_id, **server, **more)

    client.connect(("2.2.2.2", 443), now=0.0)
    return Talk(client, None, make, log)


def said(found: Collected) -> list[tuple[str | None, int | None]]:
    return [
        (e.request.target if e.request else None, e.response.status if e.response else None) for e in found.exchanges
    ]


def test_a_client_of_version_1_and_a_server_that_prefers_2_agree_on_2(credentials: Files) -> None:
    """RFC 9368: the version changes between the first Initial and its answer."""
    versions = {"original_version": V1, "supported_versions": [V2, V1]}
    t = talk(credentials, versions)
    t.turn()
    t.ask("/2")
    t.turn()
    assert {read_header(d, 0, 8).version for c, d in t.sent if not c and d[0] & 0x80} == {V2}
    found = observe(t.sent, t.keys)
    assert said(found) == [("/2", 403)]
    assert found.handshakes[0].decrypted
    without = observe(t.sent, b"").handshakes[0]
    assert (without.sni, without.cipher) == ("h3.test", found.handshakes[0].cipher)


def test_version_2_from_the_start_is_read(credentials: Files) -> None:
    t = talk(credentials, {"original_version": V2, "supported_versions": [V2]})
    t.turn()
    t.ask("/")
    t.turn()
    assert said(observe(t.sent, t.keys)) == [("/", 403)]


def test_after_a_retry_the_keys_are_those_of_the_new_connection_id(credentials: Files) -> None:
    t = talk(credentials)
    ((first, _),) = t.client.datagrams_to_send(0.01)
    header = read_header(first, 0, 8)
    retry = encode_quic_retry(V1, b"\7" * 8, header.scid, header.dcid, b"token")
    t.sent += [(True, first), (False, retry)]
    t.client.receive_datagram(retry, ("2.2.2.2", 443), 0.02)
    t.server = t.make_server(header.dcid, retry_source_connection_id=b"\7" * 8)
    t.turn()
    t.ask("/again")
    t.turn()
    found = observe(t.sent, t.keys)
    assert said(found) == [("/again", 403)]
    assert next(m.name for m in found.handshakes[0].messages if not m.client) == "Retry"


def test_a_server_without_the_version_says_which_it_has(credentials: Files) -> None:
    t = talk(credentials)
    ((first, _),) = t.client.datagrams_to_send(0.01)
    header = read_header(first, 0, 8)
    answer = encode_quic_version_negotiation(header.dcid, header.scid, [0xFF00001D, V2])
    (handshake,) = observe([(True, first), (False, answer)], b"").handshakes
    assert [m.name for m in handshake.messages] == ["ClientHello", "VersionNegotiation"]
    (problem,) = handshake.problems
    assert "does not speak QUIC version 0x00000001; it offers 0xff00001d, 0x6b3343cf" in problem.text


def test_early_data_of_a_resumed_session_is_read(credentials: Files) -> None:
    tickets: list[Any] = []
    store: dict[bytes, Any] = {}
    server: dict[str, Any] = {
        "session_ticket_handler": lambda ticket: store.__setitem__(ticket.ticket, ticket),
        "session_ticket_fetcher": lambda name: store.get(name),
    }
    first = talk(credentials, None, keep=tickets.append, **server)
    first.turn()
    t = talk(credentials, {"session_ticket": tickets[0]}, **server)
    t.ask("/early")
    t.turn()
    assert "CLIENT_EARLY_TRAFFIC_SECRET" in t.log.getvalue()
    found = observe(t.sent, t.keys)
    assert said(found) == [("/early", 403)]
    assert (found.handshakes[0].early_data, found.handshakes[0].resumed) == (True, True)


def test_packets_that_came_before_the_hello_wait_for_it(credentials: Files) -> None:
    t = talk(credentials)
    t.turn()
    t.ask("/late")
    t.turn()
    hello = next(i for i, (client, _) in enumerate(t.sent) if not client)
    sent = [*t.sent[:hello], *t.sent[hello + 1 : hello + 4], t.sent[hello], *t.sent[hello + 4 :]]
    assert said(observe(sent, t.keys)) == [("/late", 403)]


def test_a_greased_fixed_bit_hides_no_packet(credentials: Files) -> None:
    """RFC 9287: peers that agreed to it send anything there; the bit is authenticated, so the packet is sealed anew."""
    from tracer.quic.packet import Kind
    from tracer.quic.protection import Keys as Protection
    from tracer.tls.suites import suite_of

    t = talk(credentials)
    t.turn()
    t.ask("/grease")
    t.turn()
    found = observe(t.sent, t.keys)
    suite = suite_of(
        {"TLS_AES_256_GCM_SHA384": 0x1302, "TLS_AES_128_GCM_SHA256": 0x1301}[str(found.handshakes[0].cipher)]
    )
    assert suite is not None
    secrets = dict(line.split(" ")[::2] for line in t.log.getvalue().splitlines())
    greased, changed = [], 0
    protections = {
        side: Protection(suite, bytes.fromhex(secrets[f"{name}_TRAFFIC_SECRET_0"]), 1)
        for side, name in ((True, "CLIENT"), (False, "SERVER"))
    }
    for client, data in t.sent:
        if not data[0] & 0x80:
            header = read_header(data, 0, 8)
            assert header.kind is Kind.ONE_RTT
            keys = protections[client]
            head, number = keys.unmask(data, header.number_at)
            plain = keys.open(head, number, data[len(head) :])
            if plain is not None:
                data = _sealed(keys, bytes([head[0] & ~0x40]) + head[1:], number, plain, header.number_at)
                changed += 1
        greased.append((client, data))
    assert changed > 2
    assert said(observe(greased, t.keys)) == [("/grease", 403)]


@pytest.mark.parametrize(
    ("version", "like", "crypto"),
    [
        (0xFF00001B, 0xFF00001B, 0x06),
        (0xFF000020, 0xFF000020, 0x06),
        (0xFACEB001, 0xFF000016, 0x06),
        (0x54303531, 0x54303531, 0x08),
        (0x1A2A3A4A, 0xFF00001D, 0x06),
    ],
    ids=["draft 27", "draft 32", "mvfst is draft 22", "T051 has frames of its own", "grease of a draft 29 client"],
)
def test_the_hello_of_an_earlier_version_is_read(credentials: Files, version: int, like: int, crypto: int) -> None:
    from tracer.quic.protection import initial_keys

    t = talk(credentials)
    ((first, _),) = t.client.datagrams_to_send(0.01)
    header = read_header(first, 0, 8)
    (keys,) = initial_keys(header.dcid, V1)
    head, number = keys[True].unmask(first, header.number_at)
    plain = keys[True].open(head, number, first[len(head) : header.end])
    assert plain is not None
    assert plain[0] == 0x06
    (other,) = initial_keys(header.dcid, like)
    head = head[:1] + version.to_bytes(4) + head[5:]
    sealed = _sealed(other[True], head, number, bytes([crypto]) + plain[1:], header.number_at)
    (handshake,) = observe([(True, sealed)], b"").handshakes
    assert (handshake.sni, handshake.transport) == ("h3.test", "quic")


def _sealed(keys: Any, head: bytes, number: int, plain: bytes, number_at: int) -> bytes:
    body: bytes = keys._aead.encrypt((keys._iv ^ number).to_bytes(12), plain, head)
    packet = head + body
    mask = keys._hp(packet[number_at + 4 : number_at + 20])
    covered = bytes(a ^ b for a, b in zip(head[number_at:], mask[1:], strict=False))
    return bytes([head[0] ^ mask[0] & (0x0F if head[0] & 0x80 else 0x1F)]) + head[1:number_at] + covered + body


def test_a_client_that_moves_is_followed(credentials: Files, tmp_path: Path) -> None:
    t = talk(credentials)
    t.turn()
    t.ask("/here")
    t.turn()
    before = len(t.sent)
    t.client.change_connection_id()
    t.place = ("1.1.1.9", 4444)
    t.ask("/there")
    t.turn(20)
    frames = []
    for i, (client, data) in enumerate(t.sent):
        here = (bytes((1, 1, 1, 1)), 40000) if i < before else (bytes((1, 1, 1, 9)), 4444)
        there = bytes((2, 2, 2, 2)), 443
        frames.append(_frame(*(here, there) if client else (there, here), data))
    path = tmp_path / "moved.pcap"
    records = [struct.pack("<IIII", 1_700_000_000, i, len(f), len(f)) + f for i, f in enumerate(frames)]
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))

    @dataclass
    class Kept(Collected):
        connections: list[Any] = field(default_factory=list)
        problems: list[Problem] = field(default_factory=list)

        def connection(self, connection: Any) -> None:
            self.connections.append(connection)

        def problem(self, problem: Problem) -> None:
            self.problems.append(problem)

    kept, keys = Kept(), Keys()
    keys.add(t.keys)
    capture = Capture.open(path)
    read_connections(capture.blocks(), capture.base, kept, source="m", converse=conversation, keys=keys)
    assert said(kept) == [("/here", 403), ("/there", 403)]
    assert len(kept.connections) == 1
    (problem,) = kept.problems
    assert problem.code == "quic.migrated"
    assert "1.1.1.1:40000 went on from 1.1.1.9:4444" in problem.text


def _frame(source: tuple[bytes, int], target: tuple[bytes, int], data: bytes) -> bytes:
    udp = struct.pack(">HHHH", source[1], target[1], 8 + len(data), 0) + data
    ip = struct.pack(">BBHHHBBH", 69, 0, 20 + len(udp), 1, 0, 64, 17, 0) + source[0] + target[0]
    return bytes(12) + b"\x08\0" + ip + udp


def test_what_began_before_the_capture_is_told(credentials: Files, tmp_path: Path) -> None:
    t = talk(credentials)
    t.turn()
    late = len(t.sent)
    for target in ("/one", "/two", "/three"):
        t.ask(target)
        t.turn()
    here, there = (bytes((1, 1, 1, 1)), 40000), (bytes((2, 2, 2, 2)), 443)
    frames = [_frame(*(here, there) if client else (there, here), data) for client, data in t.sent[late:]]
    records = [struct.pack("<IIII", 1_700_000_000, i, len(f), len(f)) + f for i, f in enumerate(frames)]
    path = tmp_path / "late.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))
    trace = read([path], judge=False).trace
    assert ([*trace.exchanges()], [p.code for p in trace.problems()]) == ([], ["quic.joined-late"])
