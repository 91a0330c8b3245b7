"""Every kind of cipher that the standard library still speaks, and RC4, which it does not."""

from __future__ import annotations

import hmac
import ssl
import warnings
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher

from tests.tls.authority import issue
from tests.tls.talk import far, logged, near, read, talk
from tracer.tls.protection import BadRecordError, StreamProtection
from tracer.tls.search import BUDGET, MOST, Search
from tracer.tls.suites import suite_of

V10, V11, V12 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue("a.example", kind="rsa", signs=None).write(tmp_path_factory.mktemp("server") / "a.pem")


@pytest.mark.parametrize(
    ("version", "cipher"),
    [
        (V10, "AES128-SHA"),
        (V10, "ECDHE-RSA-AES256-SHA"),
        (V11, "AES256-SHA"),
        (V11, "CAMELLIA128-SHA"),
        (V12, "AES128-SHA256"),
        (V12, "ECDHE-RSA-AES256-SHA384"),
        (V12, "AES128-CCM"),
        (V12, "AES128-CCM8"),
        (V12, "ECDHE-RSA-CHACHA20-POLY1305"),
        (V12, "AES256-GCM-SHA384"),
        (V12, "NULL-SHA"),
        (V12, "NULL-SHA256"),
    ],
)
def test_the_exchange_inside_is_read(server: Path, tmp_path: Path, version: ssl.TLSVersion, cipher: str) -> None:
    suites = f"{cipher}:@SECLEVEL=0"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sent = talk(near(tmp_path / "log", version, suites), far(server, suites)).sent
    kept = read(sent, logged(tmp_path / "log"))
    assert [e.response.status for e in kept.exchanges if e.response] == [403]
    assert kept.handshakes[0].decrypted
    assert [a.name for a in kept.handshakes[0].alerts] == ["close_notify", "close_notify"]


def sealed(key: bytes, mac_key: bytes, texts: list[bytes]) -> list[bytes]:
    """Records of TLS 1.2 under RC4 and SHA-1 (RFC 5246 section 6.2.3.1)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4

        worker = Cipher(ARC4(key), None).encryptor()
    found = []
    for number, text in enumerate(texts):
        head = number.to_bytes(8) + b"\x17\x03\x03" + len(text).to_bytes(2)
        found.append(worker.update(text + hmac.digest(mac_key, head + text, "sha1")))
    return found


DATA = b"\x17\x03\x03"
"""all of a record's header that its MAC covers as it stands"""


def rc4() -> tuple[StreamProtection, list[bytes]]:
    suite = suite_of(0x0005)
    assert suite is not None
    key, mac_key = bytes(range(16)), bytes(range(20))
    return StreamProtection(suite, key, mac_key), sealed(key, mac_key, [b"one", b"two", b"three"])


def test_rc4_records_open_in_order() -> None:
    protection, records = rc4()
    assert [protection.open(DATA, r, Search())[1] for r in records] == [b"one", b"two", b"three"]


def test_rc4_goes_on_after_a_record_that_is_missing() -> None:
    protection, records = rc4()
    search = Search()
    protection.skip(len(records[0]))
    search.passed()
    assert protection.open(DATA, records[1], search) == (23, b"two")


def test_rc4_records_that_were_changed_do_not_verify() -> None:
    protection, records = rc4()
    with pytest.raises(BadRecordError):
        protection.open(DATA, b"\0" + records[0][1:], Search())


def test_only_the_expected_number_is_tried_while_nothing_was_lost() -> None:
    assert list(Search().numbers(7)) == [7]


def test_a_loss_widens_the_search_by_what_fits_into_it() -> None:
    search = Search()
    search.lost(100)
    assert list(search.numbers(7)) == [7, 8, 9, 10, 11, 12]


def test_a_search_in_vain_is_bounded_for_a_record_and_for_a_connection() -> None:
    search = Search()
    search.lost(1 << 30)
    assert len(list(search.numbers(0))) == MOST + 1
    tried = sum(len(list(search.numbers(0))) for _ in range(100))
    assert tried < BUDGET + 101
