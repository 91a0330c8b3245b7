"""What is read when the capture is not whole, the bytes are wrong, or the keys are."""

from __future__ import annotations

import random
import ssl
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tls.authority import issue
from tests.tls.talk import Sent, far, logged, meet, near, read, talk
from tracer.tls.draft import MOST
from tracer.tls.keys import Keys

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
BOTH = pytest.mark.parametrize("version", [V12, V13])
Said = dict[ssl.TLSVersion, tuple[Sent, Keys]]


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return issue("a.example").write(tmp_path_factory.mktemp("server") / "a.pem")


@pytest.fixture(scope="module")
def said(identity: Path, tmp_path_factory: pytest.TempPathFactory) -> Said:
    """A conversation of five exchanges in each version, and its keys."""
    found: Said = {}
    for version in (V12, V13):
        log = tmp_path_factory.mktemp("log") / "keys"
        ends = meet(near(log, version), far(identity))
        ends.shake()
        for _ in range(5):
            ends.exchange()
        ends.close()
        found[version] = ends.sent, logged(log)
    return found


def statuses(sent: Sent, keys: Keys | None, **how: dict[int, int]) -> list[int]:
    return [e.response.status for e in read(sent, keys, **how).exchanges if e.response]  # type: ignore[arg-type]


@BOTH
def test_a_record_that_was_changed_costs_itself(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    at = [i for i, (client, _) in enumerate(sent) if not client][-3]
    client, data = sent[at]
    changed = [*sent[:at], (client, data[:-1] + bytes([data[-1] ^ 1])), *sent[at + 1 :]]
    assert statuses(sent, keys) == [403] * 5
    assert statuses(changed, keys) == [403] * 4


@BOTH
def test_a_segment_that_is_missing_costs_the_records_in_it(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    at = [i for i, (client, _) in enumerate(sent) if not client][-3]
    without = [*sent[:at], *sent[at + 1 :]]
    assert statuses(without, keys, gaps={at + 2: len(sent[at][1])}) == [403] * 4


@BOTH
def test_a_capture_that_ends_anywhere_tells_what_came_before(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    whole = sum(len(data) for _, data in sent)
    seen = 0
    for stop in range(0, whole + 1, 1 if version is V12 else 3):
        left, cut = stop, []
        for client, data in sent:
            cut.append((client, data[:left]))
            left -= len(data)
            if left <= 0:
                break
        kept = read([(c, d) for c, d in cut if d], keys)
        answers = len([e for e in kept.exchanges if e.response])
        assert answers >= seen
        assert len(kept.handshakes) <= 1
        seen = answers
    assert seen == 5


@BOTH
def test_a_capture_that_begins_late_says_so(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    kept = read(sent[1:], keys)
    assert kept.exchanges == []
    assert [h.why_not for h in kept.handshakes] == ["joined late"]


@BOTH
def test_data_alone_is_no_handshake(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    kept = read(sent[-6:], keys)
    assert (kept.handshakes, kept.exchanges) == ([], [])


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_bytes_that_change_anywhere_never_stop_the_reader(said: Said, data: st.DataObject) -> None:
    sent, keys = said[data.draw(st.sampled_from([V12, V13]))]
    changed = [(client, bytearray(part)) for client, part in sent]
    for _ in range(data.draw(st.integers(1, 8))):
        part = data.draw(st.sampled_from(changed))[1]
        part[data.draw(st.integers(0, len(part) - 1))] = data.draw(st.integers(0, 255))
    kept = read([(client, bytes(part)) for client, part in changed], keys)
    assert len([e for e in kept.exchanges if e.response and e.response.status == 403]) <= 5


def record(kind: int, body: bytes) -> bytes:
    return bytes([kind, 3, 3]) + len(body).to_bytes(2) + body


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from([20, 21, 22, 23, 24]),
            st.one_of(
                st.binary(max_size=80),
                st.builds(
                    lambda kind, size, body: bytes([kind]) + size.to_bytes(3) + body,
                    st.sampled_from([0, 1, 2, 4, 8, 11, 13, 14, 15, 16, 20, 22, 24, 25, 99]),
                    st.integers(0, 1 << 20),
                    st.binary(max_size=80),
                ),
            ),
        ),
        max_size=12,
    )
)
def test_any_records_are_read_without_an_exception(records: list[tuple[bool, int, bytes]]) -> None:
    keys = Keys()
    keys.add(b"CLIENT_RANDOM %b %b" % (b"00" * 32, b"00" * 48))
    kept = read([(client, record(kind, body)) for client, kind, body in records], keys)
    assert all(len(h.problems) <= 10 for h in kept.handshakes)


def test_a_message_that_lies_about_its_length_costs_one_record(said: Said) -> None:
    sent, keys = said[V12]
    lie = record(22, bytes([14]) + (1 << 16).to_bytes(3) + b"x" * 20)
    kept = read([*sent[:1], (False, lie), *sent[1:]], keys)
    (handshake,) = kept.handshakes
    assert handshake.decrypted
    assert [p.code for p in handshake.problems] == ["tls.message"]


def test_a_message_whose_rest_never_comes_ends_at_another_kind_of_record(said: Said) -> None:
    sent, keys = said[V12]
    at = next(i for i, (client, _) in enumerate(sent) if client and i)
    cut = record(22, bytes([11]) + (5000).to_bytes(3) + b"x" * 20)
    kept = read([*sent[:at], (True, cut[:5] + cut[5:]), (True, record(21, b"\1\0")), *sent[at:]], keys)
    (handshake,) = kept.handshakes
    assert "tls.message-cut" in [p.code for p in handshake.problems]
    assert len(kept.exchanges) == 5


def test_many_messages_and_alerts_are_cut_with_a_problem_each(said: Said) -> None:
    hello = said[V12][0][0][1]
    many = record(21, b"\1\x5a") * (MOST + 5) + record(22, b"\0\0\0\0" * (MOST + 5))
    (handshake,) = read([(True, hello), (False, many)]).handshakes
    assert (len(handshake.alerts), len(handshake.messages)) == (MOST, MOST)
    assert [p.code for p in handshake.problems] == ["tls.many-alerts", "tls.many-messages"]


def test_a_long_message_in_one_byte_records_takes_no_longer_than_it_is() -> None:
    pieces = bytes([11]) + (1 << 18).to_bytes(3) + bytes(60000)
    start = time.process_time()
    read([(False, b"".join(record(22, pieces[i : i + 1]) for i in range(len(pieces))))])
    assert time.process_time() - start < 5


@BOTH
def test_floods_of_empty_records_and_of_key_changes_cost_themselves(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    hello, rest = sent[0], sent[1:]
    flood = record(20, b"\1") * 3000 if version == V13 else record(22, b"") * 3000
    assert statuses([hello, (True, flood), *rest], keys) == [403] * 5


def test_keys_renewed_again_and_again_still_open_what_follows(said: Said) -> None:
    """RFC 8446 section 4.6.3: nothing bounds how often a client may do so."""
    sent, keys = said[V13]
    (secret,) = [value for (label, _), value in keys.secrets.items() if label == "CLIENT_TRAFFIC_SECRET_0"]
    updates, last = bytearray(), 0
    while last < 1000:
        key, nonce = expand(secret, b"key", 32), int.from_bytes(expand(secret, b"iv", 12))
        sequence = 0 if last else 5
        updates += sealed(key, nonce ^ sequence, b"\x18\0\0\1\0\x16")
        secret = expand(secret, b"traffic upd", len(secret))
        last += 1
    key, nonce = expand(secret, b"key", 32), int.from_bytes(expand(secret, b"iv", 12))
    updates += sealed(key, nonce, b"GET /last HTTP/1.1\r\nHost: a\r\n\r\n\x17")
    closing = next(i for i in range(len(sent) - 1, 0, -1) if sent[i][0] and len(sent[i][1]) > 40)
    kept = read([*sent[: closing + 1], (True, bytes(updates))], keys)
    (handshake,) = kept.handshakes
    assert [e.request.target for e in kept.exchanges if e.request][-1] == "/last"
    assert len(handshake.messages) == MOST
    assert "tls.many-messages" in [p.code for p in handshake.problems]


def expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446 section 7.1, with SHA-384."""
    info = size.to_bytes(2) + bytes([6 + len(label)]) + b"tls13 " + label + b"\0"
    return HKDFExpand(SHA384(), size, info).derive(secret)


def sealed(key: bytes, nonce: int, inner: bytes) -> bytes:
    """A record of TLS 1.3 under AES-GCM, its inner type the last byte."""
    head = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2)
    return head + AESGCM(key).encrypt(nonce.to_bytes(12), inner, head)


@BOTH
def test_a_flood_of_records_that_do_not_verify_is_bounded(said: Said, version: ssl.TLSVersion) -> None:
    sent, keys = said[version]
    noise = random.Random(1)
    flood = b"".join(record(23, noise.randbytes(1000)) for _ in range(3000))
    start = time.process_time()
    kept = read([*sent[:-2], (False, flood)], keys, gaps={len(sent): 1 << 30})
    assert time.process_time() - start < 5
    assert len(kept.exchanges) == 5


def test_wrong_keys_open_nothing_and_claim_nothing(identity: Path, tmp_path: Path) -> None:
    sent = talk(near(tmp_path / "log", V12, "AES128-SHA256:@SECLEVEL=0"), far(rsa(tmp_path), "ALL:@SECLEVEL=0")).sent
    keys = logged(tmp_path / "log")
    for name in keys.masters:
        keys.masters[name] = bytes(48)
    kept = read(sent, keys)
    assert (kept.exchanges, kept.handshakes[0].decrypted) == ([], False)
    assert kept.handshakes[0].why_not == "its keys open none of its records"


def rsa(folder: Path) -> Path:
    return issue("a.example", kind="rsa", signs=None).write(folder / "rsa.pem")
