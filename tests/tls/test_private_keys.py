"""The server's RSA key in the forms it is kept in."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from tests.tls.authority import DER, Identity, issue
from tests.tls.talk import Sent, far, meet, near, read, talk
from tracer.tls.keys import Keys

SUITE = "AES128-GCM-SHA256:@SECLEVEL=0"
NEAR = ssl.TLSVersion.TLSv1_2


@pytest.fixture(scope="module")
def server() -> Identity:
    return issue("a.example", kind="rsa", signs=None)


@pytest.fixture(scope="module")
def sent(server: Identity, tmp_path_factory: pytest.TempPathFactory) -> Sent:
    path = server.write(tmp_path_factory.mktemp("rsa") / "a.pem")
    return talk(near(None, NEAR, SUITE), far(path, SUITE)).sent


def opens(sent: Sent, data: bytes, password: bytes | None = None) -> tuple[bool, list[str]]:
    keys = Keys(password)
    keys.add(data, "server.key")
    kept = read(sent, keys)
    return kept.handshakes[0].decrypted, [f"{p.code}: {p.text}" for p in keys.take_problems()]


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_pem_opens_an_rsa_key_exchange(server: Identity, sent: Sent, form: str) -> None:
    assert opens(sent, server.private(form=form)) == (True, [])


def test_a_certificate_and_words_around_the_key_do_no_harm(server: Identity, sent: Sent) -> None:
    assert opens(sent, b"Bag Attributes\n" + server.pem + server.private()) == (True, [])


def test_der_opens_it(server: Identity, sent: Sent) -> None:
    assert opens(sent, server.private(encoding=DER)) == (True, [])


def test_pkcs12_opens_it(server: Identity, sent: Sent) -> None:
    lock = serialization.BestAvailableEncryption(b"word")
    data = pkcs12.serialize_key_and_certificates(b"a", server.key, server.certificate, None, lock)
    assert opens(sent, data, b"word") == (True, [])


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_a_password_is_used(server: Identity, sent: Sent, form: str) -> None:
    assert opens(sent, server.private(b"word", form), b"word") == (True, [])


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("password", [None, b"wrong"])
def test_a_missing_or_wrong_password_is_said(server: Identity, sent: Sent, form: str, password: bytes | None) -> None:
    opened, (problem,) = opens(sent, server.private(b"word", form), password)
    assert not opened
    assert problem.startswith("keys.password")
    assert "TRACER_KEY_PASSWORD" in problem


def test_a_password_that_is_not_needed_does_no_harm(server: Identity, sent: Sent) -> None:
    assert opens(sent, server.private(), b"word") == (True, [])


def test_a_key_that_signs_only_is_said_to_open_nothing(sent: Sent) -> None:
    opened, (problem,) = opens(sent, issue("b.example").private())
    assert not opened
    assert "only RSA key exchange" in problem


def test_a_key_of_another_server_opens_nothing(sent: Sent) -> None:
    assert opens(sent, issue("b.example", kind="rsa").private()) == (False, [])


def test_a_session_resumed_by_ticket_is_opened_where_its_first_handshake_was_seen(
    server: Identity, tmp_path: Path
) -> None:
    path = server.write(tmp_path / "a.pem")
    client, there = near(None, NEAR, SUITE), far(path, SUITE)
    first = talk(client, there)
    second = meet(client, there, first.client.session)
    second.shake()
    second.exchange()
    keys = Keys()
    keys.add(server.private(), "server.key")
    read(first.sent, keys)
    kept = read(second.sent, keys)
    assert kept.handshakes[0].resumed
    assert [e.response.status for e in kept.exchanges if e.response] == [403]
