"""What OpenSSL's own programs say to one another is opened: every kind of cipher and every way through a handshake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tls.authority import issue
from tests.tls.openssl_ends import needs_openssl, of, table
from tests.tls.talk import Kept, logged, read
from tracer.tls.keys import Keys

pytestmark = needs_openssl


@pytest.fixture(scope="module")
def rsa(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(issue("a.example", kind="rsa", signs=None).write(tmp_path_factory.mktemp("rsa") / "a.pem"))


def answered(kept: Kept) -> list[tuple[str, int]]:
    return [(e.request.target, e.response.status) for e in kept.exchanges if e.request and e.response]


@pytest.mark.parametrize("ems", [True, False], ids=["ems", "no-ems"])
@pytest.mark.parametrize("etm", [True, False], ids=["etm", "no-etm"])
@pytest.mark.parametrize(
    ("version", "cipher"),
    [
        ("-tls1", "AES128-SHA"),
        ("-tls1_1", "AES256-SHA"),
        ("-tls1_2", "AES128-SHA256"),
        ("-tls1_2", "ECDHE-RSA-AES256-SHA384"),
    ],
)
def test_cbc_is_opened_with_and_without_its_extensions(
    rsa: str, tmp_path: Path, version: str, cipher: str, etm: bool, ems: bool
) -> None:
    """RFC 7366 and RFC 7627, each on and off."""
    options = (version, "-cipher", f"{cipher}:@SECLEVEL=0", *([] if etm else ["-no_etm"]))
    sent, log = of(tmp_path, "-cert", rsa, *options, client=options, ems=ems)
    assert answered(read(sent, logged(log))) == [("/one", 403)]
    if cipher.startswith("AES"):  # RSA key exchange: the server's key is as good as the log
        keys = Keys()
        keys.add(Path(rsa).read_bytes(), "a.pem")
        assert answered(read(sent, keys)) == [("/one", 403)]


V12 = [
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("AES256-CCM", "TLS_RSA_WITH_AES_256_CCM"),
    ("AES256-CCM8", "TLS_RSA_WITH_AES_256_CCM_8"),
    ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
]
V13 = [
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_CCM_SHA256",
    "TLS_AES_128_CCM_8_SHA256",
]


@pytest.mark.parametrize(
    ("options", "name"),
    [
        *((("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0"), name) for cipher, name in V12),
        *((("-tls1_3", "-ciphersuites", name), name) for name in V13),
    ],
)
def test_aead_is_opened(rsa: str, tmp_path: Path, options: tuple[str, ...], name: str) -> None:
    sent, log = of(tmp_path, "-cert", rsa, *options, client=options)
    kept = read(sent, logged(log))
    assert answered(kept) == [("/one", 403)]
    assert kept.handshakes[0].cipher == name


@pytest.mark.parametrize("padded", ["server", "client"])
def test_padding_of_records_is_taken_off(rsa: str, tmp_path: Path, padded: str) -> None:
    """RFC 8446 section 5.4."""
    pads = {padded: ("-record_padding", "512")}
    sent, log = of(tmp_path, "-cert", rsa, *pads.get("server", ()), client=pads.get("client", ()))
    assert max(len(data) for client, data in sent if client == (padded == "client")) > 500
    assert answered(read(sent, logged(log))) == [("/one", 403)]


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_pre_shared_key_stands_in_for_a_certificate(tmp_path: Path, version: str) -> None:
    options = (version, "-psk", "1a2b3c4d5e6f", "-psk_identity", "me")
    sent, log = of(tmp_path, "-nocert", *options, client=options)
    kept = read(sent, logged(log))
    assert answered(kept) == [("/one", 403)]
    (handshake,) = kept.handshakes
    assert (handshake.decrypted, handshake.server_certs or ()) == (True, ())


@pytest.mark.parametrize("server", [(), ("-no_ticket",)], ids=["ticket", "id"])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_sessions_are_resumed_by_id_and_by_ticket(
    rsa: str, tmp_path: Path, version: str, server: tuple[str, ...]
) -> None:
    session = str(tmp_path / "session")
    with table(tmp_path, "-cert", rsa, version, *server) as made:
        first = made.client("-sess_out", session)
        made.ask(first, "/first", 401)
        first.say(b"Q\n")
        first.process.wait(10)
        made.ask(made.client("-sess_in", session), "/second", 403)
        sent = made.relay.sent[1]
    kept = read(sent, logged(made.log))
    assert answered(kept) == [("/second", 403)]
    assert [h.resumed for h in kept.handshakes] == [True]


def test_early_data_is_read_and_told(rsa: str, tmp_path: Path) -> None:
    """RFC 8446 section 2.3."""
    session, early = str(tmp_path / "session"), tmp_path / "early"
    early.write_bytes(b"GET /early HTTP/1.1\r\nHost: a.example\r\n\r\n")
    with table(tmp_path, "-cert", rsa, "-tls1_3", "-early_data", "-no_anti_replay") as made:
        first = made.client("-sess_out", session)
        made.ask(first, "/first", 401)
        first.say(b"Q\n")
        first.process.wait(10)
        second = made.client("-sess_in", session, "-early_data", str(early))
        made.server.hears(b"GET /early")
        made.command(made.server, b"HTTP/1.1 425 Too Early\r\nX-For: early\r\nContent-Length: 0\r\n\r", False)
        second.hears(b"X-For: early")
        sent = made.relay.sent[1]
    kept = read(sent, logged(made.log))
    assert answered(kept) == [("/early", 425)]
    assert [(h.early_data, h.resumed) for h in kept.handshakes] == [(True, True)]


@pytest.mark.parametrize(("word", "client"), [(b"k", True), (b"K", True), (b"k", False), (b"K", False)])
def test_records_after_a_key_update_open(rsa: str, tmp_path: Path, word: bytes, client: bool) -> None:
    """RFC 8446 section 4.6.3: `K` asks the other side to update as well."""
    with table(tmp_path, "-cert", rsa, "-tls1_3") as made:
        one = made.client()
        made.ask(one, "/before", 200)
        made.command(one if client else made.server, word, client)
        made.ask(one, "/after", 403)
        made.ask(one, "/again", 403)
    kept = read(made.relay.sent[0], logged(made.log))
    assert answered(kept) == [("/before", 200), ("/after", 403), ("/again", 403)]
    updates = [m.client for m in kept.handshakes[0].messages if m.name == "KeyUpdate"]
    assert updates == ([client, not client] if word == b"K" else [client])


@pytest.mark.parametrize("client", [True, False])
def test_a_handshake_renewed_inside_the_old_one_is_read(rsa: str, tmp_path: Path, client: bool) -> None:
    """RFC 5746."""
    with table(tmp_path, "-cert", rsa, "-tls1_2", "-client_renegotiation") as made:
        one = made.client()
        made.ask(one, "/before", 200)
        made.command(one if client else made.server, b"R" if client else b"r", client)
        made.ask(one, "/after", 403)
    kept = read(made.relay.sent[0], logged(made.log))
    assert answered(kept) == [("/before", 200), ("/after", 403)]
    assert [h.decrypted for h in kept.handshakes] == [True, True]


def test_a_certificate_asked_for_late_and_what_follows_it_are_read(rsa: str, tmp_path: Path) -> None:
    """RFC 8446 section 4.6.2."""
    me = str(issue("me").write(tmp_path / "me.pem"))
    with table(tmp_path, "-cert", rsa, "-tls1_3") as made:
        one = made.client("-enable_pha", "-cert", me)
        made.ask(one, "/before", 200)
        made.command(made.server, b"c", False)
        made.ask(one, "/after", 403)
        made.ask(one, "/again", 403)
    kept = read(made.relay.sent[0], logged(made.log))
    assert answered(kept) == [("/before", 200), ("/after", 403), ("/again", 403)]
    assert [(h.client_cert_requested, h.client_cert_sent) for h in kept.handshakes] == [(True, True)]


def test_a_retried_hello_is_read(rsa: str, tmp_path: Path) -> None:
    """RFC 8446 section 4.1.4."""
    sent, log = of(tmp_path, "-cert", rsa, "-groups", "P-384", client=("-groups", "X25519:P-384"))
    kept = read(sent, logged(log))
    assert answered(kept) == [("/one", 403)]
    assert [m.name for m in kept.handshakes[0].messages][:2] == ["ClientHello", "HelloRetryRequest"]
