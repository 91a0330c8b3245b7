"""TLS between two ends of the standard library, read back from the bytes they exchanged."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from tracer.model.connection import Connection
from tracer.model.http import Exchange
from tracer.model.problem import Problem
from tracer.model.tls import Handshake
from tracer.tls.conversation import TlsConversation
from tracer.tls.keys import Keys
from tracer.transport.conversation import Context
from tracer.transport.stream import Mark, Stream

REQUEST = b"GET /secret HTTP/1.1\r\nHost: a.example\r\n\r\n"
RESPONSE = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
Talk = list[tuple[bool, bytes]]


class Kept:
    """A sink that keeps what it gets."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.handshakes: list[Handshake] = []

    def exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def handshake(self, handshake: Handshake) -> None:
        self.handshakes.append(handshake)

    def connection(self, connection: Connection) -> None: ...
    def problem(self, problem: Problem) -> None: ...


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a certificate for a.example and its RSA key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a.example")])
    start = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0x0ABC, start, start + datetime.timedelta(9999))
    certificate = builder.sign(key, hashes.SHA256())
    form = serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("identity") / "a.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    )
    return path


def talk(identity: Path, log: Path, version: ssl.TLSVersion, ciphers: str = "DEFAULT") -> Talk:
    """What both ends sent, from the hello to close_notify."""
    near = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    near.check_hostname, near.verify_mode = False, ssl.CERT_NONE
    near.keylog_filename = str(log)
    near.minimum_version = near.maximum_version = version
    near.set_ciphers(ciphers)
    near.set_alpn_protocols(["http/1.1"])
    far = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    far.load_cert_chain(identity)
    far.set_ciphers(ciphers)
    far.set_alpn_protocols(["http/1.1"])
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = near.wrap_bio(down, up, server_hostname="a.example")
    server = far.wrap_bio(up, down, server_side=True)
    sent: Talk = []

    def step(end: ssl.SSLObject, is_client: bool, act: str, *values: bytes | int) -> bool:
        """Run one call, note what it sent; False when it waits for the other end."""
        out = up if is_client else down
        before = out.read()
        try:
            getattr(end, act)(*values)
            done = True
        except ssl.SSLWantReadError:
            done = False
        fresh = out.read()
        out.write(before + fresh)
        if fresh:
            sent.append((is_client, fresh))
        return done

    ready = [False, False]
    while not all(ready):
        ready = [step(client, True, "do_handshake"), step(server, False, "do_handshake")]
    step(client, True, "write", REQUEST)
    step(server, False, "read", 4096)
    step(server, False, "write", RESPONSE)
    step(client, True, "read", 4096)
    step(server, False, "unwrap")
    step(client, True, "unwrap")
    return sent


def read(sent: Talk, keys: Keys | None = None, piece: int = 1 << 20) -> Kept:
    """The conversation over those bytes, delivered in pieces."""
    kept = Kept()
    context = Context(
        sink=kept, source="x", connection="c1", client="10.0.0.1:1", server="10.0.0.2:443", keys=keys or Keys()
    )
    streams = {True: Stream(), False: Stream()}
    conversation = TlsConversation(context, streams[True], streams[False])
    packet = 0
    for client, data in sent:
        for at in range(0, len(data), piece):
            packet += 1
            streams[client].push(data[at : at + piece], Mark(packet, packet * 1000))
            conversation.advance()
    streams[True].closed = streams[False].closed = True
    conversation.advance()
    return kept


def logged(log: Path) -> Keys:
    keys = Keys()
    keys.add(log.read_bytes(), "keys")
    return keys


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_key_log_opens_the_connection_however_it_was_cut_into_segments(
    identity: Path, tmp_path: Path, version: ssl.TLSVersion, piece: int
) -> None:
    kept = read(talk(identity, tmp_path / "log", version), logged(tmp_path / "log"), piece)
    (handshake,), (exchange,) = kept.handshakes, kept.exchanges
    assert exchange.response is not None
    assert exchange.response.status == 403
    assert (handshake.sni, handshake.alpn, handshake.decrypted) == ("a.example", "http/1.1", True)
    assert handshake.server_certs is not None
    assert [(c.subject, c.serial) for c in handshake.server_certs] == [("CN=a.example", "abc")]
    assert (handshake.client_cert_requested, handshake.client_cert_sent) == (False, False)
    assert [(a.client, a.name) for a in handshake.alerts] == [(False, "close_notify"), (True, "close_notify")]


def test_without_keys_tls_1_3_hides_the_certificate_and_says_why(identity: Path, tmp_path: Path) -> None:
    kept = read(talk(identity, tmp_path / "log", ssl.TLSVersion.TLSv1_3))
    (handshake,) = kept.handshakes
    assert (handshake.version, handshake.server_certs, handshake.client_cert_requested) == ("TLSv1.3", None, None)
    assert (handshake.decrypted, handshake.why_not, kept.exchanges) == (False, "no keys", [])


@pytest.mark.parametrize("cipher", ["AES128-SHA", "AES256-GCM-SHA384"])
def test_the_servers_rsa_key_opens_an_rsa_key_exchange(identity: Path, tmp_path: Path, cipher: str) -> None:
    sent = talk(identity, tmp_path / "log", ssl.TLSVersion.TLSv1_2, f"{cipher}:@SECLEVEL=0")
    keys = Keys()
    keys.add(identity.read_bytes()[identity.read_bytes().index(b"-----BEGIN PRIVATE") :], "server.key")
    (exchange,) = read(sent, keys).exchanges
    assert exchange.request is not None
    assert exchange.request.target == "/secret"


def test_keys_of_another_connection_open_nothing(identity: Path, tmp_path: Path) -> None:
    talk(identity, tmp_path / "other", ssl.TLSVersion.TLSv1_3)
    kept = read(talk(identity, tmp_path / "log", ssl.TLSVersion.TLSv1_3), logged(tmp_path / "other"))
    assert kept.exchanges == []
    assert kept.handshakes[0].why_not == "no keys for this client random"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=200)), max_size=6))
def test_any_bytes_are_read_to_their_end(sent: Talk) -> None:
    kept = read([(client, b"\x16\x03\x01" + data) for client, data in sent])
    assert len(kept.handshakes) <= 1 + len(sent)
