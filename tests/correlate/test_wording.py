"""What an answer says of its cause: error codes, words of many languages; and words that only look like it."""

from __future__ import annotations

import msgspec
import pytest

from tests.correlate.scenes import NGINX_403, Fields, exchange, verdicts
from tracer.correlate.cues import cues
from tracer.correlate.error_codes import codes_in, kebab, plain
from tracer.correlate.literals import words_of
from tracer.model.http import Response
from tracer.model.verdict import Cause, Layer, Verdict

JSON: Fields = {"Content-Type": "application/json"}
HTML: Fields = {"Content-Type": "text/html; charset=utf-8"}
TOKEN: Fields = {"Authorization": "Bearer opaque-token-value"}


def _said(
    page: str, says: Fields = JSON, asks: Fields = TOKEN, status: int = 403, url: str = "http://www.test/page"
) -> Verdict:
    (verdict,) = verdicts(exchange("e1", status=status, says=says, asks=asks, page=page, url=url))
    return verdict


@pytest.mark.parametrize(
    "written",
    [
        "RateLimitExceeded",
        "rate_limit_exceeded",
        "RATE-LIMIT-EXCEEDED",
        "Rate limit exceeded",
        "rateLimitExceededException",
    ],
)
def test_a_code_is_one_however_it_is_written(written: str) -> None:
    assert plain(written)[0] == "ratelimitexceeded"


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("com.amazonaws.coral.service#AccessDeniedException", "accessdenied"),
        ("UnrecognizedClientException:http://internal.amazon.com/coral/", "unrecognizedclient"),
        ("urn:ietf:params:acme:error:rateLimited", "ratelimited"),
        ("https://api.test/problems/out-of-credits/", "outofcredits"),
        ("-2147024891, System.UnauthorizedAccessException", "unauthorizedaccess"),
    ],
)
def test_a_code_is_known_without_its_namespace(written: str, known: str) -> None:
    assert known in plain(written)


def test_codes_are_found_in_json_and_xml_and_alone() -> None:
    assert list(codes_in('{"a": 1, "error": {"code": "quota_exceeded"}}' + " " * 80)) == ["quota_exceeded"]
    assert "ExpiredToken" in codes_in("<Error><Code>ExpiredToken</Code><Message>m m</Message></Error>" + " " * 80)
    assert list(codes_in(" local_rate_limited\n")) == ["local_rate_limited"]


def test_what_a_code_is_called_in_a_detail() -> None:
    assert kebab("urn:x:SignatureDoesNotMatch") == "signature-does-not-match"


def test_no_code_stands_for_two_causes() -> None:
    every = [code for codes in cues().codes.values() for code in codes]
    assert len(every) == len(set(every))
    assert all(plain(code)[0] == code for code in every)


def test_every_row_of_words_is_found_by_a_word() -> None:
    assert [row.cause for row in cues().stated if not words_of("|".join(row.like))] == []


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("insufficient_quota", Cause.QUOTA_EXCEEDED),
        ("PERMISSION_DENIED", Cause.INSUFFICIENT_SCOPE),
        ("AuthorizationFailed", Cause.INSUFFICIENT_SCOPE),
        ("TokenExpiredError", Cause.CREDENTIALS_EXPIRED),
        ("SERVICE_DISABLED", Cause.PLAN_OR_SUBSCRIPTION),
        ("account_suspended", Cause.ACCOUNT_RESTRICTED),
        ("IP_NOT_ALLOWED", Cause.IP_DENIED),
        ("EBADCSRFTOKEN", Cause.CSRF_FAILED),
        ("ForbiddenByFirewall", Cause.IP_DENIED),
        ("RequestTimeTooSkewed", Cause.CLOCK_SKEW),
    ],
)
def test_a_code_names_the_cause(code: str, cause: Cause) -> None:
    assert _said(f'{{"error": {{"code": "{code}", "message": "No."}}}}').cause is cause


def test_the_code_of_a_challenge_names_the_cause() -> None:
    verdict = _said("", says={"WWW-Authenticate": 'Bearer realm="api", error="insufficient_scope"'})
    assert (verdict.cause, verdict.cause_detail) == (Cause.INSUFFICIENT_SCOPE, "insufficient-scope")


@pytest.mark.parametrize(
    ("challenge", "cause"),
    [
        ('Bearer realm="a", error="insufficient scope", error_description="no"', Cause.INSUFFICIENT_SCOPE),
        ('Bearer error="insufficient_user_authentication", acr_values="gold"', Cause.ACCOUNT_RESTRICTED),
        ("Bearer error=invalid_token", Cause.CREDENTIALS_INVALID),
    ],
)
def test_the_code_of_a_challenge_may_be_words_or_of_another_standard(challenge: str, cause: Cause) -> None:
    assert _said("", says={"WWW-Authenticate": challenge}, status=401).cause is cause


@pytest.mark.parametrize(("word", "cause"), [("badauth", Cause.CREDENTIALS_INVALID), ("badagent", Cause.CLIENT_DENIED)])
def test_the_words_of_dynamic_dns_name_the_cause(word: str, cause: Cause) -> None:
    assert _said(word, says={"Server": "nginx", "Content-Type": "text/plain"}, asks={}).cause is cause


def _posted(path: str, form: str, status: int) -> Verdict:
    made = exchange(
        "e1", url=f"http://www.test{path}", method="POST", status=status, sent=form, page='{"message":"no"}'
    )
    (verdict,) = verdicts(made)
    return verdict


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/api/login", "user=alice&password=wrong"),
        ("/oauth/token", "grant_type=client_credentials&client_id=a&client_secret=b"),
        ("/api/auth/refresh", '{"refresh_token": "abc"}'),
        ("/v1/otp/verify", '{"otp": "1234"}'),
        ("/session", '{"email": "a@b.test", "password": "x"}'),
    ],
)
def test_a_log_in_brings_its_credentials_in_the_body(path: str, form: str, status: int) -> None:
    assert _posted(path, form, status).cause is Cause.CREDENTIALS_INVALID


@pytest.mark.parametrize("path", ["/api/users", "/account/password", "/authors"])
def test_a_password_elsewhere_is_not_the_callers(path: str) -> None:
    assert _posted(path, '{"name": "b", "password": "x"}', 401).cause is Cause.CREDENTIALS_MISSING


def test_a_log_in_that_a_bare_server_refuses_was_not_looked_at() -> None:
    asked = exchange("e1", url="http://www.test/login", method="POST", sent="user=a&password=b", page=NGINX_403)
    (verdict,) = verdicts(asked)
    assert verdict.cause is not Cause.CREDENTIALS_INVALID


@pytest.mark.parametrize(
    ("who", "cause"),
    [("system:anonymous", Cause.CREDENTIALS_MISSING), ("alice@a.test", Cause.INSUFFICIENT_SCOPE)],
)
def test_who_is_called_anonymous_misses_credentials(who: str, cause: Cause) -> None:
    said = f'pods is forbidden: User \\"{who}\\" cannot list resource \\"pods\\" in API group \\"\\"'
    page = (
        f'{{"kind":"Status","apiVersion":"v1","status":"Failure","message":"{said}","reason":"Forbidden","code":403}}'
    )
    verdict = _said(page, asks={})
    assert (verdict.product, verdict.cause) == ("kubernetes", cause)


def test_a_gateway_that_asks_who_and_says_no_more_misses_credentials() -> None:
    page = (
        "<h1>Error: Forbidden</h1><h2>Your client does not have permission to get URL <code>/a</code> from this server."
    )
    verdict = _said(page, {**HTML, "Server": "Google Frontend"}, asks={"Accept": "*/*"})
    assert (verdict.product, verdict.cause) == ("google-cloud-run", Cause.CREDENTIALS_MISSING)


def test_a_signed_link_is_of_one_method() -> None:
    says = {"Server": "AmazonS3", "x-amz-request-id": "A1", "x-amz-id-2": "b"}
    url = "http://bucket.s3.amazonaws.com/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=00ff"
    (verdict,) = verdicts(exchange("e1", method="HEAD", url=url, says=says))
    assert verdict.cause is Cause.SIGNATURE_MISMATCH


def test_who_says_unauthorized_with_403_to_nobody_misses_credentials() -> None:
    assert _said("Unauthorized", {"Content-Type": "text/plain"}, asks={}).cause is Cause.CREDENTIALS_MISSING


def test_tomcats_words_for_every_403_are_no_cause() -> None:
    page = "<h1>HTTP Status 403 - </h1><p>Access to the specified resource has been forbidden.</p><h3>Apache Tomcat/8"
    assert _said(page, asks={"Authorization": "Basic YTpi"}).cause is Cause.INSUFFICIENT_SCOPE


@pytest.mark.parametrize(
    ("size", "product", "cause"), [("919", "aws-waf", Cause.WAF_RULE), ("915", "aws-cloudfront", Cause.HOST_DENIED)]
)
def test_the_length_of_cloudfronts_page_tells_the_reason_also_without_the_page(
    size: str, product: str, cause: Cause
) -> None:
    says = {"server": "CloudFront", "content-type": "text/html", "content-length": size, "via": "1.1 a.cloudfront.net"}
    (verdict,) = verdicts(exchange("e1", method="HEAD", says={**says, "x-cache": "Error from cloudfront"}))
    assert (verdict.product, verdict.cause) == (product, cause)


def test_a_directory_is_refused_without_a_page_to_head() -> None:
    says = {"Server": "Apache/2.4.58", "Content-Type": "text/html; charset=iso-8859-1"}
    (verdict,) = verdicts(exchange("e1", method="HEAD", url="http://www.test/pictures/", says=says))
    assert verdict.cause is Cause.DIRECTORY_INDEX


def test_a_problem_type_names_the_cause() -> None:
    page = '{"type": "https://api.test/problems/quota-exceeded", "title": "That was all", "status": 403}'
    assert _said(page, says={"Content-Type": "application/problem+json"}).cause is Cause.QUOTA_EXCEEDED


def test_a_reason_phrase_of_its_own_is_read() -> None:
    asked = exchange("e1", method="CONNECT", status=407, asks={"Proxy-Authorization": "Basic YTpi"})
    answer = Response(status=407, reason="TRAFFIC_EXHAUSTED")
    (verdict,) = verdicts(msgspec.structs.replace(asked, response=answer))
    assert verdict.cause is Cause.QUOTA_EXCEEDED


def test_a_field_that_calls_itself_a_reason_is_read() -> None:
    verdict = _said("", says={"X-Block-Reason": "country restriction: only KR"}, asks={})
    assert verdict.cause is Cause.GEO_DENIED


@pytest.mark.parametrize(
    ("page", "cause"),
    [
        ("Sie haben keine Berechtigung, diese Seite aufzurufen.", Cause.INSUFFICIENT_SCOPE),
        ("Vous n'avez pas les droits nécessaires.", Cause.INSUFFICIENT_SCOPE),
        ("No tiene permiso para realizar esta acción", Cause.INSUFFICIENT_SCOPE),
        ("この操作を実行する権限がありません", Cause.INSUFFICIENT_SCOPE),
        ("您没有访问权限", Cause.INSUFFICIENT_SCOPE),
        ("недостаточно прав", Cause.INSUFFICIENT_SCOPE),
        ("访问过于频繁，请稍后再试", Cause.RATE_LIMITED),
        ("签名错误", Cause.SIGNATURE_MISMATCH),
        ("您的账号已被冻结", Cause.ACCOUNT_RESTRICTED),
        ("用户已禁用", Cause.ACCOUNT_RESTRICTED),
        ("Bu sayfa için izniniz yok", Cause.INSUFFICIENT_SCOPE),
        ("Nie masz uprawnień do tego zasobu", Cause.INSUFFICIENT_SCOPE),
        ("Bạn không có quyền truy cập", Cause.INSUFFICIENT_SCOPE),
        ("Za dużo: zbyt wiele żądań", Cause.RATE_LIMITED),
        ("リクエストが多すぎます", Cause.RATE_LIMITED),
        ("요청이 너무 많습니다", Cause.RATE_LIMITED),
        ("Votre adresse IP a été bloquée", Cause.IP_DENIED),
        ("Este contenido no está disponible en su país", Cause.GEO_DENIED),
        ("Ваш запрос показался нам подозрительным и был заблокирован!", Cause.WAF_RULE),
        ("您的请求包含非法字符，已被安全规则拦截", Cause.WAF_RULE),
    ],
)
def test_other_languages_are_read(page: str, cause: Cause) -> None:
    assert _said(f"<p>{page}</p>", says=HTML).cause is cause


def test_that_nobody_in_particular_was_refused_is_said_beside_missing_rights() -> None:
    page = "<p>You do not have permission to see this.</p>"
    known, nobody = _said(page, HTML, asks={"Cookie": "session=1"}), _said(page, HTML, asks={})
    assert known.cause is Cause.INSUFFICIENT_SCOPE
    assert nobody.cause_confidence < known.cause_confidence
    assert "cause:credentials-missing" in {e.supports for e in nobody.evidence}


def test_who_refuses_in_json_without_a_reason_knows_callers() -> None:
    verdict = _said('{"message": "No."}', {"x-amzn-ErrorType": "ForbiddenException", **JSON}, {})
    assert (verdict.layer, verdict.cause) == (Layer.GATEWAY, Cause.INSUFFICIENT_SCOPE)
    assert _said("", {"x-amzn-ErrorType": "ForbiddenException"}, {}).cause is Cause.PATH_DENIED


def test_a_server_without_a_site_greets_at_its_root_with_a_file() -> None:
    greeting = {"Server": "Apache/2.4.62", "Last-Modified": "Fri, 06 Aug 2021 14:03:23 GMT", "Accept-Ranges": "bytes"}
    assert _said("<h1>Welcome</h1>", {**HTML, **greeting}, {}, url="http://www.test/").cause is Cause.DIRECTORY_INDEX
    assert (
        _said("<h1>Welcome</h1>", {**HTML, **greeting}, {}, url="http://www.test/a").cause is not Cause.DIRECTORY_INDEX
    )


@pytest.mark.parametrize(
    ("page", "says", "cause"),
    [
        (
            '{"error": "permission_denied", "message": "You cannot change rate limit settings"}',
            JSON,
            "insufficient-scope",
        ),
        (
            '{"error": "insufficient_scope", "message": "waf:write is needed for firewall rules"}',
            JSON,
            "insufficient-scope",
        ),
        ('{"error": "203.0.113.5: this IP is not in the allowlist of the organization"}', JSON, "ip-denied"),
        ('{"message": "You need the editor role to modify the floor plan"}', JSON, "insufficient-scope"),
        (
            "<p>You are not allowed to view this document.</p>"
            "<footer>Security policy - Terms of service - Maintenance - Subscribe</footer>",
            HTML,
            "insufficient-scope",
        ),
    ],
)
def test_a_word_in_passing_is_not_the_cause(page: str, says: Fields, cause: str) -> None:
    verdict = _said(page, says)
    assert (verdict.layer, verdict.cause) == (Layer.APP, cause)


@pytest.mark.parametrize(
    "page",
    [
        "<h1>403 - members only</h1><p>Please log in to read on why Akamai shows Reference #18. and Cloudflare a Ray ID"
        " and nginx <code>&lt;center&gt;nginx&lt;/center&gt;</code>.</p>",
        '{"message": "upstream answered: 403 Forbidden nginx/1.18.0"}',
    ],
)
def test_who_quotes_a_product_is_not_that_product(page: str) -> None:
    verdict = _said(page, HTML if page.startswith("<") else JSON)
    assert (verdict.layer, verdict.product) == (Layer.APP, None)


@pytest.mark.parametrize(
    "path", ["/api/v1/users/7", "/api/chat", "/api/v1/events", "/rest/v1/orders", "/api/v1/applications", "/v1.0/users"]
)
def test_a_path_that_many_apis_have_names_no_product(path: str) -> None:
    verdict = _said('{"message": "no"}', url=f"http://www.test{path}")
    assert verdict.product in (None, "postgrest")
    assert "magento" not in {e.product for e in verdict.evidence}


def test_a_reason_in_capitals_is_werkzeugs() -> None:
    says = (
        (b"Server", b"nginx"),
        (b"WWW-Authenticate", b'Basic realm="Login Required"'),
        (b"Content-Type", b"text/html"),
    )
    for reason, product in (("UNAUTHORIZED", "flask"), ("Unauthorized", None)):
        answer = Response(status=401, reason=reason, headers=says)
        (verdict,) = verdicts(msgspec.structs.replace(exchange("e1", asks={}), response=answer))
        assert (verdict.product == "flask") is (product == "flask")


def test_a_service_that_is_read_only_for_now_is_maintained() -> None:
    page = '{"code": "STATE_READONLY", "message": "A scheduled upgrade is going on; the service is in read-only mode."}'
    assert _said(page).cause is Cause.MAINTENANCE


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ('{"value": "a1", "error": "ACCESS_DENIED", "message": "a1 is none of yours"}', JSON),
        ('{"error": "nothing"}', {**JSON, "X-Request-Id": "5348c07f-ed2e-46aa-b2a1-5fffd37a6956"}),
        ("null", {**JSON, "Cache-Control": "no-cache"}),
        ("<h1>Stop</h1> The request is blocked. Restricted access.", HTML),
        ('{"error": "method not allowed"}', {**JSON, "Allow": "GET, POST, OPTIONS"}),
    ],
)
def test_words_and_fields_of_many_are_no_products(page: str, says: Fields) -> None:
    assert _said(page, says).product is None


def test_what_cloudflares_workers_refuse_for_their_quota_is_no_firewalls() -> None:
    verdict = _said("error code: 1027", {"server": "cloudflare", "cf-ray": "1-FRA"}, asks={}, status=429)
    assert (verdict.layer, verdict.product, verdict.cause) == (Layer.CDN, "cloudflare", Cause.QUOTA_EXCEEDED)


def test_a_session_that_the_answer_starts_was_started_by_an_application() -> None:
    says = {"Server": "nginx", "Content-Type": "text/html", "Set-Cookie": "PHPSESSID=abc; path=/"}
    assert _said("", says, asks={}, status=401).layer is Layer.APP


def test_what_spring_security_adds_to_every_answer_is_its_mark() -> None:
    says = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache", "Expires": "0"}
    verdict = _said("", says, asks={})
    assert (verdict.layer, verdict.product) == (Layer.APP, "spring-security")
    google = _said("", {**says, "Expires": "Mon, 01 Jan 1990 00:00:00 GMT"}, asks={})
    assert google.product is None


def test_a_cache_control_that_only_plug_writes_on_a_refusal_is_phoenixs() -> None:
    """Rack::ETag writes it on good answers alone."""
    verdict = _said("", {"cache-control": "max-age=0, private, must-revalidate", "date": "x"}, asks={}, status=401)
    assert (verdict.layer, verdict.product) == (Layer.APP, "phoenix")


def test_a_challenge_without_a_page_in_lower_case_is_not_haproxys() -> None:
    verdict = _said("", {"www-authenticate": 'basic realm="a"', "content-length": "0"}, asks={}, status=401)
    assert verdict.product is None


def test_a_reason_phrase_that_two_servers_write_is_not_the_cdns() -> None:
    asked = exchange("e1", asks={})
    answer = Response(status=403, reason="Access Denied", headers=((b"Server", b"Jetty(9.4.1)"),))
    (verdict,) = verdicts(msgspec.structs.replace(asked, response=answer))
    assert (verdict.layer, verdict.product) == (Layer.ORIGIN, "jetty")


def test_text_with_the_type_of_unknown_files_is_a_return_of_nginx() -> None:
    verdict = _said(
        "this name is not served here", {"Server": "nginx", "Content-Type": "application/octet-stream"}, {}, 421
    )
    assert (verdict.layer, verdict.product, verdict.cause) == (Layer.ORIGIN, "nginx", Cause.HOST_DENIED)


@pytest.mark.parametrize("word", ["Forbidden", "Unauthorized"])
def test_a_word_that_go_programs_send_is_not_traefiks(word: str) -> None:
    says = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
    verdict = _said(word + "\n", says, {})
    assert (verdict.layer, verdict.product) == (Layer.APP, None)


def test_an_upgrade_to_http2_in_the_clear_is_refused_for_itself() -> None:
    page = "<hr><center>Microsoft-Azure-Application-Gateway/v2</center>"
    asks = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABk"}
    verdict = _said(page, {"Server": "Microsoft-Azure-Application-Gateway/v2"}, asks)
    assert (verdict.layer, verdict.cause) == (Layer.GATEWAY, Cause.REQUEST_REJECTED)


GENERIC = (
    "Forbidden", "Access denied", "Unauthorized", "Permission denied", "Invalid token", "Invalid API key",
    "Token expired",
    "Please log in", "Authentication failed", "CSRF token missing", "Invalid CSRF token", "Too many requests",
    "Rate limit exceeded", "Quota exceeded", "Account disabled", "Your IP has been blocked",
    "Not available in your country",
    "Invalid signature", "Insufficient permissions", "Not the owner", "Subscription required",
    "Origin not allowed",
    "Invalid host", "403 Forbidden", "Error 403", "Resource not accessible", "Invalid nonce", "Host not allowed",
)  # fmt: skip
FORMS = (
    ("application/json", '{{"error": "{}"}}'),
    ("application/json", '{{"detail": "{}"}}'),
    ("application/json", '{{"error": {{"code": 403, "message": "{}"}}}}'),
    ("application/json", '{{"errors": [{{"message": "{}"}}]}}'),
    ("application/json;charset=UTF-8", '{{"code": 403, "msg": "{}", "data": null}}'),
    ("application/problem+json", '{{"type": "about:blank", "title": "{}", "status": 403}}'),
    ("text/html", "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"),
    ("application/xml", '<?xml version="1.0"?><error><message>{}</message></error>'),
)


@pytest.mark.parametrize(("kind", "form"), FORMS)
def test_words_that_anybody_uses_name_no_product(kind: str, form: str) -> None:
    asked = (
        exchange(f"e{n}", says={"Content-Type": kind}, asks=TOKEN, page=form.format(words))
        for n, words in enumerate(GENERIC)
    )
    assert {v.exchange: v.product for v in verdicts(*asked) if v.product is not None} == {}
