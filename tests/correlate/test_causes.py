"""What is wrong: what the answer states, what the request carried, what led there."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest

from tests.correlate.scenes import NGINX_403, START, exchange, verdicts
from tracer.correlate.steps import causes
from tracer.correlate.words import SURE_WHY
from tracer.model.http import SANITIZED
from tracer.model.verdict import Cause

APACHE_403 = (
    '<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>403 Forbidden</title>\n</head><body>\n'
    "<h1>Forbidden</h1>\n<p>You don't have permission to access this resource.</p>\n</body></html>\n"
)


def _jwt(**claims: object) -> str:
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in ({"alg": "none"}, claims)]
    return ".".join([*parts, "c2lnbmF0dXJl"])


def test_apaches_standard_sentence_says_nothing_of_permissions() -> None:
    (verdict,) = verdicts(exchange("e1", page=APACHE_403, says={"Server": "Apache/2.4.62"}))
    assert verdict.cause is Cause.PATH_DENIED


@pytest.mark.parametrize(
    ("asks", "cause"),
    [({}, Cause.CREDENTIALS_MISSING), ({"Authorization": "Basic YTpi"}, Cause.CREDENTIALS_INVALID)],
)
def test_401_is_missing_or_invalid_by_what_was_sent(asks: dict[str, str], cause: Cause) -> None:
    page = "<p>Either you supplied the wrong credentials (e.g., bad password), or authorization required.</p>"
    (verdict,) = verdicts(
        exchange("e1", status=401, asks=asks, page=page, says={"WWW-Authenticate": 'Basic realm="x"'})
    )
    assert verdict.cause is cause


def test_nothing_follows_from_credentials_that_a_recording_leaves_out() -> None:
    asked = exchange("e1", status=401, says={"WWW-Authenticate": "Bearer"}, page='{"message": "no"}')
    (whole,) = verdicts(asked)
    (sanitized,) = verdicts(msgspec.structs.replace(asked, extra={SANITIZED: "yes"}))
    assert (whole.cause, sanitized.cause) == (Cause.CREDENTIALS_MISSING, Cause.CREDENTIALS_MISSING)
    assert whole.cause_confidence > 0.85
    assert sanitized.cause_confidence < 0.6
    assert sanitized.cause_detail == "not-recorded"
    assert "sensitive data" in sanitized.next_steps[0]


def test_a_challenge_is_no_secret_of_ours() -> None:
    (verdict,) = verdicts(exchange("e1", status=401, says={"WWW-Authenticate": "Bearer"}, page='{"message": "no"}'))
    assert not any("[redacted" in e.says for e in verdict.evidence)


def test_a_401_that_the_client_then_overcame_is_no_verdict() -> None:
    asked = exchange("e1", status=401, says={"WWW-Authenticate": "Basic"})
    passed = exchange("e2", status=200, asks={"Authorization": "Basic YTpi"}, at_ms=50)
    assert verdicts(asked, passed) == []


def test_an_expired_token_at_403_is_expired_credentials() -> None:
    token = _jwt(exp=START // 10**9 - 60)
    (verdict,) = verdicts(exchange("e1", asks={"Authorization": f"Bearer {token}"}, page='{"error":"forbidden"}'))
    assert verdict.cause is Cause.CREDENTIALS_EXPIRED


def test_a_token_of_the_future_is_clock_skew() -> None:
    token = _jwt(nbf=START // 10**9 + 600, exp=START // 10**9 + 900)
    (verdict,) = verdicts(exchange("e1", asks={"Authorization": f"Bearer {token}"}, page='{"error":"forbidden"}'))
    assert verdict.cause is Cause.CLOCK_SKEW


def test_a_signed_link_past_its_time_is_expired() -> None:
    url = "http://www.test/file?md5=abcdefgh&expires=1500000000"
    (verdict,) = verdicts(exchange("e1", url=url, page=NGINX_403, says={"Server": "nginx/1.24.0"}))
    assert verdict.cause is Cause.CREDENTIALS_EXPIRED


def test_the_csrf_page_of_django_is_csrf() -> None:
    page = "<h1>Forbidden <span>(403)</span></h1><p>CSRF verification failed. Request aborted.</p>"
    (verdict,) = verdicts(exchange("e1", method="POST", page=page, says={"Content-Type": "text/html"}))
    assert verdict.cause is Cause.CSRF_FAILED


def test_a_challenge_is_told_from_a_block() -> None:
    says = {"Server": "cloudflare", "CF-RAY": "8c2d4e6f7a8b9c0d-FRA", "cf-mitigated": "challenge"}
    (verdict,) = verdicts(exchange("e1", says=says, page="<title>Just a moment...</title>"))
    assert verdict.cause is Cause.BOT_CHALLENGE


def test_a_foreign_page_that_embeds_an_image_meets_hotlink_protection() -> None:
    found = verdicts(
        exchange("e1", url="http://www.test/a.jpg", asks={"Referer": "http://other.test/"}, page=NGINX_403)
    )
    assert found[0].cause is Cause.REFERER_DENIED


def test_a_directory_and_the_servers_own_page_is_a_missing_index() -> None:
    (verdict,) = verdicts(exchange("e1", url="http://www.test/files/", page=NGINX_403, says={"Server": "nginx/1.24.0"}))
    assert verdict.cause is Cause.DIRECTORY_INDEX


def test_a_robots_name_makes_the_client_suspect() -> None:
    (verdict,) = verdicts(exchange("e1", asks={"User-Agent": "EvilBot/1.0"}, page=NGINX_403))
    assert verdict.cause is Cause.CLIENT_DENIED


def test_an_old_answer_from_a_cache_is_a_stale_denial() -> None:
    (verdict,) = verdicts(exchange("e1", says={"Age": "40", "Via": "1.1 varnish", "X-Cache": "HIT"}, page=NGINX_403))
    assert verdict.cause is Cause.STALE_DENIAL


def test_no_request_left_is_a_rate_limit() -> None:
    (verdict,) = verdicts(exchange("e1", says={"X-RateLimit-Remaining": "0"}, page="{}"))
    assert verdict.cause is Cause.RATE_LIMITED


def test_authorization_that_a_redirect_to_another_host_dropped_is_named_with_its_chain() -> None:
    first = exchange("e1", status=302, asks={"Authorization": "Bearer x"}, says={"Location": "http://files.test/f"})
    last = exchange("e2", url="http://files.test/f", asks={"Host": "files.test"}, at_ms=50, page="no")
    (verdict,) = verdicts(first, last)
    assert verdict.cause is Cause.CREDENTIALS_LOST_IN_REDIRECT
    assert verdict.chain == ("e1", "e2")


def test_a_post_that_became_get_is_named() -> None:
    first = exchange("e1", method="POST", status=302, sent="a=1", says={"Location": "/page2"})
    last = exchange("e2", url="http://www.test/page2", at_ms=50, page='{"error":"no"}')
    (verdict,) = verdicts(first, last)
    assert verdict.cause is Cause.CREDENTIALS_LOST_IN_REDIRECT


def test_a_redirect_elsewhere_is_not_part_of_the_chain() -> None:
    other = exchange("e1", status=302, asks={"Authorization": "Bearer x"}, says={"Location": "http://files.test/f"})
    denied = exchange("e2", url="http://www.test/g", at_ms=50, page="no")
    (verdict,) = verdicts(other, denied)
    assert verdict.chain == ("e2",)


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_has_a_sentence_and_a_next_step(cause: Cause) -> None:
    assert causes()[cause].says
    assert causes()[cause].check


def test_headline_and_next_steps_are_never_empty() -> None:
    for status in (401, 403, 405, 407, 421, 429, 451, 495, 496, 511):
        (verdict,) = verdicts(exchange("e1", status=status))
        assert str(status) in verdict.headline
        assert verdict.next_steps


def test_secrets_do_not_reach_the_evidence() -> None:
    url = "http://www.test/x?access_token=s3cr3tvalue&expires=1500000000"
    asks = {"Authorization": "Bearer abcdefghijklmnop", "Cookie": "session=topsecretsession"}
    (verdict,) = verdicts(exchange("e1", url=url, asks=asks, page='{"error":"token expired","token":"leakedvalue1"}'))
    quoted = " ".join(e.seen.value + e.says for e in verdict.evidence)
    for secret in ("s3cr3tvalue", "abcdefghijklmnop", "topsecretsession", "leakedvalue1"):
        assert secret not in quoted


def test_what_bars_a_cause_does_so_however_often_the_answer_names_it() -> None:
    asks = {"Proxy-Authenticate": 'Basic realm="company"', "X-Squid-Error": "ERR_CACHE_ACCESS_DENIED 0"}
    sent = {"Proxy-Authorization": "Basic YTpi"}
    (verdict,) = verdicts(exchange("e1", status=407, asks=sent, says=asks, page="login"))
    assert verdict.cause is Cause.CREDENTIALS_INVALID


def test_a_log_in_that_comes_back_with_another_state_is_no_question_of_rights() -> None:
    url = "http://www.test/callback?code=abc&state=one"
    (verdict,) = verdicts(exchange("e1", url=url, asks={"Cookie": "oauth_state=two"}, page="no"))
    assert verdict.cause is Cause.CSRF_FAILED


def test_a_cause_that_is_only_usual_is_not_said_surely() -> None:
    (verdict,) = verdicts(exchange("e1", page="no"))
    assert verdict.cause_confidence < SURE_WHY
