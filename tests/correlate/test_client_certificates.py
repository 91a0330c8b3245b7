"""A client certificate that a server took, and a refusal all the same."""

from __future__ import annotations

from tests.correlate.scenes import NGINX_403, START, exchange, handshake, verdicts
from tracer.model.tls import Certificate
from tracer.model.verdict import Cause

WEB = {"Server": "nginx/1.24.0", "Content-Type": "text/html"}
REJECTED = f"cause:{Cause.CLIENT_CERT_REJECTED}"


def holder(valid_ns: int = 10**15) -> tuple[Certificate, ...]:
    return (Certificate(subject="CN=caller", issuer="CN=root", not_after_ns=START + valid_ns),)


def test_a_certificate_that_was_taken_is_not_surely_why_a_page_refuses() -> None:
    sent = handshake(client_cert_sent=True, client_certs=holder(), acceptable_cas=("CN=root",))
    (verdict,) = verdicts(exchange("e1", says=WEB, page=NGINX_403, tls="t1"), sent)
    assert verdict.cause is not Cause.CLIENT_CERT_REJECTED or verdict.cause_confidence < 0.6


def test_where_the_same_certificate_got_a_good_answer_it_was_not_rejected() -> None:
    first = handshake("t1", client_cert_sent=True, client_certs=holder())
    again = handshake("t2", client_cert_sent=True, client_certs=holder())
    good = exchange("e1", url="http://www.test/open", status=200, says=WEB, tls="t1")
    bad = exchange("e2", says=WEB, page=NGINX_403, tls="t2", at_ms=20)
    verdict = verdicts(good, bad, first, again)[-1]
    assert verdict.cause is not Cause.CLIENT_CERT_REJECTED
    assert min(e.weight for e in verdict.evidence if e.supports == REJECTED) < 0


def test_an_expired_certificate_is_why_whatever_else_was_answered() -> None:
    late = handshake(client_cert_sent=True, client_certs=holder(-(10**15)))
    good = exchange("e1", url="http://www.test/open", status=200, says=WEB, tls="t1")
    bad = exchange("e2", says=WEB, page=NGINX_403, tls="t1", at_ms=20)
    assert verdicts(good, bad, late)[-1].cause is Cause.CLIENT_CERT_REJECTED
