"""QUIC and HTTP/3 conversations made by aioquic in memory, read as an observer reads them."""

from __future__ import annotations

import io
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.quic.conversation import QuicConversation
from tracer.quic.protection import initial_keys
from tracer.tls.keys import Keys
from tracer.tls.secrets import expand_label
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark


@dataclass
class Collected:
    exchanges: list[Exchange] = field(default_factory=list)
    handshakes: list[Handshake] = field(default_factory=list)

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def handshake(self, handshake: Handshake) -> None:
        self.handshakes.append(handshake)

    def connection(self, connection: Connection) -> None: ...
    def problem(self, problem: Problem) -> None: ...


@pytest.fixture(scope="module")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "h3.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(0xABCDEF).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = builder.sign(key, hashes.SHA256())
    folder = tmp_path_factory.mktemp("quic")
    (folder / "c.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "k.pem").write_bytes(key.private_bytes(*pem))
    return folder / "c.pem", folder / "k.pem"


def talk(credentials: tuple[Path, Path], body: bytes) -> tuple[list[tuple[bool, bytes]], bytes]:
    """(datagrams in order, key log) of one GET answered with 403 and `body`."""
    log = io.StringIO()
    ours = QuicConfiguration(is_client=True, alpn_protocols=["h3"], server_name="h3.test", secrets_log_file=log)
    ours.verify_mode = ssl.CERT_NONE
    theirs = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    theirs.load_cert_chain(*credentials)
    client = QuicConnection(configuration=ours)
    client.connect(("2.2.2.2", 443), now=0.0)
    server = QuicConnection(
        configuration=theirs, original_destination_connection_id=client.original_destination_connection_id
    )
    sent: list[tuple[bool, bytes]] = []
    now, asked = 0.0, False
    speakers: dict[str, H3Connection] = {}
    for _ in range(60):
        now += 0.01
        for from_client, side, other in ((True, client, server), (False, server, client)):
            for data, _ in side.datagrams_to_send(now):
                sent.append((from_client, data))
                other.receive_datagram(data, ("1.1.1.1", 1), now)
        while (event := client.next_event()) is not None:
            if type(event).__name__ == "HandshakeCompleted" and not asked:
                asked = True
                h3 = H3Connection(client)
                fields = [
                    (b":method", b"GET"),
                    (b":scheme", b"https"),
                    (b":authority", b"h3.test"),
                    (b":path", b"/x?y=1"),
                ]
                h3.send_headers(0, fields, end_stream=True)
        while (event := server.next_event()) is not None:
            if not asked:
                continue
            speaker = speakers.setdefault("server", H3Connection(server))
            for found in speaker.handle_event(event):
                if isinstance(found, HeadersReceived):
                    speaker.send_headers(0, [(b":status", b"403"), (b"server", b"quiet")])
                    speaker.send_data(0, body, end_stream=True)
    return sent, log.getvalue().encode()


def observe(sent: list[tuple[bool, bytes]], log: bytes) -> Collected:
    sink, keys = Collected(), Keys()
    keys.add(log)
    context = Context(sink=sink, source="s", connection="c1", client="1.1.1.1:1", server="2.2.2.2:443", keys=keys)
    conversation = QuicConversation(context)
    for n, (from_client, data) in enumerate(sent, 1):
        conversation.datagram(from_client, data, Mark(n, n * 1000))
    conversation.close()
    return sink


def test_with_keys_an_exchange_is_read_whole(credentials: tuple[Path, Path]) -> None:
    body = b"no entry" * 2000
    found = observe(*talk(credentials, body))
    (exchange,) = found.exchanges
    assert exchange.request is not None
    assert exchange.response is not None
    assert (exchange.protocol, exchange.request.url) == ("HTTP/3", "https://h3.test/x?y=1")
    assert exchange.response.status == 403
    assert exchange.response.body.data == body
    (handshake,) = found.handshakes
    assert (handshake.version, handshake.alpn, handshake.sni) == ("TLSv1.3", "h3", "h3.test")
    assert handshake.server_certs is not None
    assert handshake.server_certs[0].serial == "abcdef"


def test_without_keys_the_hello_is_readable(credentials: tuple[Path, Path]) -> None:
    found = observe(talk(credentials, b"x")[0], b"")
    (handshake,) = found.handshakes
    assert handshake.sni == "h3.test"
    assert handshake.alpn_offered == ("h3",)
    assert handshake.ja4 is not None
    assert handshake.ja4.startswith("q13d")
    assert not handshake.decrypted
    assert not found.exchanges


def test_datagrams_out_of_order_change_nothing(credentials: tuple[Path, Path]) -> None:
    body = b"0123456789" * 3000
    sent, log = talk(credentials, body)
    late = len(sent) * 2 // 3
    sent[late], sent[late - 1] = sent[late - 1], sent[late]
    (exchange,) = observe(sent, log).exchanges
    assert exchange.response is not None
    assert exchange.response.body.data == body


def test_initial_secrets_are_those_of_the_specification() -> None:
    """RFC 9001 appendix A.1."""
    (keys,) = initial_keys(bytes.fromhex("8394c8f03e515708"), 1)
    client = expand_label(keys[True].secret, "quic key", b"", 16, "sha256")
    server = expand_label(keys[False].secret, "quic key", b"", 16, "sha256")
    assert client.hex() == "1f369613dd76d5467730efcbe3b1a22d"
    assert server.hex() == "cf3a5331653c364c88f0f379b6067e37"


def test_initial_secrets_of_a_draft_are_those_of_its_appendix() -> None:
    """draft-ietf-quic-tls-23 appendix A.1."""
    (keys,) = initial_keys(bytes.fromhex("8394c8f03e515708"), 0xFF000017)
    assert keys[True].secret.hex() == "fda3953aecc040e48b34e27ef87de3a6098ecf0e38b7e032c5c57bcbd5975b84"
    assert expand_label(keys[True].secret, "quic hp", b"", 16, "sha256").hex() == "a980b8b4fb7d9fbc13e814c23164253d"


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=200)), max_size=6))
def test_any_datagrams_are_passed_over_without_an_exception(sent: list[tuple[bool, bytes]]) -> None:
    observe([(c, bytes([0xC3]) + (1).to_bytes(4) + d) for c, d in sent], b"")
