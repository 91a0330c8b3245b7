"""Registered names from what TLS libraries write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.formats import tls_words
from tracer.formats.certificate import certificate_of


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0", 116),
        ("error:14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:SSL alert number 42", 42),
        ("error:0A000410:SSL routines::sslv3 alert handshake failure", 40),
        ("OpenSSL SSL_connect: error:0A000458:SSL routines::tlsv1 unrecognized name", 112),
        ("error:0A000416:SSL routines::sslv3 alert certificate unknown", 46),
        ("error:0A00042E:SSL routines::tlsv1 alert protocol version", 70),
        ("error:0A000418:SSL routines::tlsv1 alert unknown ca", 48),
        ("error:0A000438:SSL routines::tlsv1 alert internal error", 80),
        ("SSL routines::reason(1116)", 116),
        ("gnutls_handshake() failed: A TLS fatal alert has been received.: Certificate is required", 116),
        ("gnutls_handshake() failed: A TLS fatal alert has been received: [48] CA is unknown", 48),
        ("received fatal alert: HandshakeFailure", 40),
        ("AlertReceived(UnknownCA)", 48),
        ("received fatal alert: CertificateRequired", 116),
    ],
)
def test_an_alert_is_found_in_the_words_of_every_library(message: str, code: int) -> None:
    said = tls_words.alert_in(message)
    assert said == (code, tls_words.ALERTS[code])


@pytest.mark.parametrize(
    "message",
    ["", "SSL certificate problem: self-signed certificate", "Connection reset by peer", "alert", "reason(2000)",
     "unable to get local issuer certificate"],
)  # fmt: skip
def test_other_failures_are_no_alerts(message: str) -> None:
    assert tls_words.alert_in(message) is None


@given(st.text(max_size=200))
def test_any_words_are_searched_without_raising(message: str) -> None:
    said = tls_words.alert_in(message)
    assert said is None or 0 <= said.code < 256


@pytest.mark.parametrize(
    ("openssl", "registered"),
    [  # as `openssl ciphers -stdname` pairs them
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("DHE-RSA-AES256-CCM8", "TLS_DHE_RSA_WITH_AES_256_CCM_8"),
        ("ADH-AES128-SHA256", "TLS_DH_anon_WITH_AES_128_CBC_SHA256"),
        ("AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ("CAMELLIA256-SHA256", "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256"),
        ("PSK-AES128-GCM-SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256"),
        ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("AEAD-CHACHA20-POLY1305-SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    ],
)
def test_ciphers_get_their_registered_names(openssl: str, registered: str) -> None:
    assert tls_words.cipher(openssl) == registered


@pytest.mark.parametrize(
    ("said", "version"),
    [("TLSv1", "TLSv1.0"), ("TLSv1.2", "TLSv1.2"), ("TLS 1.3", "TLSv1.3"), ("QUICv1", "TLSv1.3"), (None, None)],
)  # fmt: skip
def test_versions_get_one_spelling(said: str | None, version: str | None) -> None:
    assert tls_words.version(said) == version


def test_bytes_that_are_no_certificate_are_kept_with_their_hash() -> None:
    kept = certificate_of(b"not a certificate")
    assert (kept.der, kept.subject, len(kept.sha256)) == (b"not a certificate", "", 64)
