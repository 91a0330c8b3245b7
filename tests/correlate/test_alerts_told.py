"""Refusals of which only the client's words are left."""

from __future__ import annotations

import msgspec
import pytest

from tests.correlate.scenes import exchange, verdicts
from tracer.correlate.alerts_told import alert_in
from tracer.model.http import Exchange
from tracer.model.verdict import Cause


def unanswered(comment: str) -> Exchange:
    return msgspec.structs.replace(exchange("e1", url="https://www.test/page", status=None), comment=comment)


@pytest.mark.parametrize(
    ("comment", "cause"),
    [
        ("error:14094418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca, errno 0", Cause.CLIENT_CERT_REJECTED),
        ("curl: (56) OpenSSL SSL_read: tlsv13 alert certificate required, errno 0", Cause.CLIENT_CERT_MISSING),
        ("net::ERR_SSL_CLIENT_AUTH_CERT_NEEDED", Cause.CLIENT_CERT_MISSING),
        ("SSL_ERROR_EXPIRED_CERT_ALERT", Cause.CLIENT_CERT_REJECTED),
        ("sslv3 alert unrecognized name", Cause.HOST_DENIED),
    ],
)
def test_an_alert_that_the_client_tells_of_is_a_refused_handshake(comment: str, cause: Cause) -> None:
    (verdict,) = verdicts(unanswered(comment))
    assert (verdict.status, verdict.method, verdict.exchange) == (None, None, "e1")
    assert (verdict.url, verdict.cause) == ("https://www.test/", cause)


@pytest.mark.parametrize(
    "comment",
    [
        "sslv3 alert handshake failure",
        "SSL certificate problem: unable to get local issuer certificate",
        "net::ERR_CERT_AUTHORITY_INVALID",
        "Connection reset by peer",
    ],
)
def test_what_the_client_itself_refused_is_no_denial(comment: str) -> None:
    assert alert_in(comment) is None
    assert verdicts(unanswered(comment)) == []


def test_an_answer_outweighs_a_comment() -> None:
    answered = msgspec.structs.replace(exchange("e1", status=200), comment="tlsv1 alert unknown ca")
    assert verdicts(answered) == []
