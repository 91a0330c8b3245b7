"""Handshakes that take another way: resumed, retried, renewed keys, late certificates, late keys."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.tls.authority import issue
from tests.tls.talk import Sent, far, logged, meet, near, read, talk
from tracer.tls.keys import Keys

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue("a.example").write(tmp_path_factory.mktemp("server") / "a.pem")


def statuses(sent: Sent, keys: Keys) -> list[int]:
    return [e.response.status for e in read(sent, keys).exchanges if e.response]


@pytest.mark.parametrize("version", [V12, V13])
def test_a_session_resumed_by_ticket_is_read(identity: Path, tmp_path: Path, version: ssl.TLSVersion) -> None:
    client, server = near(tmp_path / "log", version), far(identity)
    first = talk(client, server)
    second = talk(client, server, first.client.session)
    kept = read(second.sent, logged(tmp_path / "log"))
    (handshake,) = kept.handshakes
    assert (handshake.resumed, handshake.decrypted, handshake.server_certs) == (True, True, ())
    assert statuses(second.sent, logged(tmp_path / "log")) == [403]


def test_a_hello_retry_request_is_one_handshake(identity: Path, tmp_path: Path) -> None:
    server = far(identity)
    server.set_ecdh_curve("secp384r1")
    sent = talk(near(tmp_path / "log"), server).sent
    (handshake,) = read(sent, logged(tmp_path / "log")).handshakes
    names = [(m.client, m.name) for m in handshake.messages]
    assert names[:4] == [
        (True, "ClientHello"),
        (False, "HelloRetryRequest"),
        (True, "ClientHello"),
        (False, "ServerHello"),
    ]
    assert (handshake.group, handshake.decrypted) == ("secp384r1", True)
    assert statuses(sent, logged(tmp_path / "log")) == [403]


@pytest.mark.parametrize("sends", [True, False])
def test_a_certificate_asked_for_after_the_handshake_is_seen(identity: Path, tmp_path: Path, sends: bool) -> None:
    authority = issue("CA", ca=True)
    trusts = authority.write(tmp_path / "ca.pem")
    own = issue("me", authority).write(tmp_path / "me.pem") if sends else None
    client, server = near(tmp_path / "log", identity=own), far(identity)
    client.post_handshake_auth = server.post_handshake_auth = True
    server.load_verify_locations(trusts)
    server.verify_mode = ssl.CERT_OPTIONAL
    ends = meet(client, server)
    ends.shake()
    ends.exchange()
    ends.step(False, "verify_client_post_handshake")
    ends.exchange()
    ends.exchange()
    (handshake,) = read(ends.sent, logged(tmp_path / "log")).handshakes
    assert (handshake.client_cert_requested, handshake.client_cert_sent) == (True, sends)
    assert [c.subject for c in handshake.client_certs or ()] == (["CN=me"] if sends else [])
    assert statuses(ends.sent, logged(tmp_path / "log")) == [403, 403, 403]


class Growing:
    """A key log that is written while the capture runs."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.written = 0
        self.given = 0

    def read(self) -> bytes:
        fresh = self.data[self.given : self.written]
        self.given = self.written
        return fresh


@pytest.mark.parametrize("version", [V12, V13])
@pytest.mark.parametrize("cut", [0, 40])
def test_keys_that_come_after_the_records_open_them(
    identity: Path, tmp_path: Path, version: ssl.TLSVersion, cut: int
) -> None:
    sent = talk(near(tmp_path / "log", version), far(identity)).sent
    log = Growing((tmp_path / "log").read_bytes())
    keys = Keys()
    keys.follow(log.read, "keys")

    def arrived(packet: int) -> None:
        log.written = cut if packet < 5 else len(log.data)

    kept = read(sent, keys, arrived=arrived)
    assert [e.response.status for e in kept.exchanges if e.response] == [403]
    assert list(keys.take_problems()) == []


def test_records_whose_keys_never_come_are_let_go_in_the_end(identity: Path, tmp_path: Path) -> None:
    sent = talk(near(tmp_path / "log"), far(identity)).sent
    keys = Keys()
    keys.follow(lambda: b"", "keys")
    (handshake,) = read(sent, keys).handshakes
    assert not handshake.decrypted
    assert handshake.why_not == "no keys"
