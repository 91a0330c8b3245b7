"""The rule is opened in one pass; the rest is left to the general reader.

That both say the same is looked at by `talk.read`, for every conversation of the tests here."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.tls.authority import issue
from tests.tls.talk import REQUEST, RESPONSE, Ends, Sent, far, logged, meet, near
from tests.whole import wholes
from tracer.tls.keys import Keys
from tracer.tls.whole import open_whole, random_of
from tracer.transport.whole import Whole

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13])


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue("a.example").write(tmp_path_factory.mktemp("server") / "a.pem")


def said(tmp_path: Path, identity: Path, version: ssl.TLSVersion, ciphers: str = "DEFAULT") -> tuple[Ends, Keys]:
    """A handshake and three exchanges."""
    log = tmp_path / "keys"
    ends = meet(near(log, version, ciphers), far(identity, ciphers))
    ends.shake()
    for _ in range(3):
        ends.exchange()
    return ends, logged(log)


def opened(sent: Sent, keys: Keys) -> tuple[Whole, Whole] | None:
    return open_whole(*wholes((client, data, n, n * 1000) for n, (client, data) in enumerate(sent, 1)), keys)


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"])
@BOTH
def test_what_both_sides_said_is_there_with_the_packets_that_brought_it(
    tmp_path: Path, identity: Path, version: ssl.TLSVersion, cipher: str
) -> None:
    ends, keys = said(tmp_path, identity, version, cipher)
    ends.close()
    found = opened(ends.sent, keys)
    assert found is not None
    assert [side.data for side in found] == [REQUEST * 3, RESPONSE * 3]
    for side, message, client in zip(found, (REQUEST, RESPONSE), (True, False), strict=True):
        packets = [n for n, (by, _) in enumerate(ends.sent, 1) if by == client]
        brought = [side.mark(i * len(message)).packet for i in range(3)]
        assert brought == packets[-4:-1]  # the last one is close_notify


@BOTH
def test_a_record_that_does_not_verify_is_left_to_the_general_reader(
    tmp_path: Path, identity: Path, version: ssl.TLSVersion
) -> None:
    ends, keys = said(tmp_path, identity, version)
    for at in (-1, -2):
        client, data = ends.sent[at]
        changed = [*ends.sent]
        changed[at] = client, data[:-1] + bytes([data[-1] ^ 1])
        assert opened(ends.sent, keys) is not None
        assert opened(changed, keys) is None


@BOTH
def test_a_connection_that_ends_inside_a_record_is_left_to_the_general_reader(
    tmp_path: Path, identity: Path, version: ssl.TLSVersion
) -> None:
    ends, keys = said(tmp_path, identity, version)
    client, data = ends.sent[-1]
    assert opened([*ends.sent[:-1], (client, data[:-1])], keys) is None


@BOTH
def test_a_connection_without_keys_is_left_to_the_general_reader(
    tmp_path: Path, identity: Path, version: ssl.TLSVersion
) -> None:
    ends, keys = said(tmp_path, identity, version)
    random = random_of(ends.sent[0][1])
    assert keys.opens(random)
    assert not Keys().opens(random)
    assert opened(ends.sent, Keys()) is None


def test_a_session_that_is_renewed_is_left_to_the_general_reader(tmp_path: Path, identity: Path) -> None:
    """A second handshake under the first one's keys (RFC 5246 section 7.4.1)."""
    ends, keys = said(tmp_path, identity, V12)
    other, _ = said(tmp_path, identity, V12)
    assert opened([*ends.sent, *other.sent], keys) is None
