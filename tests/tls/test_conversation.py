"""TLS between two ends of the standard library, read back from the bytes they exchanged."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tls.authority import issue
from tests.tls.talk import Sent, far, logged, near, read
from tests.tls.talk import talk as meet_and_talk
from tracer.tls.keys import Keys


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PEM file with a certificate for a.example and its RSA key."""
    return issue("a.example", kind="rsa", signs=None).write(tmp_path_factory.mktemp("identity") / "a.pem")


def talk(identity: Path, log: Path, version: ssl.TLSVersion, ciphers: str = "DEFAULT") -> Sent:
    """What both ends sent, from the hello to close_notify."""
    return meet_and_talk(near(log, version, ciphers), far(identity, ciphers)).sent


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
    assert [c.subject for c in handshake.server_certs] == ["CN=a.example"]
    assert (handshake.client_cert_requested, handshake.client_cert_sent) == (False, False)
    assert [(a.client, a.name) for a in handshake.alerts] == [(False, "close_notify"), (True, "close_notify")]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_makes_no_difference_how_much_is_there_when_reading_begins(
    identity: Path, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    sent, keys = talk(identity, tmp_path / "log", version), logged(tmp_path / "log")
    bit_by_bit, at_once = read(sent, keys), read(sent, keys, together=True)
    assert at_once.handshakes == bit_by_bit.handshakes
    assert at_once.exchanges == bit_by_bit.exchanges


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
def test_any_bytes_are_read_to_their_end(sent: Sent) -> None:
    kept = read([(client, b"\x16\x03\x01" + data) for client, data in sent])
    assert len(kept.handshakes) <= 1 + len(sent)
