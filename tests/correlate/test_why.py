"""Why: what a product means by its words, what a redirect did, what is not there."""

from __future__ import annotations

import pytest

from tests.correlate.scenes import exchange, verdicts
from tracer.model.verdict import Cause, Verdict

MISSING = '{"message":"Missing Authentication Token"}'
DENIED = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>'
)
S3 = {"Server": "AmazonS3", "Content-Type": "application/xml"}
FRONT = {**S3, "X-Cache": "Error from cloudfront", "Via": "1.1 a.cloudfront.net (CloudFront)"}


def last(*exchanges: object) -> Verdict:
    return verdicts(*exchanges)[-1]  # type: ignore[arg-type]


def test_api_gateway_means_a_path_that_it_does_not_know_by_a_missing_token() -> None:
    says = {"Content-Type": "application/json", "x-amz-apigw-id": "CiuCK", "x-amzn-RequestId": "8002266b-612a"}
    assert last(exchange("e1", says=says, page=MISSING)).cause is Cause.HOST_DENIED


def test_elsewhere_a_missing_token_is_one() -> None:
    page = '{"error": "missing_token"}'
    assert last(exchange("e1", says={"Content-Type": "application/json"}, page=page)).cause is Cause.CREDENTIALS_MISSING


def test_a_post_that_a_redirect_made_a_get_was_not_denied_for_its_method() -> None:
    first = exchange("e1", url="http://www.test/old", method="POST", status=302, says={"Location": "/new"}, sent="{}")
    then = exchange("e2", url="http://www.test/new", status=405, says={"Allow": "POST"}, at_ms=20)
    assert last(first, then).cause is Cause.CREDENTIALS_LOST_IN_REDIRECT
    assert last(then).cause is Cause.METHOD_DENIED


def test_credentials_beside_a_signed_link_were_carried_on_by_the_redirect() -> None:
    asks = {"Authorization": "token abc"}
    page = (
        "<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism allowed; only the X-Amz-Algorithm query "
        "parameter, Signature query string parameter or the Authorization header should be specified</Message></Error>"
    )
    first = exchange(
        "e1", url="http://www.test/log", status=302, asks=asks, says={"Location": "https://s3.test/l?Signature=x"}
    )
    then = exchange("e2", url="http://www.test/log", status=400, asks=asks, says=S3, page=page, at_ms=20)
    assert last(first, then).cause is Cause.CREDENTIALS_LOST_IN_REDIRECT
    assert last(then).cause is Cause.CREDENTIALS_INVALID


def test_what_s3_refuses_while_it_gives_out_other_objects_is_not_there() -> None:
    good = exchange("e1", url="http://www.test/logo.png", status=200, says=S3, page="x")
    bad = exchange("e2", url="http://www.test/lego.png", says=S3, page=DENIED, at_ms=20)
    assert last(good, bad).cause is Cause.OBJECT_HIDDEN
    assert last(bad).cause is Cause.RESOURCE_POLICY


@pytest.mark.parametrize(
    ("path", "cause"),
    [("/app/users", Cause.OBJECT_HIDDEN), ("/index.html", Cause.RESOURCE_POLICY), ("/", Cause.RESOURCE_POLICY)],
)
def test_cloudfront_may_read_the_bucket_that_it_asks(path: str, cause: Cause) -> None:
    assert last(exchange("e1", url=f"http://www.test{path}", says=FRONT, page=DENIED)).cause is cause


def test_a_policy_that_s3_names_is_the_cause() -> None:
    page = DENIED.replace("Access Denied<", "not authorized because no resource-based policy allows s3:GetObject<")
    assert last(exchange("e1", url="http://www.test/app/users", says=FRONT, page=page)).cause is Cause.RESOURCE_POLICY


TRAVERSAL = "http://www.test/../etc/passwd"


def test_a_program_that_nobody_described_is_named_as_it_names_itself() -> None:
    found = last(exchange("e1", says={"Server": "Foo_Server/1.2"}, page="<h1>Forbidden</h1>"))
    assert (found.product, found.hop.name) == ("foo-server", "foo-server")


@pytest.mark.parametrize(
    "says",
    [{"Server": "Foo/1.2", "Via": "1.1 somebody"}, {"Server": "server"}, {"Server": "[x](y)/1"}, {"Server": "a b c"},
     {"Server": "Foo/1.2", "X-Powered-By": "Express", "ETag": 'W/"9-a"'}],
)  # fmt: skip
def test_a_name_that_may_be_anothers_or_is_none_is_no_product(says: dict[str, str]) -> None:
    assert last(exchange("e1", says=says, page="Forbidden")).product in (None, "express")


def test_who_climbs_above_the_root_is_refused_by_the_server_itself() -> None:
    found = last(exchange("e1", url=TRAVERSAL, says={"Server": "foo/1"}, page="<h1>Forbidden</h1>"))
    assert found.cause is Cause.REQUEST_REJECTED
    assert last(exchange("e1", url="http://www.test/a?f=../../etc/passwd", page="<h1>No</h1>")).cause is Cause.WAF_RULE


JWT = {"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}


@pytest.mark.parametrize(
    ("page", "more", "cause"),
    [
        ('{"message":"Invalid signature"}', {}, Cause.CREDENTIALS_INVALID),
        ('{"error":"invalid_signature"}', {}, Cause.CREDENTIALS_INVALID),
        ('{"message":"Invalid request signature"}', {}, Cause.SIGNATURE_MISMATCH),
        ('{"message":"Invalid signature"}', {"X-Hub-Signature-256": "sha256=00"}, Cause.SIGNATURE_MISMATCH),
        ('{"message":"Invalid signature"}', {"Authorization": "Bearer opaque"}, Cause.SIGNATURE_MISMATCH),
    ],
)
@pytest.mark.parametrize("status", [401, 403])
def test_a_signature_that_is_not_believed_is_the_tokens_where_nothing_else_is_signed(
    status: int, page: str, more: dict[str, str], cause: Cause
) -> None:
    says = {"Content-Type": "application/json"}
    assert last(exchange("e1", status=status, asks=JWT | more, says=says, page=page)).cause is cause


def test_a_host_that_says_401_to_nobody_means_more_by_403() -> None:
    says, page = {"Content-Type": "application/json"}, '{"error":"unauthorized"}'
    asked = exchange("e1", url="http://www.test/me", status=401, says=says, page="{}")
    refused = exchange("e2", says=says, page=page, at_ms=20)
    assert last(refused).cause is Cause.CREDENTIALS_MISSING
    assert last(asked, refused).cause is Cause.INSUFFICIENT_SCOPE


def test_a_web_servers_own_401_does_not_speak_of_the_session_in_a_cookie() -> None:
    page = "<html><center><h1>401 Authorization Required</h1></center><hr><center>nginx/1.24.0</center></html>"
    web, api = {"Server": "nginx/1.24.0"}, {"Content-Type": "application/json"}
    asks = {"Cookie": "sid=abcdefgh"}
    verdict = last(exchange("e1", status=401, asks=asks, says=web, page=page))
    assert verdict.cause is Cause.CREDENTIALS_MISSING
    assert verdict.cause_confidence < 0.7
    assert last(exchange("e1", status=401, asks=asks, says=api, page="{}")).cause is Cause.CREDENTIALS_INVALID
