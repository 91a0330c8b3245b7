"""Refused handshakes."""

from __future__ import annotations

from tests.correlate.scenes import alert, exchange, handshake, verdicts
from tracer.model.connection import Connection
from tracer.model.verdict import Cause


def test_an_alert_after_the_request_is_one_verdict_about_the_missing_certificate() -> None:
    asked = exchange("e1", status=None, tls="t1", server="192.0.2.80:443")
    (verdict,) = verdicts(asked, handshake(alerts=(alert(116, "certificate_required"),)))
    assert (verdict.exchange, verdict.status, verdict.cause) == ("t1", None, Cause.CLIENT_CERT_MISSING)
    assert verdict.url == "https://www.test/"
    assert verdict.hop.address == "192.0.2.80:443"


def test_an_alert_about_a_certificate_that_was_sent_is_a_rejection() -> None:
    (verdict,) = verdicts(handshake(client_cert_sent=True, alerts=(alert(45, "certificate_expired"),)))
    assert verdict.cause is Cause.CLIENT_CERT_REJECTED
    assert verdict.cause_detail == "certificate-expired"


def test_an_unknown_name_is_a_denied_host() -> None:
    refused = handshake(client_cert_requested=False, client_cert_sent=None, alerts=(alert(112, "unrecognized_name"),))
    (verdict,) = verdicts(refused)
    assert verdict.cause is Cause.HOST_DENIED


def test_a_decode_error_after_a_good_answer_is_none() -> None:
    answered = exchange("e1", status=200, tls="t1", server="192.0.2.80:443")
    assert verdicts(answered, handshake(alerts=(alert(50, "decode_error"),))) == []


def test_an_alert_of_the_client_accuses_nobody() -> None:
    from tracer.model.tls import Alert

    of_client = Alert(client=True, level=2, code=48, name="unknown_ca")
    assert verdicts(handshake(alerts=(of_client,))) == []


def test_a_silent_close_after_a_certificate_was_asked_for_is_a_verdict_with_doubt() -> None:
    asked = exchange("e1", status=None, tls="t1", server="192.0.2.80:443")
    closed = Connection(id="ct1", source="a.pcap", closed="server-rst")
    (verdict,) = verdicts(asked, handshake(), closed)
    assert verdict.cause is Cause.CLIENT_CERT_MISSING
    assert verdict.confidence < 0.6


def test_a_client_that_closes_is_not_refused() -> None:
    closed = Connection(id="ct1", source="a.pcap", closed="client-fin")
    assert verdicts(handshake(complete=False), closed) == []
